//! What each kind of answer leads to (welink-api.md 1, 2.3, 3.2, 4.4, 16; product.md ENT-08, C3).

use std::collections::BTreeSet;

use domain::ids::DeptCode;
use platform::transport::TransportError;
use tower::service_fn;

use super::*;
use crate::{Status, WeLinkError};

pub(super) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// The codes answered at `path` in their order, then the usual.
pub(super) fn scripted(
    path: &'static str,
    answers: Vec<(u16, String)>,
) -> impl Fn(&Seen) -> (u16, String) + Send + Sync {
    move |seen| match answers.get(seen.before) {
        Some(answer) if seen.path == path => answer.clone(),
        _ => usual(seen),
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_sign_gets_one_new_token() {
    for sign in ["1000", "401", "47101", "47103", "41600", "51036", "55000", "55014"] {
        let (welink, log, _, _) = world(scripted(USER_ID, vec![code(sign)]));
        let identity = welink.user_id(&credentials(1), &secret("C0DE")).await.unwrap();
        assert_eq!((identity.user_id.as_str(), identity.tenant.as_str()), ("zhangsan@welink", "AB12"));
        assert_eq!((log.count(TICKETS), log.count(USER_ID)), (2, 2), "{sign}");

        let (welink, log, _, _) = world(move |seen| if seen.path == USER_ID { code(sign) } else { usual(seen) });
        let error = welink.user_id(&credentials(1), &secret("C0DE")).await.unwrap_err();
        assert_eq!(error, WeLinkError::Refused { code: sign.to_owned(), message: format!("text {sign}") });
        assert_eq!((log.count(TICKETS), log.count(USER_ID)), (2, 2), "{sign}");
    }
}

#[tokio::test(start_paused = true)]
async fn code_51036_can_be_read_as_final() {
    let clock = clock();
    let (transport, log) = server(&clock, scripted(USER_ID, vec![code("51036")]));
    let other = Settings { code_51036_is_token_sign: false, ..settings() };
    let welink = client(other, transport, &clock, &Memory::default(), 1);
    assert!(matches!(welink.user_id(&credentials(1), &secret("C0DE")).await, Err(WeLinkError::Refused { .. })));
    assert_eq!(log.count(TICKETS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_reported_after_one_new_token() {
    for answer in [code("501"), (501, "<html>".to_owned()), (501, r#"{"code":501}"#.to_owned())] {
        let (welink, log, _, _) = world(scripted(TENANTS, vec![answer.clone()]));
        welink.tenant_info(&credentials(1)).await.unwrap();
        assert_eq!((log.count(TICKETS), log.count(TENANTS)), (2, 2));

        let (welink, log, _, _) = world(move |seen| if seen.path == TENANTS { answer.clone() } else { usual(seen) });
        let error = welink.tenant_info(&credentials(1)).await.unwrap_err();
        assert_eq!(error, WeLinkError::Permission { code: "501".to_owned() });
        assert_eq!((log.count(TICKETS), log.count(TENANTS)), (2, 2));
    }
    for denied in ["403", "47000", "47102", "55002"] {
        let (welink, log, _, _) = world(scripted(TENANTS, vec![code(denied)]));
        let error = welink.tenant_info(&credentials(1)).await.unwrap_err();
        assert_eq!(error, WeLinkError::Permission { code: denied.to_owned() });
        assert_eq!(log.count(TENANTS), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_code_means_open_again() {
    for refused in ["41500", "41501", "41503", "41504", "60007", "60008"] {
        let (welink, log, _, _) = world(scripted(USER_ID, vec![code(refused)]));
        let error = welink.user_id(&credentials(1), &secret("C0DE")).await.unwrap_err();
        assert_eq!(error, WeLinkError::Code { code: refused.to_owned() });
        assert_eq!(log.count(USER_ID), 1);
    }
    let (welink, log, _, _) = world(usual);
    for odd in [String::new(), " ".to_owned(), "A".repeat(2_001)] {
        let result = welink.user_id(&credentials(1), &Secret::new(odd)).await;
        assert!(matches!(result, Err(WeLinkError::Code { .. })));
    }
    assert_eq!(log.times(None).len(), 0, "what cannot be a code is not sent");
}

#[tokio::test(start_paused = true)]
async fn a_code_is_not_sent_twice_when_it_may_have_been_used() {
    let html = "<html>secret</html>".to_owned();
    for (answer, want) in [
        ((500, html.clone()), WeLinkError::Down),
        ((200, html), WeLinkError::Malformed),
        (code("500"), WeLinkError::Down),
        ((200, r#"{"code":0,"userId":"x"}"#.to_owned()), WeLinkError::Malformed),
    ] {
        let (welink, log, _, _) = world(scripted(USER_ID, vec![answer]));
        assert_eq!(welink.user_id(&credentials(1), &secret("C0DE")).await, Err(want));
        assert_eq!(log.count(USER_ID), 1);
    }
    let (welink, log, _, _) = world(|seen| {
        assert!(seen.path != USER_ID || seen.query == "code=C0+DE%26%2B", "{}", seen.query);
        scripted(USER_ID, vec![code("48503")])(seen)
    });
    welink.user_id(&credentials(1), &secret("C0 DE&+")).await.unwrap();
    assert_eq!(log.count(USER_ID), 2, "refused before use: sent again");
}

/// The first `failures` requests to `path` end in `error`.
pub(super) fn broken(
    inner: Transport,
    path: &'static str,
    failures: u32,
    error: TransportError,
) -> (Transport, Arc<AtomicU32>) {
    let tried = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tried);
    let service = service_fn(move |request: http::Request<bytes::Bytes>| {
        let hit = request.uri().path() == path;
        let failed = hit && count.fetch_add(1, Ordering::Relaxed) < failures;
        let (inner, error) = (inner.clone(), error.clone());
        async move { if failed { Err(error) } else { inner.send(request, Duration::from_mins(1)).await } }
    });
    (Transport::new(service), tried)
}

#[tokio::test(start_paused = true)]
async fn lost_connections_are_repeated_where_that_is_right() {
    let unsent = TransportError::Connect("refused".to_owned());
    let lost = TransportError::Broken("reset".to_owned());
    for (path, error, failures, tries, ok) in [
        (USER_ID, unsent.clone(), 2, 3, true),
        (USER_ID, unsent, 3, 3, false),
        (USER_ID, lost.clone(), 1, 1, false),
        (USER_ID, TransportError::Timeout, 1, 1, false),
        (TICKETS, lost, 2, 3, true),
        (TICKETS, TransportError::Timeout, 3, 3, false),
    ] {
        let clock = clock();
        let (transport, _) = server(&clock, usual);
        let (transport, tried) = broken(transport, path, failures, error);
        let welink = client(settings(), transport, &clock, &Memory::default(), 1);
        let result = welink.user_id(&credentials(1), &secret("C0DE")).await;
        assert_eq!(result.is_ok(), ok, "{path} {failures}");
        assert!(ok || result == Err(WeLinkError::Down));
        assert_eq!(tried.load(Ordering::Relaxed), tries, "{path} {failures}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_are_repeated_twice() {
    for (answer, want) in [
        ((502, String::new()), WeLinkError::Down),
        (code("500"), WeLinkError::Down),
        ((200, "<html>".to_owned()), WeLinkError::Malformed),
        ((302, String::new()), WeLinkError::Malformed),
    ] {
        let (welink, log, _, _) = world(scripted(TENANTS, vec![answer.clone(); 2]));
        welink.tenant_info(&credentials(1)).await.unwrap();
        let (welink, _, _, _) = world(scripted(TENANTS, vec![answer; 3]));
        assert_eq!(welink.tenant_info(&credentials(1)).await, Err(want));
        assert_eq!(log.count(TENANTS), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_for_within_bounds() {
    for limited in [code("48503"), (429, String::new())] {
        let (welink, _, _, clock) = world(scripted(USER_ID, vec![limited.clone()]));
        let began = clock.now();
        welink.user_id(&credentials(1), &secret("C0DE")).await.unwrap();
        assert!((1_000..1_500).contains(&clock.now().ms_since(began)));

        let (welink, log, _, clock) =
            world(move |seen| if seen.path == USER_ID { limited.clone() } else { usual(seen) });
        let began = clock.now();
        let result = welink.user_id(&credentials(1), &secret("C0DE")).await;
        assert!(matches!(result, Err(WeLinkError::Busy { retry_after_ms: 1_000.. })), "{result:?}");
        assert!(clock.now().ms_since(began) <= 3_500 && log.count(USER_ID) <= 4);
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_codes_are_final_and_verbatim() {
    let body = r#"{"code":58001,"message":"部门不存在"}"#;
    let (welink, log, _, _) = world(scripted(TENANTS, vec![(200, body.to_owned())]));
    let error = welink.tenant_info(&credentials(1)).await.unwrap_err();
    assert_eq!(error, WeLinkError::Refused { code: "58001".to_owned(), message: "部门不存在".to_owned() });
    assert!(!error.to_string().contains("部门"), "WeLink's text is not part of a log line");
    assert_eq!(log.count(TENANTS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_person_is_read_however_the_types_wobble() {
    let bodies = [
        r#"{"code":"0","userId":"zhangsan@welink","userStatus":"3","corpUserId":10023,"mobileNumber":"+86-15811847236",
            "userNameCn":"张三","mainDeptCode":7,"deptCodes":["7",9],"isAdmin":1,"phoneNumber":["1"],"new":{}}"#,
        r#"{"code":0,"data":{"userId":"ZhangSan@WeLink","userStatus":3,"corpUserId":"10023",
            "mobileNumber":"+86-15811847236","userNameCn":"张三",
            "mainDeptCode":"7","deptCodes":[7,"9"],"isAdmin":"1","phoneNumber":"1","userEmail":""}}"#,
    ];
    for body in bodies {
        let (welink, _, _, _) = world(scripted(DETAIL, vec![(200, body.to_owned())]));
        let user = welink.user_detail(&credentials(1), &zhangsan()).await.unwrap().unwrap();
        assert_eq!((user.status, user.is_admin, user.email.as_deref()), (Status::Opened, true, None));
        assert_eq!((user.corp_user_id.as_deref(), user.mobile.as_deref()), (Some("10023"), Some("+86-15811847236")));
        assert_eq!(user.depts.iter().map(DeptCode::as_str).collect::<Vec<_>>(), ["7", "9"]);
        assert_eq!(user.main_dept.as_ref().map(DeptCode::as_str), Some("7"));
        let shown = format!("{user:?}");
        assert!(!shown.contains("张三") && !shown.contains("158"), "{shown}");
    }
    let (welink, _, _, _) = world(scripted(DETAIL, vec![(200, r#"{"code":0}"#.to_owned())]));
    let user = welink.user_detail(&credentials(1), &zhangsan()).await.unwrap().unwrap();
    assert_eq!((user.user_id, user.status), (zhangsan(), Status::Unknown));
    let (welink, _, _, _) = world(scripted(DETAIL, vec![(200, r#"{"code":0,"userId":"lisi@welink"}"#.to_owned())]));
    assert_eq!(welink.user_detail(&credentials(1), &zhangsan()).await, Err(WeLinkError::Malformed));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_person_is_none() {
    for gone in ["47007", "47012", "47111"] {
        let (welink, _, _, _) = world(scripted(DETAIL, vec![code(gone)]));
        assert_eq!(welink.user_detail(&credentials(1), &zhangsan()).await, Ok(None), "{gone}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_older_user_interface_serves_where_the_newer_is_missing() {
    for (missing, tokens) in [((404, String::new()), 1), (code("404"), 1), (code("501"), 2), ((501, String::new()), 2)]
    {
        let (welink, log, _, _) = world(move |seen| match seen.path.as_str() {
            DETAIL => missing.clone(),
            USERS => {
                assert_eq!(seen.query, "userId=zhangsan%40welink");
                usual(seen)
            }
            _ => usual(seen),
        });
        for _ in 0..3 {
            let user = welink.user_detail(&credentials(1), &zhangsan()).await.unwrap().unwrap();
            assert_eq!(user.status, Status::Opened);
        }
        assert_eq!((log.count(TICKETS), log.count(DETAIL), log.count(USERS)), (tokens, tokens, 3));
    }
    let (welink, _, _, _) = world(|seen| match seen.path.as_str() {
        DETAIL => code("501"),
        USERS => code("404"),
        _ => usual(seen),
    });
    let error = welink.user_detail(&credentials(1), &zhangsan()).await.unwrap_err();
    assert_eq!(error, WeLinkError::Permission { code: "501".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn only_the_configured_host_is_called() {
    let clock = clock();
    let (transport, log) = server(&clock, usual);
    let welink =
        client(settings(), transport.only(BTreeSet::from(["other.test".to_owned()])), &clock, &Memory::default(), 1);
    assert_eq!(welink.tenant_info(&credentials(1)).await, Err(WeLinkError::Down));
    assert_eq!(log.times(None).len(), 0);
    assert_eq!(format!("{welink:?}"), "WeLink(https://welink.test)");
}
