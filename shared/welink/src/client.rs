//! One request to WeLink: paced, sent, read, and repeated where repeating is right.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use domain::breaker;
use domain::ids::{AppId, ClientId};
use http::header::{ACCEPT_CHARSET, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;
use platform::transport::{Transport, TransportError};
use tokio::time::Instant;

use crate::browser;
use crate::budget::sleep_ms;
use crate::codes::{self, Class};
use crate::error::WeLinkError;
use crate::pacer::Pacer;
use crate::settings::{BadBase, Settings};
use crate::shared::{Credentials, Shared};
use crate::tokens::Tokens;
use crate::wire::{self, Answer, Reply};

/// Rounds of one request at most, whatever the settings say.
const ROUNDS_MAX: u32 = 16;

/// The client; one per process, cloned freely.
pub struct WeLink<S>(pub(crate) Arc<Inner<S>>);

pub(crate) struct Inner<S> {
    pub(crate) shared: S,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) settings: Settings,
    /// Without `/api` and trailing slash.
    pub(crate) base: String,
    /// Of the page that browsers are sent to; no request of this client goes there.
    pub(crate) login_base: String,
    transport: Transport,
    pub(crate) pacer: Pacer<S>,
    pub(crate) tokens: Tokens,
}

impl<S> Clone for WeLink<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for WeLink<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeLink({})", self.0.base)
    }
}

/// Whether a request may be sent a second time when the first may have been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It only reads.
    Safe,
    /// It uses something up: only if the first was never sent, or refused before use.
    UnlessUsed,
    /// People see what it does: only if the first was never sent. When its answer is lost, nobody knows whether they
    /// did: [`Failure::Lost`] (product.md PSH-09).
    UnlessSeen,
}

/// One request, before token and pace.
pub(crate) struct Ask {
    /// Path from the host on; also the interface whose calls are counted.
    pub(crate) interface: &'static str,
    /// What follows the path, for an interface that has an id in it; encoded.
    pub(crate) tail: Option<String>,
    /// 47009 says that there is nothing here, instead of a failure (welink-api.md 11).
    pub(crate) lists: bool,
    pub(crate) method: Method,
    /// Encoded, without `?`. Wiped after use, because it can hold a one-time code.
    pub(crate) query: Option<Secret<String>>,
    pub(crate) body: Body,
    pub(crate) repeat: Repeat,
    /// The code that means success.
    pub(crate) success: &'static str,
}

/// What a request carries, wiped after use.
pub(crate) enum Body {
    None,
    Json(Secret<String>),
    /// `application/x-www-form-urlencoded`.
    Form(Secret<String>),
}

impl Body {
    fn content_type(&self) -> &'static str {
        match self {
            Self::None | Self::Json(_) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
        }
    }

    fn bytes(&self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::Json(text) | Self::Form(text) => Bytes::copy_from_slice(text.expose().as_bytes()),
        }
    }
}

impl Ask {
    /// A plain read: no query, no body, may be repeated, success is 0.
    pub(crate) fn get(interface: &'static str) -> Self {
        Self {
            interface,
            tail: None,
            lists: false,
            method: Method::GET,
            query: None,
            body: Body::None,
            repeat: Repeat::Safe,
            success: "0",
        }
    }

    /// A read by POST.
    pub(crate) fn post(interface: &'static str, body: String) -> Self {
        Self { method: Method::POST, body: Body::Json(Secret::new(body)), ..Self::get(interface) }
    }
}

/// Why a request failed, with what its caller may still try.
pub(crate) enum Failure {
    /// A new token may help, once; otherwise it is this.
    Token(WeLinkError),
    /// The credentials are refused (domain::breaker::CODES).
    Credentials {
        code: String,
        message: String,
    },
    Final(WeLinkError),
    /// Sent, and no answer tells whether it took effect; only for [`Repeat::UnlessSeen`].
    Lost,
}

impl Failure {
    pub(crate) fn into_error(self) -> WeLinkError {
        match self {
            Self::Token(error) | Self::Final(error) => error,
            Self::Credentials { code, message } => WeLinkError::Refused { code, message },
            Self::Lost => WeLinkError::Down,
        }
    }
}

/// What follows from one answer.
enum Next {
    Done(Reply),
    Stop(Failure),
    /// Repeat after a pause that grows; if there are no repetitions left, it is this.
    Again(WeLinkError),
    /// The rate is limited: pause, then go on.
    Pause,
}

impl<S: Shared> WeLink<S> {
    /// A client for the service at `settings.base`; requests to any other host are refused (product.md C23).
    pub fn new(
        settings: Settings,
        transport: Transport,
        clock: Clock,
        entropy: Entropy,
        shared: S,
    ) -> Result<Self, BadBase> {
        let (base, authority) = settings.parse_base()?;
        let login_base = settings.parse_login_base()?;
        Ok(Self(Arc::new(Inner {
            pacer: Pacer::new(shared.clone(), clock.clone(), entropy.clone(), &settings),
            tokens: Tokens::new(&entropy),
            transport: transport.only(BTreeSet::from([authority])),
            shared,
            clock,
            entropy,
            settings,
            base,
            login_base,
        })))
    }
}

impl<S: Shared> Inner<S> {
    /// Calls with the app's token; a token sign (welink-api.md 2.3), and 501 (product.md ENT-08), get one new token.
    pub(crate) async fn call(&self, c: &Credentials, ask: &Ask) -> Result<Reply, WeLinkError> {
        let sent = self.attempt(c, ask).await;
        self.settle(c, sent).await
    }

    /// The same, before it is settled.
    pub(crate) async fn attempt(&self, c: &Credentials, ask: &Ask) -> Result<Reply, Failure> {
        let paced = Some((&c.app, &c.client_id));
        let token = self.token(c, None).await.map_err(Failure::Final)?;
        let sent = self.send(paced, Some(&token), ask).await;
        let Err(Failure::Token(_)) = sent else { return sent };
        let renewed = self.token(c, Some(&token)).await.map_err(Failure::Final)?;
        self.send(paced, Some(&renewed), ask).await
    }

    /// What a request of this app came to, once no other token will be tried.
    pub(crate) async fn settle(&self, c: &Credentials, sent: Result<Reply, Failure>) -> Result<Reply, WeLinkError> {
        match sent {
            Ok(reply) => Ok(reply),
            Err(Failure::Credentials { code, .. }) => Err(self.open_breaker(c, &code).await),
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// Sends the request, and repeats it within bounds where that is right.
    pub(crate) async fn send(
        &self,
        paced: Option<(&AppId, &ClientId)>,
        token: Option<&Secret<String>>,
        ask: &Ask,
    ) -> Result<Reply, Failure> {
        let pauses_end = Instant::now() + self.settings.wait_max();
        let mut repeats = 0;
        for _ in 0..ROUNDS_MAX {
            self.pacer.admit(paced, ask.interface).await.map_err(Failure::Final)?;
            match self.once(token, ask).await? {
                Next::Done(reply) => return Ok(reply),
                Next::Stop(failure) => return Err(failure),
                Next::Again(error) if repeats >= self.settings.repeats_max => return Err(Failure::Final(error)),
                Next::Again(_) => {
                    self.back_off(repeats).await;
                    repeats += 1;
                }
                Next::Pause => self.pause(pauses_end).await?,
            }
        }
        Err(Failure::Final(WeLinkError::Down))
    }

    async fn once(&self, token: Option<&Secret<String>>, ask: &Ask) -> Result<Next, Failure> {
        let request = self.request(token, ask).map_err(Failure::Final)?;
        let answer = self.transport.send(request, self.settings.call_timeout()).await;
        let again = |error: WeLinkError| match ask.repeat {
            Repeat::Safe => Next::Again(error),
            Repeat::UnlessUsed => Next::Stop(Failure::Final(error)),
            Repeat::UnlessSeen => Next::Stop(Failure::Lost),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(TransportError::Connect(_)) => return Ok(Next::Again(WeLinkError::Down)),
            Err(TransportError::Timeout | TransportError::Broken(_)) => return Ok(again(WeLinkError::Down)),
            Err(TransportError::TooLarge) => return Ok(again(WeLinkError::Malformed)),
            Err(TransportError::HostNotAllowed(_)) => return Err(Failure::Final(WeLinkError::Down)),
        };
        if ask.repeat == Repeat::UnlessSeen
            && let Some(reply) = wire::partial(&answer)
        {
            return Ok(Next::Done(reply));
        }
        Ok(match wire::read(&answer, ask.success) {
            Answer::Done(reply) => Next::Done(reply),
            Answer::TooMany if self.settings.status_429_is_rate_limit => Next::Pause,
            // Refused before it took effect; only a gateway that waited in vain for WeLink cannot know.
            Answer::TooMany | Answer::ServerError
                if ask.repeat == Repeat::UnlessSeen && answer.status() != StatusCode::GATEWAY_TIMEOUT =>
            {
                Next::Stop(Failure::Final(WeLinkError::Down))
            }
            Answer::TooMany | Answer::ServerError => again(WeLinkError::Down),
            Answer::Malformed => again(WeLinkError::Malformed),
            Answer::Code { code, message } => self.judge(ask, code, message),
        })
    }

    /// What a code other than success means for this request (codes.rs).
    fn judge(&self, ask: &Ask, code: String, message: String) -> Next {
        let stop = |error| Next::Stop(Failure::Final(error));
        let class = match code.as_str() {
            "51036" if !self.settings.code_51036_is_token_sign => Class::Final,
            "47009" if ask.lists => Class::Empty,
            // "Cannot get user info": the person's way out is the same as for an expired code (welink-api.md 3.2).
            "41500" if ask.repeat == Repeat::UnlessUsed || ask.interface == browser::USER_OF_TOKEN => {
                Class::CodeRefused
            }
            known => codes::class(known),
        };
        match class {
            Class::RefreshToken => Next::Stop(Failure::Token(WeLinkError::Refused { code, message })),
            Class::NotApplied => Next::Stop(Failure::Token(WeLinkError::Permission { code })),
            Class::RateLimited => Next::Pause,
            Class::Retry if ask.repeat == Repeat::Safe => Next::Again(WeLinkError::Down),
            Class::Retry => stop(WeLinkError::Down),
            Class::Permission => stop(WeLinkError::Permission { code }),
            Class::CodeRefused => stop(WeLinkError::Code { code }),
            Class::Credentials if breaker::opens(&code) => Next::Stop(Failure::Credentials { code, message }),
            // Another call's success is no answer to this one.
            Class::Ok if ["0", "60001"].contains(&code.as_str()) && ask.repeat == Repeat::UnlessSeen => {
                Next::Stop(Failure::Lost)
            }
            Class::Ok if ["0", "60001"].contains(&code.as_str()) => stop(WeLinkError::Malformed),
            // Anything else is final here; `Ok` too, because each call of this client has one code of success.
            Class::Ok
            | Class::Credentials
            | Class::Empty
            | Class::Pending
            | Class::Prerequisite
            | Class::BadRequest
            | Class::Conflict
            | Class::Quota
            | Class::Final => stop(WeLinkError::Refused { code, message }),
        }
    }

    fn request(&self, token: Option<&Secret<String>>, ask: &Ask) -> Result<Request<Bytes>, WeLinkError> {
        let query = ask.query.as_ref().map(|query| format!("?{}", query.expose())).unwrap_or_default();
        let tail = ask.tail.as_deref().unwrap_or_default();
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(format!("{}{}{tail}{query}", self.base, ask.interface))
            .header(CONTENT_TYPE, ask.body.content_type())
            .header(ACCEPT_CHARSET, "UTF-8")
            .header("lang", "zh");
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose()).map_err(|_| WeLinkError::Malformed)?;
            value.set_sensitive(true);
            request = request.header("x-wlk-Authorization", value);
        }
        request.body(ask.body.bytes()).map_err(|_| WeLinkError::Malformed)
    }

    async fn back_off(&self, repeats: u32) {
        let base_ms = self.settings.backoff_ms.saturating_mul(1 << repeats.min(8));
        let jitter_ms = self.entropy.below(base_ms / 2 + 1);
        sleep_ms(i64::from(base_ms.saturating_add(jitter_ms))).await;
    }

    /// Waits for a rate limit to pass, or says that it is too long for this caller.
    async fn pause(&self, end: Instant) -> Result<(), Failure> {
        let pause_ms = self.settings.rate_limited_pause_ms;
        let pause_ms = pause_ms.saturating_add(self.entropy.below(pause_ms / 4 + 1));
        let left_ms = end.saturating_duration_since(Instant::now()).as_millis();
        if u128::from(pause_ms) > left_ms {
            return Err(Failure::Final(WeLinkError::Busy { retry_after_ms: u64::from(pause_ms) }));
        }
        sleep_ms(i64::from(pause_ms)).await;
        Ok(())
    }
}
