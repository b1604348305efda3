//! Several sandboxes over one table: each with its own caches and clock, each mortal.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use platform::clock::Clock;
use platform::config::Config;
use platform::entropy::Entropy;
use platform::http::ClientAddress;
use platform::secret::Secret;
use platform::transport::{Transport, TransportError};
use platform::vault::Vault;
use signin::{Bridge, Parts};
use state::Store;

use super::knobs::Knobs;
use super::record::{Record, lock, route};
use super::table::{self, Table};

/// A request dies or freezes after 1 to so many polls; a sign-in takes about 30.
const POLLS_MAX: u32 = 32;
/// A frozen request goes on after so long: another hour, or a moment that a short claim does not survive.
const FROZEN_MS: [u64; 3] = [3_600_000, 20_000, 2_000];
/// One way between a client and a function takes 1 to so many milliseconds.
const WAY_MS_MAX: u32 = 20;
/// Turns of waiting for frozen requests, of a minute each.
const SETTLE_TURNS_MAX: u32 = 200;

/// What every sandbox is made of.
pub(super) struct Ingredients {
    pub seed: u64,
    pub config: Config,
    pub table: Table,
    pub clock: Clock,
    pub master_key: Vec<u8>,
    /// The ways out; each sandbox is named in the record.
    pub welink: Box<dyn Fn(&str) -> Transport + Send + Sync>,
    pub oa: Box<dyn Fn(&str) -> Transport + Send + Sync>,
}

/// One running copy of the functions.
#[derive(Clone)]
pub struct Sandbox {
    pub name: String,
    pub bridge: Bridge,
    home: Router,
    console: Router,
    skew_ms: i64,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sandbox({}, {} ms ahead)", self.name, self.skew_ms)
    }
}

struct Inner {
    ingredients: Ingredients,
    entropy: Entropy,
    knobs: Knobs,
    record: Record,
    slots: Mutex<Vec<Sandbox>>,
    made: AtomicU32,
    running: AtomicUsize,
    /// Path and polls of a crash that is armed.
    armed: Mutex<Option<(&'static str, u32)>>,
    panics: Mutex<Vec<String>>,
}

/// The sandboxes; cloning shares them.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fleet({} made)", self.0.made.load(Ordering::Relaxed))
    }
}

/// How a request fares in its sandbox.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Runs,
    Crashes(u32),
    Freezes(u32, u64),
}

impl Fleet {
    /// One sandbox for each skew, in milliseconds ahead.
    pub(super) fn new(
        ingredients: Ingredients,
        entropy: Entropy,
        knobs: Knobs,
        record: Record,
        skews_ms: &[i64],
    ) -> Self {
        let fleet = Self(Arc::new(Inner {
            ingredients,
            entropy,
            knobs,
            record,
            slots: Mutex::default(),
            made: AtomicU32::new(0),
            running: AtomicUsize::new(0),
            armed: Mutex::default(),
            panics: Mutex::default(),
        }));
        let first: Vec<Sandbox> = skews_ms.iter().map(|skew_ms| fleet.make(*skew_ms)).collect();
        *lock(&fleet.0.slots) = first;
        fleet
    }

    fn make(&self, skew_ms: i64) -> Sandbox {
        let Ingredients { seed, config, table, clock, master_key, welink, oa } = &self.0.ingredients;
        let number = self.0.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("s{number}");
        let clock = if skew_ms == 0 { clock.clone() } else { clock.skewed(skew_ms) };
        let entropy = Entropy::seeded(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(number)));
        let client = table.client(&clock, &name);
        let store = Store::new(client, table::NAME, clock.clone(), entropy.clone(), config.config_cache_s);
        let vault = Vault::with_key(&Secret::new(master_key.clone()), entropy.clone()).expect("a key of 32 bytes");
        let parts =
            Parts { config: config.clone(), store, vault, welink: welink(&name), oa: oa(&name), clock, entropy };
        let bridge = Bridge::new(parts).expect("an address of WeLink");
        let (home, console) = (app_home::router(bridge.clone()), admin::router(bridge.clone()));
        Sandbox { name, bridge, home, console, skew_ms }
    }

    /// Any sandbox.
    pub fn pick(&self) -> Sandbox {
        let slots = lock(&self.0.slots);
        let count = u32::try_from(slots.len()).unwrap_or(1);
        slots[self.0.entropy.below(count) as usize].clone()
    }

    /// Replaces one sandbox by a cold one.
    pub fn replace(&self, name: &str) {
        let found = lock(&self.0.slots).iter().position(|sandbox| sandbox.name == name);
        let Some(at) = found else { return };
        let skew_ms = lock(&self.0.slots)[at].skew_ms;
        let cold = self.make(skew_ms);
        self.0.record.note(&format!("{} replaces {name}", cold.name));
        lock(&self.0.slots)[at] = cold;
    }

    /// Replaces the sandboxes whose clocks are wrong by cold ones.
    pub fn put_clocks_right(&self) {
        let wrong: Vec<usize> =
            lock(&self.0.slots).iter().enumerate().filter(|(_, s)| s.skew_ms != 0).map(|(at, _)| at).collect();
        for at in wrong {
            let right = self.make(0);
            lock(&self.0.slots)[at] = right;
        }
    }

    /// What went wrong in the code itself.
    pub fn panics(&self) -> Vec<String> {
        lock(&self.0.panics).clone()
    }

    /// Waits until no request runs any more, frozen ones included.
    pub async fn settle(&self) -> bool {
        for _ in 0..SETTLE_TURNS_MAX {
            if self.0.running.load(Ordering::Relaxed) == 0 {
                return true;
            }
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
        false
    }

    async fn way(&self) {
        let ms = u64::from(1 + self.0.entropy.below(WAY_MS_MAX));
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// The next request whose path begins so dies after this many polls, unless it has ended before.
    pub fn arm_crash(&self, path: &'static str, polls: u32) {
        *lock(&self.0.armed) = Some((path, polls));
    }

    fn fate(&self, path: &str) -> Fate {
        if let Some((_, polls)) = lock(&self.0.armed).take_if(|(armed, _)| path.starts_with(*armed)) {
            return Fate::Crashes(polls);
        }
        let polls = || 1 + self.0.entropy.below(POLLS_MAX);
        if self.0.knobs.draw("function.crash") {
            return Fate::Crashes(polls());
        }
        if self.0.knobs.draw("function.freeze") {
            let ms = FROZEN_MS[self.0.entropy.below(3) as usize];
            return Fate::Freezes(polls(), ms);
        }
        Fate::Runs
    }

    /// One request through the wires to any sandbox, and its answer back.
    pub async fn serve(&self, from: &str, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let sandbox = self.pick();
        let what = format!("{} {}", request.method(), route(request.uri().path()));
        let open = self.0.record.begin(&format!("{from} > bridge {}", sandbox.name), &what);
        self.way().await;
        if self.0.knobs.fires("net.request_lost") {
            open.end("request lost");
            let never_sent = self.0.entropy.below(2) == 0;
            let why = "simulated".to_owned();
            return Err(if never_sent { TransportError::Connect(why) } else { TransportError::Broken(why) });
        }
        let answer = self.run(sandbox, request).await;
        let outcome = answer.as_ref().map_or_else(ToString::to_string, |a| a.status().as_u16().to_string());
        self.way().await;
        if answer.is_ok() && self.0.knobs.fires("net.answer_lost") {
            open.end(format!("{outcome}, lost"));
            return Err(TransportError::Broken("simulated".to_owned()));
        }
        open.end(outcome);
        answer
    }

    /// Runs the request in a task of its own: like a function, it goes on when its client has gone away.
    async fn run(&self, sandbox: Sandbox, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (fleet, fate) = (self.clone(), self.fate(request.uri().path()));
        if self.0.knobs.fires("function.cold") {
            self.replace(&sandbox.name);
        }
        fleet.0.running.fetch_add(1, Ordering::Relaxed);
        let task = tokio::spawn(async move {
            let answer = fleet.suffer(&sandbox, fate, request).await;
            fleet.0.running.fetch_sub(1, Ordering::Relaxed);
            answer
        });
        match task.await {
            Ok(answer) => answer,
            Err(error) => {
                lock(&self.0.panics).push(error.to_string());
                self.0.running.fetch_sub(1, Ordering::Relaxed);
                Err(TransportError::Broken("it panicked".to_owned()))
            }
        }
    }

    async fn suffer(
        &self,
        sandbox: &Sandbox,
        fate: Fate,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        request.extensions_mut().insert(ClientAddress("192.0.2.7".to_owned()));
        let console = request.uri().host().is_some_and(|host| host.starts_with("console."));
        let router = if console { sandbox.console.clone() } else { sandbox.home.clone() };
        // Longer than any function may run: what a timeout of a client does is the client's business.
        let day = Duration::from_hours(24);
        let transport = Transport::router(router);
        let mut work = Box::pin(async move { transport.send(request, day).await });
        let polls = match fate {
            Fate::Runs => return work.await,
            Fate::Crashes(polls) | Fate::Freezes(polls, _) => polls,
        };
        if let Some(answer) = for_polls(&mut work, polls).await {
            return answer;
        }
        if let Fate::Freezes(_, ms) = fate {
            self.0.knobs.count("function.freeze");
            self.0.record.note(&format!("{} freezes for {ms} ms", sandbox.name));
            tokio::time::sleep(Duration::from_millis(ms)).await;
            return work.await;
        }
        self.0.knobs.count("function.crash");
        self.0.record.note(&format!("{} crashes", sandbox.name));
        drop(work);
        // Half of them only lose the request (a timeout of the function), half the whole sandbox.
        if self.0.entropy.below(2) == 0 {
            self.replace(&sandbox.name);
        }
        Err(TransportError::Broken("the function crashed".to_owned()))
    }
}

/// Drives a future for at most so many polls: `None` = it stands at some await and has not ended.
async fn for_polls<F: Future + ?Sized>(work: &mut Pin<Box<F>>, polls: u32) -> Option<F::Output> {
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
