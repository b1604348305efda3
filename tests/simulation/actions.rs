//! What people, thieves, administrators and vendors do in a simulation.

use std::time::Duration;

use domain::time::Timestamp;
use http::Method;
use serde_json::{Value, json};
use sim::welink::NO_ANSWER;
use tests::simulated::facts::{Arrived, Refused, jti};
use tests::simulated::{Member, Simulated, Standing};
use tests::web::{Browser, Page};
use url::Url;

use crate::binding::{self, HAS_TO_BIND};

/// Redirects that one visit follows at most.
const REDIRECTS_MAX: usize = 6;

/// One action of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Opens the app and goes all the way.
    SignIn,
    /// Posts the same code and state twice at once, and once more later.
    DoubleSubmit,
    /// Sends the hand-off form twice at once and again later.
    ReplayHandOff,
    /// Another browser sends the hand-off form first.
    StolenHandOff,
    /// The OA's redeem request is sent again, and a second one for the same ticket is signed.
    ReplayRedeem,
    /// Comes back from the OA's start URL twice.
    ReplayComeBack,
    /// A code of the other side's app.
    ForeignCode,
    /// A state that another browser began.
    StolenState,
    /// Comes back after the code's or the state's life.
    Late,
    /// An administrator unbinds and binds the wavering member.
    Waver,
    /// WeLink revokes an app's tokens.
    RevokeTokens,
    /// An OA is down for a while.
    OaDown,
    /// Somebody enters his OA account.
    Bind,
    /// Somebody enters wrong passwords first.
    BindWrongly,
    /// Somebody tries more passwords than are allowed.
    Guess,
    /// Somebody enters accounts in two tabs at once.
    BindInTwoTabs,
    /// Several people enter one account at once.
    Claim,
    /// An administrator takes such a link away.
    Unbind,
}

/// Why a visit did not end at a page of the OA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The bridge or the OA said no, with the problem's name or the status.
    Refused(String),
    /// No answer.
    Lost,
}

/// Someone's visit: a browser and who holds it.
pub struct Visit<'a> {
    pub world: &'a Simulated,
    pub member: &'a Member,
    pub browser: Browser,
}

impl<'a> Visit<'a> {
    pub fn new(world: &'a Simulated, member: &'a Member) -> Self {
        Self { world, member, browser: Browser::new(world.internet.clone()) }
    }

    /// The app's page: where it posts, and the fields.
    pub async fn open(&mut self) -> Result<(Url, Vec<(String, String)>), End> {
        let homepage = self.world.homepage(self.member.side);
        let page = self.browser.get(&homepage).await.map_err(|_| End::Lost)?;
        self.plant_cookies();
        page.form("answer").ok_or_else(|| End::Refused(page.problem().unwrap_or_else(|| page.status.to_string())))
    }

    /// Posts a code with the state of an opened page.
    pub async fn submit(&mut self, form: &(Url, Vec<(String, String)>), code: &str) -> Result<Page, End> {
        let mut fields = form.1.clone();
        fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| code.clone_into(value));
        let page = self.browser.post_form(&form.0, &fields).await.map_err(|_| End::Lost)?;
        self.plant_cookies();
        self.note_refusal(&page)?;
        Ok(page)
    }

    fn note_refusal(&self, page: &Page) -> Result<(), End> {
        let Some(problem) = page.problem() else { return Ok(()) };
        let refused = Refused { side: self.member.side, trace: page.trace().to_owned(), problem: problem.clone() };
        self.world.facts.see().refused.push(refused);
        Err(End::Refused(problem))
    }

    fn plant_cookies(&self) {
        for name in ["__Host-browser", "__Host-session", "__Host-bind"] {
            if let Some(value) = self.browser.cookie("bridge.localhost", name) {
                self.world.canaries.plant("bridge cookie", value);
                let secret = value.split_once('.').map_or(value, |(_, secret)| secret);
                self.world.canaries.plant("session secret", secret);
            }
        }
    }

    /// Follows redirects to the hand-off form.
    pub async fn reach_hand_off(&mut self, mut page: Page) -> Result<(Url, Vec<(String, String)>), End> {
        for _ in 0..REDIRECTS_MAX {
            if let Some(form) = page.form("handoff") {
                let ticket = form.1.iter().find(|(name, _)| name == "ticket");
                self.world.canaries.plant("ticket", ticket.map_or("", |(_, ticket)| ticket));
                return Ok(form);
            }
            let Some(next) = page.header("location").and_then(|to| page.url.join(to).ok()) else {
                let bind = page.form("account").is_some();
                return Err(End::Refused(if bind { HAS_TO_BIND.to_owned() } else { page.status.to_string() }));
            };
            page = self.browser.get(&next).await.map_err(|_| End::Lost)?;
            // A clock may leap between the redirect and the binding page: a visit that is over by then is told so.
            // Nobody has tried to sign in by it, so there is no refusal to be audited.
            if let (Some("state-refused"), "/bind") = (page.problem().as_deref(), next.path()) {
                return Err(End::Refused("the visit was over".to_owned()));
            }
            self.note_refusal(&page)?;
        }
        Err(End::Refused("too many redirects".to_owned()))
    }

    /// Carries the ticket to the OA and opens the page that it leads to.
    pub async fn land(&mut self, form: &(Url, Vec<(String, String)>)) -> Result<(), End> {
        let page = self.browser.post_cross_site(&form.0, &form.1).await.map_err(|_| End::Lost)?;
        if page.header("location").is_none() {
            return Err(End::Refused(page.status.to_string()));
        }
        let ticket = form.1.iter().find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket.as_str());
        let jti = ticket.and_then(jti).unwrap_or_default();
        let arrived = Arrived { jti, side: self.member.side, user: self.member.user.clone() };
        self.world.facts.see().arrived.push(arrived);
        let next = page.url.join(page.header("location").unwrap_or_default()).map_err(|_| End::Lost)?;
        let page = self.browser.get(&next).await.map_err(|_| End::Lost)?;
        // Whose account an unlinked member has entered, only the checker can tell.
        let known = self.member.standing != Standing::Unlinked;
        if known
            && page.status.is_success()
            && !page.body.contains(&self.member.login)
            && page.header("location").is_none()
        {
            self.world.facts.violation(format!("{} arrived at the page of somebody else", self.member.user));
        }
        Ok(())
    }

    /// All the way, once.
    pub async fn sign_in(&mut self) -> Result<(), End> {
        let form = self.open().await?;
        let code = self.world.code(self.member);
        let page = self.submit(&form, &code).await?;
        let form = self.reach_hand_off(page).await?;
        self.land(&form).await
    }
}

pub async fn pause_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Carries one action out and says how it ended, for the record.
pub async fn act(world: &Simulated, action: Action, member: &Member) -> String {
    let end = match action {
        Action::SignIn => Visit::new(world, member).sign_in().await,
        Action::DoubleSubmit => double_submit(world, member).await,
        Action::ReplayHandOff => replay_hand_off(world, member).await,
        Action::StolenHandOff => stolen_hand_off(world, member).await,
        Action::ReplayRedeem => replay_redeem(world).await,
        Action::ReplayComeBack => replay_come_back(world, member).await,
        Action::ForeignCode => foreign_code(world, member).await,
        Action::StolenState => stolen_state(world, member).await,
        Action::Late => late(world, member).await,
        Action::Waver => waver(world).await,
        Action::Bind => binding::bind_anybody(world).await,
        Action::BindWrongly => binding::bind_wrongly(world).await,
        Action::Guess => binding::guess(world).await,
        Action::BindInTwoTabs => binding::bind_in_two_tabs(world).await,
        Action::Claim => binding::claim(world).await,
        Action::Unbind => binding::unbind(world).await,
        Action::RevokeTokens => {
            world.knobs.count("welink.tokens_expired");
            *world.facts.see().revoked.entry(member.side).or_default() += 1;
            world.welink.expire_tokens(&world.sides[member.side].client_id);
            Ok(())
        }
        Action::OaDown => {
            world.knobs.count("oa.down");
            world.sides[member.side].oa.set(|settings| settings.down = true);
            pause_ms(2_500).await;
            world.sides[member.side].oa.set(|settings| settings.down = false);
            Ok(())
        }
    };
    match end {
        Ok(()) => "done".to_owned(),
        Err(End::Refused(why)) => format!("refused: {why}"),
        Err(End::Lost) => NO_ANSWER.to_owned(),
    }
}

async fn double_submit(world: &Simulated, member: &Member) -> Result<(), End> {
    world.knobs.count("concurrency.double_submit");
    let mut first = Visit::new(world, member);
    let form = first.open().await?;
    let code = world.code(member);
    // The same browser in two tabs: one cookie jar at the moment of posting.
    let mut second = Visit { world, member, browser: first.browser.clone() };
    let (one, two) = futures_util::future::join(first.submit(&form, &code), second.submit(&form, &code)).await;
    let mut taken = usize::from(one.is_ok()) + usize::from(two.is_ok());
    let posted = form;
    if let Ok(page) = one {
        let form = first.reach_hand_off(page).await?;
        first.land(&form).await?;
    } else if let Ok(page) = two {
        let form = second.reach_hand_off(page).await?;
        second.land(&form).await?;
    }
    taken += usize::from(first.submit(&posted, &code).await.is_ok());
    if taken > 1 {
        world.facts.violation("one state and code were taken twice");
    }
    Ok(())
}

async fn replay_hand_off(world: &Simulated, member: &Member) -> Result<(), End> {
    let mut visit = Visit::new(world, member);
    let form = visit.open().await?;
    let code = world.code(member);
    let page = visit.submit(&form, &code).await?;
    let form = visit.reach_hand_off(page).await?;
    let mut other = Visit { world, member, browser: visit.browser.clone() };
    let (one, two) = futures_util::future::join(visit.land(&form), other.land(&form)).await;
    pause_ms(1_000).await;
    let third = other.land(&form).await;
    if [&one, &two, &third].into_iter().filter(|end| end.is_ok()).count() > 1 {
        world.facts.violation("a hand-off form worked twice");
    }
    one.or(two)
}

async fn stolen_hand_off(world: &Simulated, member: &Member) -> Result<(), End> {
    let mut visit = Visit::new(world, member);
    let form = visit.open().await?;
    let code = world.code(member);
    let page = visit.submit(&form, &code).await?;
    let form = visit.reach_hand_off(page).await?;
    let mut thief = Visit::new(world, member);
    if thief.land(&form).await.is_ok() && world.sides[member.side].bound_to_browser {
        world.facts.violation("a stolen hand-off form opened a session in another browser");
    }
    visit.land(&form).await
}

/// Both kinds of repetition that an attacker inside the OA's network could try. Neither may open anything; the checker
/// counts the redemptions of every ticket.
async fn replay_redeem(world: &Simulated) -> Result<(), End> {
    let seen = world.facts.see().redeems.len();
    let pick = world.entropy.below(u32::try_from(seen).unwrap_or(0)) as usize;
    let Some(old) = world.facts.see().redeems.get(pick).cloned() else { return Ok(()) };
    let body: Value = serde_json::from_slice(old.body()).unwrap_or_default();
    let (ticket, audience) = (body["jti"].as_str().unwrap_or_default(), body["aud"].as_str().unwrap_or_default());
    let side = world.sides.iter().position(|side| side.instance.as_str() == audience).unwrap_or(0);
    let redeemed_before = world.facts.see().opened.iter().any(|opened| opened.jti == ticket);
    let fresh = world.signed_redeem(side, ticket);
    let foreign = world.signed_redeem(1 - side, ticket);
    for (request, may) in [(old, true), (fresh, !redeemed_before), (foreign, false)] {
        let Ok(answer) = world.fleet.serve("thief", request).await else { continue };
        if answer.status().is_success() && !may {
            world.facts.violation("a ticket was redeemed by another request than its own");
        }
    }
    Ok(())
}

async fn replay_come_back(world: &Simulated, member: &Member) -> Result<(), End> {
    let mut visit = Visit::new(world, member);
    let form = visit.open().await?;
    let code = world.code(member);
    let mut page = visit.submit(&form, &code).await?;
    for _ in 0..REDIRECTS_MAX {
        let Some(next) = page.header("location").and_then(|to| page.url.join(to).ok()) else { break };
        if next.path() == "/handoff" {
            let mut twin = Visit { world, member, browser: visit.browser.clone() };
            let (one, two) = futures_util::future::join(visit.browser.get(&next), twin.browser.get(&next)).await;
            let forms = [one, two].map(|page| page.ok().and_then(|page| page.form("handoff")));
            if forms.iter().all(Option::is_some) {
                world.facts.violation("one hand-off was taken twice");
            }
            let Some(form) = forms.into_iter().flatten().next() else { return Err(End::Lost) };
            world.canaries.plant("ticket", form.1.first().map_or("", |(_, ticket)| ticket));
            return visit.land(&form).await;
        }
        page = visit.browser.get(&next).await.map_err(|_| End::Lost)?;
    }
    let form = visit.reach_hand_off(page).await?;
    visit.land(&form).await
}

async fn foreign_code(world: &Simulated, member: &Member) -> Result<(), End> {
    let other = world.members.iter().find(|other| other.side != member.side && other.standing == Standing::Linked);
    let Some(other) = other else { return Ok(()) };
    let mut visit = Visit::new(world, member);
    let form = visit.open().await?;
    let code = world.code(other);
    if visit.submit(&form, &code).await.is_ok() {
        world.facts.violation("a code of another company's app was taken");
    }
    Ok(())
}

async fn stolen_state(world: &Simulated, member: &Member) -> Result<(), End> {
    let mut victim = Visit::new(world, member);
    let form = victim.open().await?;
    let mut thief = Visit::new(world, member);
    let _ = thief.open().await;
    let code = world.code(member);
    if thief.submit(&form, &code).await.is_ok() {
        world.facts.violation("a state was taken from another browser");
    }
    Ok(())
}

/// The code lives 2 minutes, the state 5.
async fn late(world: &Simulated, member: &Member) -> Result<(), End> {
    let mut visit = Visit::new(world, member);
    let form = visit.open().await?;
    let code = world.code(member);
    let wait_s = [121, 301][world.entropy.below(2) as usize];
    pause_ms(wait_s * 1_000).await;
    if visit.submit(&form, &code).await.is_ok() {
        world.facts.violation(format!("a code was taken after {wait_s} s"));
    }
    Ok(())
}

/// One administrator at a time, so that it is known when the member certainly had no link.
async fn waver(world: &Simulated) -> Result<(), End> {
    let Some(member) = world.members.iter().find(|member| member.standing == Standing::Wavering) else { return Ok(()) };
    if std::mem::replace(&mut world.facts.see().administrator_busy, true) {
        return Ok(());
    }
    world.knobs.count("concurrency.unbind");
    let links = format!("/v1/enterprises/{}/links", world.sides[member.side].enterprise);
    let unbound = world.api(Method::DELETE, &format!("{links}/{}", member.user), &Value::Null).await;
    let gone: Option<Timestamp> = unbound.filter(|(status, _)| *status == 204).map(|_| world.clock.now());
    pause_ms(u64::from(world.entropy.below(3_000))).await;
    if let Some(gone) = gone.filter(|_| !world.facts.see().bind_may_come) {
        world.facts.see().unlinked.push((gone, world.clock.now()));
    }
    let link = json!({ "user_id": member.user.as_str(), "oa_user": { "by": "login_id", "value": member.login } });
    let bound = world.api(Method::POST, &links, &link).await;
    let mut seen = world.facts.see();
    seen.administrator_busy = false;
    // A request without an answer may still take effect: a frozen function goes on when it thaws.
    seen.bind_may_come |= bound.is_none();
    bound.map(|_| ()).ok_or(End::Lost)
}
