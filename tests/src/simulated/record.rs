//! What a simulation remembers: one line a request at each boundary, what our crates wrote to the log, and the secrets
//! that neither may hold.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use domain::time::Timestamp;
use platform::clock::Clock;
use platform::secret::sha256_hex;

/// A poisoned lock only says that another request panicked, which the simulation reports by itself.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The request log; cloning shares it. Times are milliseconds since the start of the simulation.
#[derive(Debug, Clone)]
pub struct Record {
    clock: Clock,
    began: Timestamp,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Record {
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), began: clock.now(), lines: Arc::default() }
    }

    /// Begins a request; the line is written when its outcome is known, and says so when it never is.
    pub fn begin(&self, boundary: &str, what: &str) -> Open {
        let began = self.clock.now().ms_since(self.began);
        Open { record: self.clone(), text: format!("{boundary} {what}"), began, outcome: None }
    }

    /// A line of something that is no request.
    pub fn note(&self, text: &str) {
        let now = self.clock.now().ms_since(self.began);
        lock(&self.lines).push(format!("{now:>9} {text}"));
    }

    pub fn lines(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }

    /// SHA-256 of all lines, hex.
    pub fn hash(&self) -> String {
        sha256_hex(&lock(&self.lines).join("\n"))
    }
}

/// A request whose outcome is not known yet.
#[derive(Debug)]
pub struct Open {
    record: Record,
    text: String,
    began: i64,
    outcome: Option<String>,
}

impl Open {
    pub fn end(mut self, outcome: impl Into<String>) {
        self.outcome = Some(outcome.into());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let outcome = self.outcome.as_deref().unwrap_or("given up");
        self.record.note(&format!("{} -> {outcome} (since {})", self.text, self.began));
    }
}

/// A path as a log names it: ids and people left out.
pub fn route(path: &str) -> String {
    let shown = |part: &str| match part {
        user if user.contains('@') || user.contains("%40") => "{user}".to_owned(),
        long if long.len() > 24 || long.len() == 10 && !long.contains('.') => "{id}".to_owned(),
        short => short.to_owned(),
    };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
}

/// Secrets by what they are, for the scan of everything that was logged; cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Canaries(Arc<Mutex<BTreeMap<String, &'static str>>>);

impl Canaries {
    /// Plants a secret. Texts of fewer than four bytes would be found by chance and are left out.
    pub fn plant(&self, kind: &'static str, secret: &str) {
        if secret.len() >= 4 {
            lock(&self.0).insert(secret.to_owned(), kind);
        }
    }

    /// How many kinds of secrets are planted.
    pub fn kinds(&self) -> usize {
        lock(&self.0).values().collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The kinds of secrets that stand in `text`, each with the line.
    pub fn found_in(&self, text: &str) -> Vec<String> {
        let secrets = lock(&self.0);
        let mut by_start: BTreeMap<[u8; 2], Vec<(&[u8], &str)>> = BTreeMap::new();
        for (secret, kind) in secrets.iter() {
            let bytes = secret.as_bytes();
            by_start.entry([bytes[0], bytes[1]]).or_default().push((bytes, kind));
        }
        let mut found = Vec::new();
        for line in text.lines() {
            let bytes = line.as_bytes();
            for at in 0..bytes.len().saturating_sub(1) {
                let Some(candidates) = by_start.get(&[bytes[at], bytes[at + 1]]) else { continue };
                let hits = candidates.iter().filter(|(secret, _)| bytes[at..].starts_with(secret));
                found.extend(hits.map(|(_, kind)| format!("{kind} in: {line}")));
            }
        }
        found
    }
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct ToThread;

impl Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that our crates can say, and of the libraries what production logs: their debug lines hold whole
/// requests.
const FILTER: &str = "warn,platform=trace,state=trace,welink=trace,oa=trace,signin=trace,app_home=trace,admin=trace,\
                      local=trace,sim=trace,domain=trace";

/// Keeps what this thread logs from now on, in the format of production.
pub fn capture_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = tracing_subscriber::fmt().json().flatten_event(true).without_time();
        let lines = lines.with_env_filter(tracing_subscriber::EnvFilter::new(FILTER)).with_writer(|| ToThread);
        // Another test of this binary may have been first, with the same subscriber.
        let _ = lines.try_init();
    });
    LOG.with_borrow_mut(Vec::clear);
}

/// What this thread has logged since [`capture_log`].
pub fn captured_log() -> String {
    LOG.with_borrow(|log| String::from_utf8_lossy(log).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_found_and_named() {
        let canaries = Canaries::default();
        canaries.plant("mobile", "13800000001");
        canaries.plant("nothing", "ab");
        assert_eq!(canaries.found_in("ab\nx 13800000001\n").len(), 1);
        assert!(canaries.found_in("1380000000 1").is_empty());
    }

    #[test]
    fn a_route_names_nobody() {
        assert_eq!(route("/h/a_0123456789abcdefghjkmnpqrstvwxyz01"), "/h/{id}");
        assert_eq!(
            route("/v1/enterprises/e_0123456789abcdefghjkmnpqrstvwxyz01/links/a@welink"),
            "/v1/enterprises/{id}/links/{user}"
        );
        assert_eq!(route("/.well-known/jwks.json"), "/.well-known/jwks.json");
    }
}
