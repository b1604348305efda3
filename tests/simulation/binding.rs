//! What people do on the binding page, and what an administrator does to their links meanwhile.

use http::Method;
use serde_json::Value;
use sim::oa::DEMO_PASSWORD;
use tests::simulated::facts::{Typed, code_name};
use tests::simulated::{BRIDGE, Member, Simulated, Standing};
use tests::web::Page;
use url::Url;

use crate::actions::{End, Visit, pause_ms};

/// Wrong tries in a row: two more than are allowed.
const TRIES: usize = 7;
/// Whoever reaches the page that asks for his OA account ends so, unless he goes on.
pub const HAS_TO_BIND: &str = "has to bind";

/// Who may stand before the binding page.
pub fn unlinked(world: &Simulated) -> impl Iterator<Item = &Member> {
    let binds = |member: &&Member| world.sides[member.side].binds && member.standing == Standing::Unlinked;
    world.members.iter().filter(binds)
}

fn anybody(world: &Simulated) -> &Member {
    let count = u32::try_from(unlinked(world).count()).expect("a few people");
    let at = world.entropy.below(count) as usize;
    unlinked(world).nth(at).expect("somebody is not linked")
}

/// A password that nobody has and that stands nowhere else.
fn wrong_password(world: &Simulated) -> String {
    world.knobs.count("bind.wrong_password");
    format!("wrong-{}", world.entropy.hex(12))
}

impl Visit<'_> {
    /// Opens the app; `true` when he stands before the binding page, `false` when he was linked and has signed in.
    pub async fn at_the_door(&mut self) -> Result<bool, End> {
        match self.sign_in().await {
            Ok(()) => Ok(false),
            Err(End::Refused(why)) if why == HAS_TO_BIND => Ok(true),
            Err(end) => Err(end),
        }
    }

    /// Types an OA account on the binding page and goes where it leads.
    pub async fn enter(&mut self, login: &str, password: &str) -> Result<(), End> {
        self.world.canaries.plant("password", password);
        let (side, user, at) = (self.member.side, self.member.user.clone(), self.world.clock.now());
        let typed = Typed { side, user, login: login.to_owned(), password: code_name(password), at };
        self.world.facts.see().typed.push(typed);
        let url = Url::parse(&format!("{BRIDGE}/bind")).map_err(|_| End::Lost)?;
        let fields = [("login", login), ("password", password)].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let page = self.browser.post_form(&url, &fields).await.map_err(|_| End::Lost)?;
        if let Some(why) = denied(&page).map(str::to_owned).or_else(|| page.problem()) {
            if why == "locked" {
                self.world.knobs.count("bind.locked_out");
            }
            return Err(End::Refused(why));
        }
        let form = self.reach_hand_off(page).await?;
        self.land(&form).await
    }
}

fn denied(page: &Page) -> Option<&str> {
    page.body.split("data-denied=\"").nth(1)?.split('"').next()
}

/// Types the right password for the account that is his.
pub async fn bind(world: &Simulated, member: &Member) -> Result<(), End> {
    let mut visit = Visit::new(world, member);
    if !visit.at_the_door().await? {
        return Ok(());
    }
    world.knobs.count("bind.right_password");
    visit.enter(&member.login, DEMO_PASSWORD).await
}

pub async fn bind_anybody(world: &Simulated) -> Result<(), End> {
    bind(world, anybody(world)).await
}

/// Wrong ones, and at the end perhaps the right one.
pub async fn bind_wrongly(world: &Simulated) -> Result<(), End> {
    let member = anybody(world);
    let mut visit = Visit::new(world, member);
    if !visit.at_the_door().await? {
        return Ok(());
    }
    for _ in 0..=world.entropy.below(2) {
        let password = wrong_password(world);
        visit.enter(&member.login, &password).await.ok();
    }
    visit.enter(&member.login, DEMO_PASSWORD).await
}

/// Tries until nobody listens any more, some at once, against his own account and that of a colleague.
pub async fn guess(world: &Simulated) -> Result<(), End> {
    let member = anybody(world);
    let other = world.members.iter().find(|other| other.side == member.side).expect("somebody works here");
    let mut visit = Visit::new(world, member);
    if !visit.at_the_door().await? {
        return Ok(());
    }
    let mut tabs: Vec<Visit<'_>> =
        (0..TRIES).map(|_| Visit { world, member, browser: visit.browser.clone() }).collect();
    let at_once = world.entropy.below(2) == 0;
    let tries = tabs.iter_mut().enumerate().map(|(at, tab)| {
        let login = if at % 3 == 2 { &other.login } else { &member.login };
        let password = wrong_password(world);
        async move {
            if !at_once {
                pause_ms(300 * at as u64).await;
            }
            tab.enter(login, &password).await
        }
    });
    futures_util::future::join_all(tries).await.pop().unwrap_or(Err(End::Lost))
}

/// The same visit in two tabs, each with the right password: of one account, or of two.
pub async fn bind_in_two_tabs(world: &Simulated) -> Result<(), End> {
    let member = anybody(world);
    let mut first = Visit::new(world, member);
    if !first.at_the_door().await? {
        return Ok(());
    }
    world.knobs.count("concurrency.two_tabs_bind");
    let login = if world.entropy.below(2) == 0 { &member.login } else { free_account(world) };
    let mut second = Visit { world, member, browser: first.browser.clone() };
    let (one, two) =
        futures_util::future::join(first.enter(&member.login, DEMO_PASSWORD), second.enter(login, DEMO_PASSWORD)).await;
    one.or(two)
}

/// The account of somebody who may not open the app: nobody is linked to it.
fn free_account(world: &Simulated) -> &str {
    let free = |member: &&Member| world.sides[member.side].binds && member.standing == Standing::OutOfRange;
    &world.members.iter().find(free).expect("somebody is out of range").login
}

/// All unlinked people type the same account at once.
pub async fn claim(world: &Simulated) -> Result<(), End> {
    let linked = |member: &&Member| world.sides[member.side].binds && member.standing == Standing::Linked;
    let login = match world.entropy.below(3) {
        0 => world.members.iter().find(linked).map_or("", |member| &member.login),
        1 => free_account(world),
        _ => &anybody(world).login,
    };
    let mut visits = Vec::new();
    for member in unlinked(world) {
        let mut visit = Visit::new(world, member);
        if visit.at_the_door().await == Ok(true) {
            visits.push(visit);
        }
    }
    if visits.len() > 1 {
        world.knobs.count("concurrency.one_account_claimed_twice");
    }
    let claims = visits.iter_mut().map(|visit| visit.enter(login, DEMO_PASSWORD));
    futures_util::future::join_all(claims).await.pop().unwrap_or(Ok(()))
}

/// An administrator takes away what somebody made on the binding page.
pub async fn unbind(world: &Simulated) -> Result<(), End> {
    let member = anybody(world);
    let path = format!("/v1/enterprises/{}/links/{}", world.sides[member.side].enterprise, member.user);
    match world.api(Method::DELETE, &path, &Value::Null).await {
        Some((204, _)) => {
            world.knobs.count("bind.unbound");
            Ok(())
        }
        Some((status, _)) => Err(End::Refused(status.to_string())),
        None => Err(End::Lost),
    }
}
