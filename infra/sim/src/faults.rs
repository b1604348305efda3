//! What can go wrong on the way to a simulated system, as knobs (goals.md, fault catalogue).
//!
//! One [`Faults`] is shared by both simulators and wraps their routers. A knob is drawn per mille of the calls or armed
//! for the next n calls, optionally below one path prefix, and counts how often it fired: a knob that never fired has
//! tested nothing. Draws come from the given [`Entropy`], so a seeded campaign replays.
//!
//! A lost connection has two faces. In process, the response carries [`ConnectionLost`] in its extensions and the
//! seam turns it into `TransportError::Broken`. Over a socket, its body fails at the first read, so that hyper drops
//! the connection without an answer.

mod control;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use domain::text::Text;
use platform::entropy::Entropy;
pub use platform::transport::ConnectionLost;

pub use control::router as control_router;
pub use wire::Dialect;

/// The longest that [`Knob::Hang`] keeps a caller; every client gives up far earlier.
pub const HANG_MS_MAX: u64 = 600_000;
/// The longest delay that can be set.
pub const DELAY_MS_MAX: u32 = 60_000;

/// One thing that can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knob {
    /// The call waits `delay_ms` first; it goes together with the others.
    Delay,
    /// The connection ends before the call takes effect.
    Reset,
    /// The call is accepted and never answered.
    Hang,
    /// 500, 502 or 503 with a plain text, before the call takes effect.
    Http5xx,
    /// The rate limit answers, before the call takes effect.
    RateLimited,
    /// The token is refused as expired. Calls that carry none are left alone.
    ExpiredToken,
    /// A code that no document lists.
    UnknownCode,
    /// The call takes effect and its answer is lost.
    AnswerLost,
    /// The answer is not JSON although it says so.
    Malformed,
    /// The answer ends in the middle.
    Truncated,
    /// An HTML page with status 200 instead of the answer, as a proxy sends it.
    Html,
    /// Numbers as strings and digits as numbers.
    WrongTypes,
    /// Fields that nobody has announced.
    ExtraFields,
}

impl Knob {
    /// Every knob, in the order in which they are drawn.
    pub const ALL: [Self; 13] = [
        Self::Delay,
        Self::Reset,
        Self::Hang,
        Self::Http5xx,
        Self::RateLimited,
        Self::ExpiredToken,
        Self::UnknownCode,
        Self::AnswerLost,
        Self::Malformed,
        Self::Truncated,
        Self::Html,
        Self::WrongTypes,
        Self::ExtraFields,
    ];

    /// The name in the control API and in [`Faults::fired`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay_ms",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::Http5xx => "http_5xx",
            Self::RateLimited => "rate_limited",
            Self::ExpiredToken => "expired_token",
            Self::UnknownCode => "unknown_code",
            Self::AnswerLost => "answer_lost",
            Self::Malformed => "malformed",
            Self::Truncated => "truncated",
            Self::Html => "html",
            Self::WrongTypes => "wrong_types",
            Self::ExtraFields => "extra_fields",
        }
    }

    /// The knob of that [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|knob| knob.name() == name)
    }

    /// What an operator reads beside the switch.
    pub fn label(self) -> Text {
        match self {
            Self::Delay => Text::new("延迟", "Delay"),
            Self::Reset => Text::new("连接被重置", "Connection reset"),
            Self::Hang => Text::new("接受后不应答", "Accepted, never answered"),
            Self::Http5xx => Text::new("HTTP 500、502 或 503", "HTTP 500, 502 or 503"),
            Self::RateLimited => Text::new("触发限流（48503）", "Rate limit (48503)"),
            Self::ExpiredToken => Text::new("令牌过期", "Token expired"),
            Self::UnknownCode => Text::new("未知错误码", "Unknown error code"),
            Self::AnswerLost => Text::new("已生效但应答丢失", "Applied, answer lost"),
            Self::Malformed => Text::new("应答不是合法 JSON", "Malformed JSON"),
            Self::Truncated => Text::new("应答被截断", "Truncated answer"),
            Self::Html => Text::new("返回 HTML 页面", "An HTML page instead"),
            Self::WrongTypes => Text::new("字段类型错误", "Wrong field types"),
            Self::ExtraFields => Text::new("多出的字段", "Extra fields"),
        }
    }
}

/// When a knob fires. The default never does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Of 1,000 calls, how many are hit; drawn per call.
    pub per_mille: u32,
    /// The next calls that are hit for certain; counts down to 0.
    pub next: u32,
    /// Only paths that begin so; empty means all.
    pub prefix: String,
    /// How long [`Knob::Delay`] waits, at most [`DELAY_MS_MAX`]; without meaning for the others.
    pub delay_ms: u32,
}

impl Rule {
    /// Hits the next `n` calls.
    pub fn next(n: u32) -> Self {
        Self { next: n, ..Self::default() }
    }

    /// Hits `per_mille` of 1,000 calls.
    pub fn per_mille(per_mille: u32) -> Self {
        Self { per_mille, ..Self::default() }
    }

    /// The same rule, only for paths that begin with `prefix`.
    #[must_use]
    pub fn under(self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self }
    }

    /// The same rule, waiting `ms`.
    #[must_use]
    pub fn delaying(self, ms: u32) -> Self {
        Self { delay_ms: ms.min(DELAY_MS_MAX), ..self }
    }

    fn fires(&mut self, path: &str, entropy: &Entropy) -> bool {
        if !path.starts_with(&self.prefix) {
            return false;
        }
        if self.next > 0 {
            self.next -= 1;
            return true;
        }
        self.per_mille > 0 && entropy.below(1000) < self.per_mille
    }
}

/// The knobs that hit one call, left in the extensions of its response for the request log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fired(pub Vec<Knob>);

#[derive(Default)]
struct Board {
    rules: BTreeMap<Knob, Rule>,
    fired: BTreeMap<Knob, u64>,
}

/// The knobs; cloning shares them.
#[derive(Clone)]
pub struct Faults {
    entropy: Entropy,
    board: Arc<Mutex<Board>>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("rules", &self.board().rules).finish_non_exhaustive()
    }
}

impl Faults {
    /// All knobs off.
    pub fn new(entropy: Entropy) -> Self {
        Self { entropy, board: Arc::default() }
    }

    /// Sets one knob, replacing its earlier rule.
    pub fn set(&self, knob: Knob, rule: Rule) {
        self.board().rules.insert(knob, rule);
    }

    /// Turns every knob off; the counts stay.
    pub fn clear(&self) {
        self.board().rules.clear();
    }

    /// The rule of one knob as it stands, with what is left of its `next`.
    pub fn rule(&self, knob: Knob) -> Rule {
        self.board().rules.get(&knob).cloned().unwrap_or_default()
    }

    /// How often each knob has fired since the start, by name; knobs that never fired stand there with 0.
    pub fn fired(&self) -> BTreeMap<&'static str, u64> {
        let board = self.board();
        Knob::ALL.into_iter().map(|knob| (knob.name(), board.fired.get(&knob).copied().unwrap_or(0))).collect()
    }

    /// Puts the knobs in front of a router.
    pub fn wrap(&self, router: axum::Router, dialect: Dialect) -> axum::Router {
        router.layer(from_fn_with_state((self.clone(), dialect), pass))
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn roll(&self, knob: Knob, path: &str) -> bool {
        let mut board = self.board();
        let fires = board.rules.get_mut(&knob).is_some_and(|rule| rule.fires(path, &self.entropy));
        if fires {
            *board.fired.entry(knob).or_default() += 1;
        }
        fires
    }

    /// The faults that come before any effect: `Some` ends the call.
    async fn before(&self, path: &str, dialect: Dialect, fired: &mut Fired) -> Option<Response> {
        if self.roll(Knob::Delay, path) {
            fired.0.push(Knob::Delay);
            let ms = self.rule(Knob::Delay).delay_ms;
            tokio::time::sleep(Duration::from_millis(u64::from(ms))).await;
        }
        for knob in [Knob::Reset, Knob::Hang, Knob::Http5xx, Knob::RateLimited, Knob::ExpiredToken, Knob::UnknownCode] {
            if knob == Knob::ExpiredToken && !dialect.carries_token(path) {
                continue;
            }
            if !self.roll(knob, path) {
                continue;
            }
            fired.0.push(knob);
            if knob == Knob::Hang {
                tokio::time::sleep(Duration::from_millis(HANG_MS_MAX)).await;
            }
            return Some(match knob {
                Knob::Http5xx => wire::server_error(self.entropy.below(3)),
                Knob::RateLimited => dialect.rate_limited(path),
                Knob::ExpiredToken => dialect.token_expired(path),
                Knob::UnknownCode => dialect.unknown_code(path),
                _ => wire::connection_lost(),
            });
        }
        None
    }

    /// The faults that hit an answer after the call took effect.
    async fn after(&self, path: &str, answer: Response, fired: &mut Fired) -> Response {
        if self.roll(Knob::AnswerLost, path) {
            fired.0.push(Knob::AnswerLost);
            return wire::carry_over(&answer, wire::connection_lost());
        }
        if !wire::is_json(&answer) {
            return answer;
        }
        for knob in [Knob::Malformed, Knob::Truncated, Knob::Html] {
            if self.roll(knob, path) {
                fired.0.push(knob);
                return wire::spoil(answer, knob).await;
            }
        }
        let mut answer = answer;
        for knob in [Knob::WrongTypes, Knob::ExtraFields] {
            if self.roll(knob, path) {
                fired.0.push(knob);
                answer = wire::spoil(answer, knob).await;
            }
        }
        answer
    }
}

async fn pass(State((faults, dialect)): State<(Faults, Dialect)>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut fired = Fired::default();
    let mut answer = if let Some(answer) = faults.before(&path, dialect, &mut fired).await {
        answer
    } else {
        let answer = next.run(request).await;
        faults.after(&path, answer, &mut fired).await
    };
    answer.extensions_mut().insert(fired);
    answer
}

#[cfg(test)]
mod tests;
