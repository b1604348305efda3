//! Who is this WeLink user, which OA user is that, and the hand-off to the OA. The only crate that knows state, WeLink
//! and OA together; every function that signs somebody in goes through it.

mod auto_bind;
mod bind;
mod bridge;
mod browser;
mod console;
mod credentials;
mod element;
mod enter;
mod env;
mod handoff;
mod key_rotation;
mod keyring;
mod me;
mod memo;
mod oa_sign_in;
mod oas;
mod redeem;
mod refusal;
mod runs;
mod scan;
mod shared_state;

pub use bind::{Attempted, BindPage, Denied};
pub use bridge::{Bridge, HEALTH, Parts};
pub use browser::{BrowserBegun, BrowserEntered, OAUTH_CALLBACK};
pub use console::{CONSOLE_CALLBACK, ConsolePerson};
pub use element::ElementBegun;
pub use enter::{BROWSER_COOKIE, Begun, Callback, Device, Entered, Visitor};
pub use env::from_env;
pub use handoff::{Onward, SESSION_COOKIE, Visit};
pub use key_rotation::{KeyState, SigningKeyInfo};
pub use me::MyPage;
pub use oa_sign_in::{OA_CALLBACK, OaAnswer, SentToOa};
pub use oas::OaSecretChange;
pub use redeem::{RedeemRequest, Redeemed};
pub use refusal::Refusal;
pub use runs::{DUE_TIMER, RunMessage, Started, Starter, timer_due};
pub use scan::{Proved, ScanTicket};
pub use shared_state::SharedState;
