//! What people see: signing in and out, to-dos, languages, headers.

use super::*;
use crate::oa::{DEMO_PASSWORD, SessionInfo};

async fn sign_in(oa: &Oa, account: &str, password: &str, back: &str) -> Answer {
    submit(oa, "/login", "", &[("account", account), ("password", password), ("return", back)]).await
}

#[tokio::test(start_paused = true)]
async fn a_page_leads_to_the_login_page_and_back() {
    let (oa, _) = oa();
    let away = visit(&oa, "/todo/42?from=push", "").await;
    assert_eq!((away.status, away.header("location")), (303, "/login?return=%2Ftodo%2F42%3Ffrom%3Dpush&lang=en"));
    let login = visit(&oa, away.header("location"), "").await;
    assert_eq!(login.status, 200);
    assert!(login.body.contains("value=\"/todo/42?from=push\""), "{}", login.body);
    assert!(login.body.contains(DEMO_PASSWORD) && login.body.contains("Simulated OA"));
    let back = sign_in(&oa, "LiHua ", DEMO_PASSWORD, "/todo/42?from=push").await;
    assert_eq!((back.status, back.header("location")), (303, "/todo/42?from=push"));
    assert_eq!(oa.sessions(), [SessionInfo { login: "lihua".to_owned(), jti: None, amr: vec![] }]);
    let home = visit(&oa, "/", &back.session()).await;
    for part in ["id=\"who\" data-test=\"who\">lihua<", "data-how=\"password\"", "Li Hua", "Research and Development"] {
        assert!(home.body.contains(part), "{part}\n{}", home.body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_an_unknown_account_and_a_disabled_one_look_alike() {
    let (oa, _) = oa();
    oa.change_account("1003", |account| account.active = false);
    let mut seen = Vec::new();
    for (account, password) in [("lihua", "wrong"), ("nobody", DEMO_PASSWORD), ("zhangwei", DEMO_PASSWORD), ("", "")] {
        let answer = sign_in(&oa, account, password, "/").await;
        assert_eq!(answer.status, 401, "{account}");
        assert!(answer.body.contains("data-test=\"login-error\""));
        let told = if account.is_empty() { answer.body } else { answer.body.replace(account, "") };
        seen.push(told.len());
    }
    assert_eq!(seen[1], seen[2], "the page does not tell an unknown account from a disabled one");
    assert!(oa.sessions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_way_back_never_leads_elsewhere() {
    let (oa, _) = oa();
    for back in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"] {
        assert_eq!(sign_in(&oa, "lihua", DEMO_PASSWORD, back).await.header("location"), "/", "{back}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_site_cannot_submit_our_forms() {
    let (oa, _) = oa();
    let session = sign_in(&oa, "lihua", DEMO_PASSWORD, "/").await.session();
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "http://bridge.localhost:9400", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "same-origin", 303),
    ] {
        let request = Request::post("/logout").header("cookie", &session).header(name, value);
        assert_eq!(send(&oa, request.body(Body::empty()).unwrap()).await.status, status, "{name}: {value}");
    }
    assert!(oa.sessions().is_empty());
    assert_eq!(visit(&oa, "/", &session).await.status, 303, "signed out");
}

#[tokio::test(start_paused = true)]
async fn a_to_do_is_its_owners_alone_and_is_decided_once() {
    let (oa, _) = oa();
    let lihua = sign_in(&oa, "lihua", DEMO_PASSWORD, "/").await.session();
    let wangfang = sign_in(&oa, "wangfang", DEMO_PASSWORD, "/").await.session();
    let page = visit(&oa, "/todo/42", &lihua).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("data-test=\"todo-title\">Purchase request-"), "{}", page.body);
    let foreign = visit(&oa, "/todo/42", &wangfang).await;
    assert_eq!(foreign.status, 403);
    assert!(foreign.body.contains("data-code=\"not-yours\"") && !foreign.body.contains("Purchase"));
    assert_eq!(submit(&oa, "/todo/42", &wangfang, &[("verdict", "approve")]).await.status, 403);
    for id in ["0", "41", "222", "4294967295", "-1", "x"] {
        assert_eq!(visit(&oa, &format!("/todo/{id}"), &lihua).await.status, 404, "{id}");
    }
    assert_eq!(submit(&oa, "/todo/42", &lihua, &[("verdict", "approve")]).await.status, 303);
    submit(&oa, "/todo/42", &lihua, &[("verdict", "return")]).await;
    let decided = visit(&oa, "/todo/42", &lihua).await;
    assert!(decided.body.contains("Approved") && !decided.body.contains("data-test=\"approve\""));
    assert!(visit(&oa, "/", &lihua).await.body.contains("data-test=\"pending\">2<"));
    assert!(visit(&oa, "/workflow", &lihua).await.body.contains("data-todo=\"42\""));
}

#[tokio::test(start_paused = true)]
async fn sessions_end_by_idling_by_age_and_with_the_account() {
    let (oa, _) = oa();
    let session = sign_in(&oa, "lihua", DEMO_PASSWORD, "/").await.session();
    for _ in 0..23 {
        tokio::time::advance(std::time::Duration::from_mins(20)).await;
        assert_eq!(visit(&oa, "/", &session).await.status, 200);
    }
    tokio::time::advance(std::time::Duration::from_mins(20)).await;
    assert_eq!(visit(&oa, "/", &session).await.status, 303, "eight hours are over");
    let session = sign_in(&oa, "lihua", DEMO_PASSWORD, "/").await.session();
    tokio::time::advance(std::time::Duration::from_mins(30)).await;
    assert_eq!(visit(&oa, "/", &session).await.status, 303, "thirty idle minutes");
    let session = sign_in(&oa, "lihua", DEMO_PASSWORD, "/").await.session();
    oa.change_account("1001", |account| account.active = false);
    assert_eq!(visit(&oa, "/", &session).await.status, 303, "the account is switched off");
}

#[tokio::test(start_paused = true)]
async fn pages_speak_two_languages_and_carry_their_guards() {
    let (oa, _) = oa();
    let session = sign_in(&oa, "lihua", DEMO_PASSWORD, "/").await.session();
    for path in ["/", "/workflow", "/workflow/new", "/attendance", "/todo/42", "/todo/45", "/nowhere"] {
        let english = visit(&oa, path, &session).await;
        let chinese = visit(&oa, &format!("{path}?lang=zh-CN"), &session).await;
        assert!(
            english.body.contains("<html lang=\"en\">") && chinese.body.contains("<html lang=\"zh-CN\">"),
            "{path}"
        );
        assert!(chinese.body.contains("模拟 OA") && chinese.set_cookie("__Host-oa_lang").is_some());
        let policy = english.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(english.header("cache-control"), "no-store");
        assert!(!english.body.contains("<script") && !english.body.contains("style="), "{path}");
        let untranslated = english.body.replace("中文", "").chars().find(|c| ('\u{4e00}'..'\u{9fff}').contains(c));
        assert_eq!(untranslated, None, "{path}");
    }
    for asset in ["/assets/oa.css", "/assets/oa.svg"] {
        assert_eq!(visit(&oa, asset, "").await.status, 200);
    }
}
