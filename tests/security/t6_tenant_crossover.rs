//! T6: an id of another tenant, everywhere an id goes in. Always "not found", the same as for an id of nobody.

use domain::account::{ConsoleSessionId, Login};
use domain::ids::{
    AccountId, ApiKeyId, AppId, ClientId, DeptCode, EnterpriseId, HistoryId, LinkJobId, OaInstanceId, OaUserId, QrId,
    RANDOM_CHARS, RunId, SessionId, StateId, TENANT_CHARS, TenantId, TicketId, WeLinkUserId,
};
use domain::time::Timestamp;
use http::{Method, StatusCode};
use proptest::prelude::*;
use serde_json::json;
use state::keys;
use tests::world::World;

proptest! {
    /// Every key that is not the registry's begins with the tenant that the id carries.
    #[test]
    fn t6_every_key_begins_with_its_tenant(
        tenant in any::<[u8; TENANT_CHARS]>(),
        random in prop::array::uniform26(any::<u8>()),
        foreign in "[a-z#@]{1,20}",
    ) {
        let _: [u8; RANDOM_CHARS] = random;
        let tenant = TenantId::from_random(tenant);
        let (app, enterprise) = (AppId::from_random(&tenant, random), EnterpriseId::from_random(&tenant, random));
        let account = AccountId::from_random(&tenant, random);
        let instance = OaInstanceId::from_random(&tenant, random);
        let user = WeLinkUserId::parse(&foreign).unwrap();
        let job = LinkJobId::from_random(&tenant, random);
        let run = RunId::from_random(&tenant, random);
        let all = [
            keys::tenant(&tenant), keys::oa_instance(&instance), keys::enterprise(&enterprise),
            keys::app(&enterprise, &app), keys::enterprise_name(&tenant, &foreign), keys::app_secrets(&app),
            keys::oa_secrets(&instance), keys::callback_secret(&app), keys::callback_taken(&app, &foreign),
            keys::call_taken(&instance, &foreign), keys::event_taken(&instance, &foreign),
            keys::token(&app), keys::app_budget(&app, &foreign),
            keys::person(&enterprise, &user), keys::link_by_oa_user(&enterprise, &OaUserId::parse(&foreign).unwrap()),
            keys::one_time_state(&StateId::from_random(&tenant, random)),
            keys::session(&SessionId::from_random(&tenant, random)),
            keys::scan_login(&tenant), keys::qr(&QrId::from_random(&tenant, random)),
            keys::department(&enterprise, &DeptCode::parse(&foreign).unwrap()), keys::conflict(&enterprise, &user),
            keys::ticket(&TicketId::from_random(&tenant, random)), keys::failures(&tenant, &foreign),
            keys::audit(&tenant, "202611", &foreign),
            keys::console_account(&account), keys::owners(&tenant), keys::account_of_person(&enterprise, &user),
            keys::console_session(&account, &ConsoleSessionId::parse(&"0".repeat(64)).unwrap()),
            keys::api_key(&ApiKeyId::from_random(&tenant, random)),
            keys::due(&tenant, Timestamp(0), &foreign, &foreign),
            keys::link_job(&job), keys::link_job_rows(&job, 1), keys::link_job_ending(&job, 1),
            keys::link_job_of(&enterprise, Timestamp(0), &job),
            keys::run(&run), keys::run_chunk(&run, "P", 1), keys::run_of(&enterprise, Timestamp(0), &run),
            keys::run_lock(&enterprise), keys::sync_settings(&enterprise),
            keys::oa_name(&tenant, &foreign),
            keys::history(&tenant, &HistoryId::from_random(Timestamp(0), [0; HistoryId::CHARS])), keys::import(&tenant),
        ];
        let prefix = format!("T#{tenant}");
        for key in all {
            prop_assert!(key.pk == prefix || key.pk.starts_with(&format!("{prefix}#")), "{key:?}");
        }
        for key in [keys::registry_tenant(&tenant), keys::registry_client(&ClientId::parse(&foreign).unwrap()),
                    keys::registry_signing_key(&foreign), keys::registry_address_budget(&foreign),
                        keys::registry_failures(&foreign), keys::registry_setup_key(),
                        keys::registry_setup_closed(), keys::registry_setup_met(&foreign),
                        keys::registry_login(&Login::parse("somebody").unwrap())] {
            prop_assert!(key.pk.starts_with("R#"), "{key:?}");
        }
    }
}

#[test]
fn t6_there_is_no_key_constructor_without_a_tenant_but_the_registrys() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/state/src/keys.rs")).unwrap();
    let carriers = [
        "TenantId",
        "BindId",
        "OaInstanceId",
        "EnterpriseId",
        "AppId",
        "StateId",
        "SessionId",
        "TicketId",
        "AccountId",
        "ApiKeyId",
        "LinkJobId",
        "QrId",
        "RunId",
        "RuleId",
        "MessageId",
    ];
    let mut constructors = 0;
    for line in source.lines().filter(|line| line.starts_with("pub fn ")) {
        constructors += 1;
        let tenant = carriers.iter().any(|carrier| line.contains(&format!("&{carrier}")));
        assert!(tenant || line.contains("pub fn registry_"), "{line}");
    }
    assert!(constructors > 20);
}

#[tokio::test]
async fn t6_each_route_with_each_kind_of_foreign_id_is_not_found() {
    let world = World::start().await;
    let other = world.other_tenant().await;
    let made = |path: String, body| {
        let world = &world;
        async move { world.api(Method::POST, &path, Some(&body)).await.json()["id"].as_str().unwrap().to_owned() }
    };
    let account = json!({ "login": "stranger", "name": "x", "role": "owner", "password": "correct horse battery" });
    let account = made(format!("/v1/tenants/{}/accounts", other.tenant), account).await;
    let key = json!({ "name": "x", "role": "owner" });
    let key = made(format!("/v1/tenants/{}/api-keys", other.tenant), key).await;
    let ids = [
        ("account", account),
        ("key", key),
        ("tenant", other.tenant.clone()),
        ("instance", other.instance.clone()),
        ("enterprise", other.enterprise.clone()),
        ("app", other.app.clone()),
    ];
    let (mut attempts, mut found) = (0, Vec::new());
    for (method, route) in tests::world::routes().filter(|(_, route)| route.contains('{')) {
        // Another kind of id in the place of the right kind, and the right kind with its tenant exchanged.
        for (kind, id) in &ids {
            let place = route.split(['{', '}']).nth(1).unwrap();
            let swapped = if *kind == place { swap_tenant(id, world.tenant().as_str()) } else { id.clone() };
            let path = route.replace(&format!("{{{place}}}"), &swapped).replace("{user}", &other.member);
            let path = path.replace("{session}", &"0".repeat(64));
            let body = json!({ "name": "x", "version": 0 });
            let body = (method != "GET" && method != "DELETE").then_some(&body);
            let page = world.api(method.parse::<Method>().unwrap(), &path, body).await;
            attempts += 1;
            if page.status != StatusCode::NOT_FOUND && place != *kind {
                found.push(format!("{method} {path}: {}", page.status));
            }
            if place == *kind && *kind != "tenant" {
                assert_eq!(page.status, StatusCode::NOT_FOUND, "{method} {path}");
            }
        }
        let mixed = route.replace("{enterprise}", &other.enterprise).replace("{user}", "lihua@welink");
        if mixed.contains("lihua") {
            let page = world.api(method.parse::<Method>().unwrap(), &mixed, None).await;
            attempts += 1;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "a person of this tenant in the other's enterprise");
        }
    }
    assert!(attempts > 60, "{attempts}");
    assert!(found.is_empty(), "{found:?}");
}

/// The same random part under another tenant: an id that nobody was given.
fn swap_tenant(id: &str, tenant: &str) -> String {
    if id.len() == TENANT_CHARS {
        return tenant.to_owned();
    }
    format!("{}{tenant}{}", &id[..2], &id[2 + TENANT_CHARS..])
}
