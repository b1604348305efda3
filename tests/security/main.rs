//! One file per threat of goals.md. Attempts are counted, successes must be 0.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod t10_events;
mod t11_console;
mod t11_password;
mod t12_bombs;
mod t1_qrljacking;
mod t2_element;
mod t2_replay;
mod t3_console;
mod t3_cross_site;
mod t3_oa_sign_in;
mod t4_open_redirect;
mod t6_console;
mod t6_tenant_crossover;
mod t7_console;
mod t7_secrets_in_logs;
mod t8_formulas;
mod t9_leaks;

use tests::web::{Browser, Page};
use tests::world::{LINKED, World};
use url::Url;

/// A world whose WeLink and bridge count no calls: attacks come faster than employees.
async fn unpaced() -> World {
    let world = World::with(&[
        ("BRIDGE_WELINK_CALLS_PER_SECOND", "100000"),
        ("BRIDGE_WELINK_CALLS_PER_MINUTE", "6000000"),
        ("BRIDGE_WELINK_CALLS_PER_ADDRESS", "2000000"),
        ("BRIDGE_CONFIG_CACHE_SECONDS", "30"),
    ])
    .await;
    world.demo().welink.configure(|settings| {
        settings.rates.per_second_max = u32::MAX;
        settings.rates.per_minute_max = u32::MAX;
        settings.rates.per_address_max = u32::MAX;
    });
    world
}

/// The form of an opened homepage, with this code filled in.
async fn form_with(world: &World, browser: &mut Browser, code: &str) -> (Url, Vec<(String, String)>) {
    let page: Page = browser.get(&world.homepage()).await.unwrap();
    let (action, mut fields) = page.form("answer").unwrap();
    fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| code.clone_into(value));
    (action, fields)
}

/// A browser that stands before the OA with a ticket in its form.
async fn with_ticket(world: &World, browser: &mut Browser) -> (Url, Vec<(String, String)>) {
    let answered = world.answer(browser, &world.homepage(), LINKED).await;
    let page = browser.follow(answered).await.unwrap();
    page.form("handoff").expect("a form carries the ticket")
}
