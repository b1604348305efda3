//! Two bridge tenants with their WeLink companies and OAs under virtual time (design.md 4): one thread, no socket,
//! seeded randomness. The production code runs unchanged; the table, the wires, the functions and the simulators have
//! faults.
//!
//! Must be built inside a current-thread runtime whose time is paused.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

pub mod facts;
pub mod fleet;
pub mod knobs;
mod people;
pub mod record;
mod set_up;
pub mod table;
mod wires;

use domain::ids::{AppId, EnterpriseId, OaInstanceId, TenantId};
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::transport::Transport;
use sim::company::Company;
use sim::faults::Faults;
use sim::{oa, welink};

pub use facts::Facts;
pub use fleet::Fleet;
pub use knobs::Knobs;
pub use people::{Member, Standing};
pub use record::{Canaries, Record};
pub use table::Table;

pub const BRIDGE: &str = "http://bridge.localhost";
pub const CONSOLE: &str = "http://console.localhost";

/// How a simulation is built.
#[derive(Debug, Clone)]
pub struct Options {
    pub seed: u64,
    /// WeLink's limits and ours are about a tenth of the real ones, so that the pace is felt.
    pub slow_pace: bool,
    /// Milliseconds by which each sandbox's clock is ahead; also how many there are.
    pub skews_ms: Vec<i64>,
    /// The first side links people by their mobiles.
    pub auto_bind: bool,
}

/// A bridge tenant with the company that it serves.
#[derive(Debug)]
pub struct Side {
    pub company: Company,
    /// The company in WeLink.
    pub welink_tenant: String,
    pub client_id: String,
    pub tenant: TenantId,
    pub instance: OaInstanceId,
    pub enterprise: EnterpriseId,
    pub app: AppId,
    pub oa: oa::Oa,
    /// Browsers fetch a nonce from the OA first.
    pub bound_to_browser: bool,
    /// Unlinked people enter their OA account on the binding page.
    pub binds: bool,
    push_secret: String,
}

/// Everything, running.
#[derive(Debug)]
pub struct Simulated {
    pub seed: u64,
    pub clock: Clock,
    /// For whoever acts from outside.
    pub entropy: Entropy,
    pub record: Record,
    pub canaries: Canaries,
    pub facts: Facts,
    pub knobs: Knobs,
    pub welink: welink::WeLink,
    pub welink_faults: Faults,
    pub oa_faults: Faults,
    pub table: Table,
    pub fleet: Fleet,
    /// The first side links people by their mobiles.
    pub auto_bind: bool,
    pub sides: Vec<Side>,
    pub members: Vec<Member>,
    /// What a browser reaches.
    pub internet: Transport,
    operator_key: String,
}

impl Simulated {
    pub async fn start(options: Options) -> Self {
        set_up::start(options).await
    }

    /// The homepage address of a side's app.
    pub fn homepage(&self, side: usize) -> url::Url {
        url::Url::parse(&format!("{BRIDGE}/h/{}", self.sides[side].app)).expect("a homepage address")
    }

    /// Turns every fault off and puts every clock right.
    pub fn heal(&self) {
        self.knobs.clear();
        self.welink_faults.clear();
        self.oa_faults.clear();
        for side in &self.sides {
            side.oa.set(|settings| settings.down = false);
        }
        self.fleet.put_clocks_right();
    }
}
