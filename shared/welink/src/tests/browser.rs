//! Sign-in by a browser (welink-api.md 3.4, 3.3; product.md HOM-02, C1, C3).

use platform::transport::TransportError;

use super::calls::{broken, scripted, secret};
use super::*;
use crate::{BadRedirect, BrowserIdentity, OAuthTransport, WeLinkError};

const BACK: &str = "https://bridge.test/auth/callback";
const STATE: &str = "st-1";

async fn sign_in(welink: &WeLink<Memory>, code: &str) -> Result<BrowserIdentity, WeLinkError> {
    welink.browser_identity(&credentials(1), &secret(code), BACK, STATE).await
}

fn refusal(code: &str) -> (u16, String) {
    (400, super::code(code).1)
}

#[tokio::test(start_paused = true)]
async fn the_qr_element_is_the_vendors_script_and_its_code_goes_to_sns_authorize() {
    let (welink, ..) = world(usual);
    let element = welink.element(&ClientId::parse("client7").unwrap(), BACK, "a&b").unwrap();
    let host = "https://login.welink.huaweicloud.com";
    assert_eq!(element.script, format!("{host}/sso-proxy-front/public/qrcode/0.0.1/wlQrcodeLogin.js"));
    assert_eq!(element.origin, host);
    let url = url::Url::parse(&format!("{}C0DE", element.onward)).unwrap();
    assert_eq!((url.origin().ascii_serialization().as_str(), url.path()), (host, "/sso/oauth2/sns_authorize"));
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let want = [
        ("client_id", "client7"),
        ("response_type", "code"),
        ("scope", "snsapi_login"),
        ("state", "a&b"),
        ("redirect_uri", BACK),
        ("code", "C0DE"),
    ];
    assert_eq!(pairs, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let bad = welink.element(&ClientId::parse("client7").unwrap(), "javascript:1", "s");
    assert_eq!(bad, Err(BadRedirect("javascript:1".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn the_browser_is_sent_to_the_login_page_with_five_parameters() {
    let (welink, log, _, _) = world(usual);
    let id = ClientId::parse("client7").unwrap();
    let url = url::Url::parse(&welink.authorize_url(&id, BACK, "a&b+ 中").unwrap()).unwrap();
    assert_eq!(url.origin().ascii_serialization(), "https://login.welink.huaweicloud.com");
    assert_eq!(url.path(), "/sso/oauth2/authorize");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let want = [
        ("client_id", "client7"),
        ("response_type", "code"),
        ("redirect_uri", BACK),
        ("scope", "backendlogin"),
        ("state", "a&b+ 中"),
    ];
    assert_eq!(pairs, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
    for bad in
        ["https://bridge.test/cb?x=1", "https://bridge.test/cb#x", "https://u@bridge.test/", "javascript:1", "cb"]
    {
        assert_eq!(welink.authorize_url(&id, bad, STATE), Err(BadRedirect(bad.to_owned())));
    }
    assert!(log.times(None).is_empty());

    let clock = clock();
    let (transport, _) = server(&clock, usual);
    let other = Settings { login_base: "http://login.localhost:9400/".to_owned(), ..settings() };
    let welink = client(other, transport, &clock, &Memory::default(), 1);
    assert!(welink.authorize_url(&id, BACK, STATE).unwrap().starts_with("http://login.localhost:9400/sso/oauth2/"));
}

#[tokio::test(start_paused = true)]
async fn a_code_becomes_a_person_by_either_transport() {
    for transport_kind in [OAuthTransport::PostForm, OAuthTransport::GetQuery] {
        let clock = clock();
        let (transport, log) = server(&clock, move |seen| {
            if seen.path == OAUTH {
                let (sent, empty) = match transport_kind {
                    OAuthTransport::PostForm => (&seen.body, &seen.query),
                    OAuthTransport::GetQuery => (&seen.query, &seen.body),
                };
                assert_eq!(seen.form, transport_kind == OAuthTransport::PostForm);
                assert_eq!(
                    sent,
                    "grant_type=authorization_code&code=C0+DE%26&client_id=client7&client_secret=secret-v1\
                     &redirect_uri=https%3A%2F%2Fbridge.test%2Fauth%2Fcallback&state=st-1"
                );
                assert!(empty.is_empty() && seen.token.is_empty());
            }
            assert!(seen.path != OWNER || seen.token == "u1", "the user's own token");
            usual(seen)
        });
        let wanted = Settings { oauth_transport: transport_kind, ..settings() };
        let welink = client(wanted, transport, &clock, &Memory::default(), 1);
        let identity = sign_in(&welink, "C0 DE&").await.unwrap();
        assert_eq!(identity, BrowserIdentity { user_id: zhangsan(), tenant: None });
        sign_in(&welink, "C0 DE&").await.unwrap();
        assert_eq!((log.count(TICKETS), log.count(OAUTH), log.count(OWNER)), (1, 2, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_company_is_read_where_it_is_named() {
    let (welink, _, _, _) =
        world(scripted(OWNER, vec![(200, r#"{"code":0,"userId":"a@welink","tenantId":"AB12"}"#.into())]));
    assert_eq!(
        sign_in(&welink, "C0DE").await.unwrap().tenant.as_ref().map(domain::ids::WeLinkTenantId::as_str),
        Some("AB12")
    );
}

#[tokio::test(start_paused = true)]
async fn only_60001_is_success_there_and_nowhere_else() {
    let granted = r#"{"code":0,"access_token":"u1"}"#;
    for body in [granted, r#"{"code":"60001"}"#, "<html>"] {
        let (welink, log, _, _) = world(scripted(OAUTH, vec![(200, body.to_owned())]));
        assert_eq!(sign_in(&welink, "C0DE").await, Err(WeLinkError::Malformed), "{body}");
        assert_eq!((log.count(OAUTH), log.count(OWNER)), (1, 0));
    }
    let (welink, _, _, _) = world(scripted(OAUTH, vec![(200, r#"{"code":60001,"access_token":"u1"}"#.to_owned())]));
    assert!(sign_in(&welink, "C0DE").await.is_ok(), "as a number, without expires_in");
    for body in [r#"{"code":"60001","userId":"a@welink"}"#, r#"{"code":"0"}"#] {
        let (welink, _, _, _) =
            world(move |seen| if seen.path == OWNER { (200, body.to_owned()) } else { usual(seen) });
        assert_eq!(sign_in(&welink, "C0DE").await, Err(WeLinkError::Malformed), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_browser_code_means_sign_in_again() {
    for refused in ["60002", "60003", "60007", "60008", "41500"] {
        let (welink, log, _, _) = world(scripted(OAUTH, vec![refusal(refused)]));
        assert_eq!(sign_in(&welink, "C0DE").await, Err(WeLinkError::Code { code: refused.to_owned() }));
        assert_eq!((log.count(OAUTH), log.count(OWNER)), (1, 0));
    }
    let (welink, _, _, _) = world(scripted(OWNER, vec![code("41500")]));
    assert_eq!(sign_in(&welink, "C0DE").await, Err(WeLinkError::Code { code: "41500".to_owned() }));
    let (welink, log, _, _) = world(usual);
    for (odd, why) in [(String::new(), "60003"), (" ".to_owned(), "60003"), ("A".repeat(2_001), "60002")] {
        assert_eq!(sign_in(&welink, &odd).await, Err(WeLinkError::Code { code: why.to_owned() }));
    }
    assert!(log.times(None).is_empty(), "what cannot be a code is not sent");
}

#[tokio::test(start_paused = true)]
async fn a_browser_code_is_not_sent_twice_when_it_may_have_been_used() {
    for (answer, want) in [
        (refusal("60011"), WeLinkError::Down),
        (refusal("60012"), WeLinkError::Down),
        ((502, String::new()), WeLinkError::Down),
    ] {
        let (welink, log, _, _) = world(scripted(OAUTH, vec![answer]));
        assert_eq!(sign_in(&welink, "C0DE").await, Err(want));
        assert_eq!(log.count(OAUTH), 1);
    }
    let (welink, log, _, _) = world(scripted(OAUTH, vec![code("48503")]));
    sign_in(&welink, "C0DE").await.unwrap();
    assert_eq!(log.count(OAUTH), 2, "refused before use: sent again");
    let (welink, log, _, _) = world(scripted(OWNER, vec![(502, String::new()); 2]));
    sign_in(&welink, "C0DE").await.unwrap();
    assert_eq!((log.count(OAUTH), log.count(OWNER)), (1, 3), "the read may be repeated");
    for (error, tries, ok) in [
        (TransportError::Connect("refused".to_owned()), 2, true),
        (TransportError::Broken("reset".to_owned()), 1, false),
        (TransportError::Timeout, 1, false),
    ] {
        let clock = clock();
        let (transport, _) = server(&clock, usual);
        let (transport, tried) = broken(transport, OAUTH, 1, error);
        let welink = client(settings(), transport, &clock, &Memory::default(), 1);
        let result = sign_in(&welink, "C0DE").await;
        assert_eq!((result.is_ok(), tried.load(Ordering::Relaxed)), (ok, tries));
        assert!(ok || result == Err(WeLinkError::Down));
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_stops_it_and_60010_opens_none() {
    let (welink, log, _, _) = world(|seen| if seen.path == TICKETS { code("10007") } else { usual(seen) });
    assert!(matches!(sign_in(&welink, "C0DE").await, Err(WeLinkError::Blocked { newly: true, .. })));
    assert!(matches!(sign_in(&welink, "C0DE").await, Err(WeLinkError::Blocked { newly: false, .. })));
    assert_eq!((log.count(TICKETS), log.count(OAUTH)), (1, 0));

    for refused in ["60009", "60010", "60013"] {
        let (welink, log, _, _) = world(scripted(OAUTH, vec![refusal(refused)]));
        let error = sign_in(&welink, "C0DE").await.unwrap_err();
        assert_eq!(error, WeLinkError::Refused { code: refused.to_owned(), message: format!("text {refused}") });
        assert_eq!(error.refuses_credentials(), refused == "60010");
        welink.tenant_info(&credentials(1)).await.unwrap();
        assert_eq!(log.count(OAUTH), 1);
    }
    let (welink, _, _, _) = world(scripted(OAUTH, vec![code("41403")]));
    assert!(matches!(sign_in(&welink, "C0DE").await, Err(WeLinkError::Blocked { newly: true, .. })));
}

#[tokio::test(start_paused = true)]
async fn the_users_token_is_never_exchanged_for_the_apps() {
    for sign in ["1000", "401"] {
        let (welink, log, _, _) = world(move |seen| if seen.path == OWNER { code(sign) } else { usual(seen) });
        let error = sign_in(&welink, "C0DE").await.unwrap_err();
        assert_eq!(error, WeLinkError::Refused { code: sign.to_owned(), message: format!("text {sign}") });
        assert_eq!((log.count(TICKETS), log.count(OWNER)), (1, 1));
    }
}
