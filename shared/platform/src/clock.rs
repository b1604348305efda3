//! Where "now" comes from.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::time::Timestamp;

type Now = dyn Fn() -> Timestamp + Send + Sync;

/// A source of the current time; cloning shares it.
#[derive(Clone)]
pub struct Clock(Arc<Now>);

impl Clock {
    /// Any other source of time.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The operating system's time.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the operating system's clock")]
    pub fn system() -> Self {
        Self(Arc::new(|| {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
        }))
    }

    /// Starts at `origin` and follows tokio's clock, which a test pauses and advances. Must be called inside a runtime.
    pub fn virtual_from(origin: Timestamp) -> Self {
        let started = tokio::time::Instant::now();
        Self(Arc::new(move || {
            let elapsed = tokio::time::Instant::now().saturating_duration_since(started);
            origin.plus_ms(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
        }))
    }

    /// The same clock, `ms` ahead (or behind, when negative): one sandbox whose time is off.
    #[must_use]
    pub fn skewed(&self, ms: i64) -> Self {
        let inner = self.clone();
        Self(Arc::new(move || inner.now().plus_ms(ms)))
    }

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now().0)
    }
}

/// The AWS SDK's time source, so that its signatures and retries follow the same clock.
impl aws_smithy_async::time::TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(Clock::now(self).0).unwrap_or_default())
    }
}
