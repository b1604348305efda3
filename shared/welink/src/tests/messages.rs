//! Messages and to-dos: what is sent, and what each answer means for every receiver (welink-api.md 6, 7, 16; product.md
//! PSH-06, PSH-09, Q21).

use domain::ids::{MessageItemId, TodoTaskId};
use platform::transport::TransportError;
use serde_json::{Value, json};

use super::calls::{broken, scripted};
use super::*;
use crate::codes::Class;
use crate::{Applicant, Card, CardStatus, Devices, Notice, Outcome, Todo, WeLinkError};

const SEND: &str = "/api/messages/v3/send";
const CARD: &str = "/api/messages/v2/card/common";
const UPDATE: &str = "/api/messages/v1/update";
const ADD: &str = "/api/todo/v3/addtask";
const DELETE: &str = "/api/todo/v1/deltask";

fn people(names: &[&str]) -> Vec<WeLinkUserId> {
    names.iter().map(|name| WeLinkUserId::parse(&format!("{name}@welink")).unwrap()).collect()
}

fn notice(receivers: &[WeLinkUserId]) -> Notice<'_> {
    Notice {
        receivers,
        owner: "审批",
        title: r#"{"CN":"采购申请","EN":"Purchase"}"#,
        content: "等待部门审批",
        url: "https://bridge/h/a_1?to=%2Fm%2F42",
        pc_url: None,
        created: Some(Timestamp(1_750_000_000_000)),
    }
}

fn card(receivers: &[WeLinkUserId]) -> Card<'_> {
    Card {
        receivers,
        owner: "审批",
        title: "采购申请",
        content: "等待部门审批",
        devices: Devices::Both,
        url: Some("https://bridge/h/a_1"),
        pc_url: Some("https://bridge/pc"),
        status: Some(r#"{"CN":"待处理","EN":"pending"}"#),
        status_colour: None,
    }
}

fn task() -> TodoTaskId {
    TodoTaskId::parse("t&1").unwrap()
}

fn todo<'a>(task: &'a TodoTaskId, receiver: &'a WeLinkUserId) -> Todo<'a> {
    Todo {
        task,
        receiver,
        receiver_name_cn: "张三",
        receiver_name_en: "Zhang San",
        title: "采购申请",
        url: "https://bridge/h/a_1",
        pc_url: None,
        app_name: "OA",
        applicant: Applicant { user: "wangfang@welink", name_cn: "王芳", name_en: "Wang Fang" },
        request: "42",
        business_code: None,
        announced: false,
    }
}

/// A WeLink that answers `body` at every path but the token's.
async fn sent(body: &str, names: &[&str]) -> Outcome {
    let body = body.to_owned();
    let (welink, _, _, _) = world(move |seen| if seen.path == TICKETS { usual(seen) } else { (200, body.clone()) });
    welink.send_card(&credentials(1), &card(&people(names))).await
}

#[tokio::test(start_paused = true)]
async fn the_bodies_are_what_the_contract_says() {
    let (welink, _, _, _) = world(|seen| {
        let body: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let want = match seen.path.as_str() {
            SEND => json!({
                "msgRange": "0", "toUserList": ["zhangsan@welink"], "msgOwner": "审批", "urlType": "html",
                "msgTitle": r#"{"CN":"采购申请","EN":"Purchase"}"#, "msgContent": "等待部门审批",
                "urlPath": "https://bridge/h/a_1?to=%2Fm%2F42", "createTime": "1750000000000",
            }),
            CARD => json!({
                "msgRange": "0", "toUserList": ["zhangsan@welink"], "msgOwner": "审批", "msgTitle": "采购申请",
                "msgContent": "等待部门审批", "receiveDeviceType": "2", "urlType": "html",
                "urlPath": "https://bridge/h/a_1", "desktopUrlPath": "https://bridge/pc",
                "messageStatus": r#"{"CN":"待处理","EN":"pending"}"#,
            }),
            UPDATE => json!({
                "toUserList": ["zhangsan@welink"], "itemId": "i1", "messageStatus": "已处理", "statusColor": "2",
            }),
            ADD => json!({
                "taskId": "t&1", "taskTitle": "采购申请", "userId": "zhangsan@welink", "userNameCn": "张三",
                "userNameEn": "Zhang San", "detailsUrl": "https://bridge/h/a_1", "appName": "OA",
                "applicantUserId": "wangfang@welink", "applicantUserNameCn": "王芳",
                "applicantUserNameEn": "Wang Fang", "applicantId": "42", "isMsg": 0,
            }),
            DELETE => {
                assert_eq!((seen.query.as_str(), seen.body.as_str()), ("taskId=t%261", ""));
                Value::Null
            }
            _ => return usual(seen),
        };
        assert_eq!(body, want, "{}", seen.path);
        (200, r#"{"code":"0","message":"ok","itemId":"i1"}"#.to_owned())
    });
    let (c, one, item) = (credentials(1), people(&["zhangsan"]), MessageItemId::parse("i1").unwrap());
    let change = CardStatus { receivers: &one, item: &item, status: "已处理", status_colour: Some(2) };
    for outcome in [
        welink.send_notice(&c, &notice(&one)).await,
        welink.send_card(&c, &card(&one)).await,
        welink.update_card(&c, &change).await,
        welink.add_todo(&c, &todo(&task(), &one[0])).await,
        welink.delete_todo(&c, &task()).await,
    ] {
        assert_eq!(outcome, Outcome::Accepted { item: Some(item.clone()), failed: Vec::new(), why: None });
    }
    assert_eq!(format!("{:?} {:?}", notice(&one), todo(&task(), &one[0])), "Notice(1 receivers) Todo(t&1)");
}

#[tokio::test(start_paused = true)]
async fn every_reading_of_a_partial_failure_names_who_failed() {
    let failed = people(&["lisi"]);
    for (body, item, why) in [
        (r#"{"code":"51019","message":"m","itemId":"i1","failedUserId":["LISI@welink"]}"#, true, true),
        (r#"{"code":51019,"message":"m","failedUserId":"lisi@welink"}"#, false, true),
        (r#"{"code":0,"itemId":"i1","failedUserId":["lisi@welink","stranger@welink"]}"#, true, false),
    ] {
        let Outcome::Accepted { item: got, failed: who, why: reason } = sent(body, &["zhangsan", "lisi"]).await else {
            panic!("{body}")
        };
        assert_eq!((got.is_some(), &who, reason.is_some()), (item, &failed, why), "{body}");
        assert!(reason.is_none_or(|refusal| refusal.code == "51019" && refusal.advice().zh.contains("可见范围")));
    }
    for body in [r#"{"code":"51019","message":"m"}"#, r#"{"code":"51019","message":"m","failedUserId":["x@welink"]}"#] {
        let outcome = sent(body, &["zhangsan"]).await;
        let Outcome::Refused(refusal) = outcome else { panic!("{body}: {outcome:?}") };
        assert_eq!((&*refusal.code, refusal.class, &*refusal.message), ("51019", Class::Final, "m"));
    }
}

/// An answer, what it means, and how often it is asked for.
type Case<'a> = ((u16, String), &'a dyn Fn(&Outcome) -> bool, usize);

#[tokio::test(start_paused = true)]
async fn refused_not_sent_and_unknown_are_told_apart() {
    let one = people(&["zhangsan"]);
    let refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
    let unsent = |outcome: &Outcome| matches!(outcome, Outcome::NotSent(_));
    let unknown = |outcome: &Outcome| *outcome == Outcome::Unknown;
    let html = || "<html>".to_owned();
    let cases: [Case<'_>; 12] = [
        (code("51002"), &refused, 1),
        (code("58999"), &refused, 1),
        (code("55002"), &refused, 1),
        (code("501"), &refused, 2),
        (code("51036"), &refused, 2),
        ((500, html()), &unsent, 1),
        ((503, html()), &unsent, 1),
        (code("500"), &unsent, 1),
        (code("48503"), &unsent, 3),
        ((504, html()), &unknown, 1),
        ((200, html()), &unknown, 1),
        ((200, r#"{"code":"0","#.to_owned()), &unknown, 1),
    ];
    for (answer, wanted, calls) in cases {
        let (shown, always) = (answer.clone(), answer);
        let (welink, log, _, _) = world(move |seen| if seen.path == SEND { always.clone() } else { usual(seen) });
        let outcome = welink.send_notice(&credentials(1), &notice(&one)).await;
        assert!(wanted(&outcome), "{shown:?}: {outcome:?}");
        assert_eq!(log.count(SEND), calls, "{shown:?}");
    }
    let (welink, log, _, _) = world(scripted(SEND, vec![code("51036"), code("48503"), code("0")]));
    assert!(matches!(welink.send_notice(&credentials(1), &notice(&one)).await, Outcome::Accepted { .. }));
    assert_eq!((log.count(TICKETS), log.count(SEND)), (2, 3), "refused before it took effect: sent again");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_is_not_sent_again() {
    let one = people(&["zhangsan"]);
    for (error, failures, tries, wanted) in [
        (TransportError::Timeout, 1, 1, Outcome::Unknown),
        (TransportError::Broken("reset".to_owned()), 1, 1, Outcome::Unknown),
        (TransportError::TooLarge, 1, 1, Outcome::Unknown),
        (TransportError::Connect("refused".to_owned()), 9, 3, Outcome::NotSent(WeLinkError::Down)),
    ] {
        let clock = clock();
        let (transport, _) = server(&clock, usual);
        let (transport, tried) = broken(transport, ADD, failures, error);
        let welink = client(settings(), transport, &clock, &Memory::default(), 1);
        assert_eq!(welink.add_todo(&credentials(1), &todo(&task(), &one[0])).await, wanted);
        assert_eq!(tried.load(Ordering::Relaxed), tries);
    }
}

#[tokio::test(start_paused = true)]
async fn an_existing_to_do_and_a_gone_one_are_told_apart_from_refusals() {
    let one = people(&["zhangsan"]);
    for (said, exists, gone) in [
        ("55007", true, false),
        ("55010", true, false),
        ("55008", false, true),
        ("55009", false, true),
        ("55006", false, false),
    ] {
        let (welink, _, _, _) =
            world(move |seen| if matches!(&*seen.path, ADD | DELETE) { code(said) } else { usual(seen) });
        let added = welink.add_todo(&credentials(1), &todo(&task(), &one[0])).await;
        let deleted = welink.delete_todo(&credentials(1), &task()).await;
        for (outcome, already) in [(added, exists), (deleted, gone)] {
            let ok = match &outcome {
                Outcome::Already(refusal) => already && refusal.code == said,
                Outcome::Refused(refusal) => !already && refusal.code == said,
                _ => false,
            };
            assert!(ok, "{said}: {outcome:?}");
        }
    }
    let clock = clock();
    let (transport, _) = server(&clock, |seen| if seen.path == ADD { code("55007") } else { usual(seen) });
    let other = Settings { todo_exists_codes: ["55010".to_owned()].into(), ..settings() };
    let welink = client(other, transport, &clock, &Memory::default(), 1);
    assert!(matches!(welink.add_todo(&credentials(1), &todo(&task(), &one[0])).await, Outcome::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn blocked_credentials_and_a_full_list_send_nothing() {
    let (welink, log, _, _) = world(|seen| if seen.path == TICKETS { code("10007") } else { usual(seen) });
    let outcome = welink.send_notice(&credentials(1), &notice(&people(&["zhangsan"]))).await;
    assert!(matches!(outcome, Outcome::NotSent(WeLinkError::Blocked { .. })), "{outcome:?}");
    let many = vec![zhangsan(); 1_001];
    for (receivers, code) in [(&many[..], "51018"), (&[], "51042")] {
        let outcome = welink.send_notice(&credentials(2), &notice(receivers)).await;
        assert!(matches!(outcome, Outcome::Refused(refusal) if refusal.code == code), "{code}");
    }
    assert_eq!(log.count(SEND), 0);
}
