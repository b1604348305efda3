//! A simulated WeLink open platform: single sign-on, contacts, messages and to-dos (welink-api.md 1 to 7, 10).
//!
//! [`WeLink`] is one vendor with its companies, people and apps. [`WeLink::router`] serves the API; the methods are
//! what people do outside the API: the developer console, the administrator's choices, and the phone that asks for an
//! auth code. Every endpoint is a function from (state, call) to an answer in a table of [`serve`]; another family of
//! endpoints is another module and a few rows.

mod answer;
mod bilingual;
mod bulk;
mod callbacks;
mod codes;
mod contact;
mod contact_settings;
mod element;
mod gate;
mod jobs;
mod lists;
mod load;
mod log;
mod messages;
mod model;
pub(crate) mod oauth;
mod people;
mod readings;
mod records;
mod routes;
mod seen;
mod serve;
mod settings;
mod tenants;
mod todos;
mod tokens;
mod world;
mod write;
mod write_person;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::text::Text;
use domain::time::Timestamp;
use platform::clock::Clock;
use platform::entropy::Entropy;
use platform::secret::Secret;

use crate::faults::{Dialect, Faults};

pub use bilingual::Bilingual;
pub use callbacks::{Delivered, Delivery, Event, open as open_callback, seal as seal_callback};
pub use contact_settings::{Closed, ContactSettings, EmptyPage, Generations, Orders, ParentInBatch, Running};
pub use load::{dept_code, user_id_of};
pub use log::{LogEntry, NO_ANSWER};
pub use messages::{Label, Message, MessageCopy, MessageKind};
pub use model::{
    App, ContactScope, Credentials, Department, DirectoryError, Member, MemberStatus, NewApp, Permission, Tenant,
    VisibleRange,
};
pub use seen::Received;
pub use settings::{Overlong, Partial, Rates, Settings, TodoRepeat, Windows};
pub use todos::{TodoChange, TodoEvent, TodoRow};

use world::World;

/// The root department, which stands for the company (welink-api.md 1).
pub const ROOT_DEPT: &str = "0";

/// What a [`WeLink`] is built from.
#[derive(Debug, Clone)]
pub struct Options {
    pub clock: Clock,
    pub entropy: Entropy,
    /// The knobs in front of its router.
    pub faults: Faults,
    pub settings: Settings,
}

struct Inner {
    clock: Clock,
    entropy: Entropy,
    faults: Faults,
    world: Mutex<World>,
}

/// The simulated vendor; cloning shares it.
#[derive(Clone)]
pub struct WeLink(Arc<Inner>);

impl fmt::Debug for WeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let world = self.world();
        write!(
            f,
            "WeLink({} companies, {} people, {} apps)",
            world.tenants.len(),
            world.members.len(),
            world.apps.len()
        )
    }
}

impl WeLink {
    /// A vendor without companies.
    pub fn new(options: Options) -> Self {
        let Options { clock, entropy, faults, settings } = options;
        let world = World { settings, ..World::default() };
        Self(Arc::new(Inner { clock, entropy, faults, world: Mutex::new(world) }))
    }

    /// The API, below `/api/`. Works over sockets and through `platform::transport::Transport::router`.
    pub fn router(&self) -> axum::Router {
        let endpoints = axum::Router::new().fallback(serve::serve).with_state(self.clone());
        serve::recorded(self, self.0.faults.wrap(endpoints, Dialect::WeLink))
    }

    /// The state, with everything done that is due.
    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.0.world.lock().unwrap_or_else(PoisonError::into_inner);
        jobs::settle(&mut world, self.0.clock.now());
        world
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The knobs in front of the router.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The simulator's own time, which the phone shows.
    pub fn time(&self) -> Timestamp {
        self.now()
    }

    /// Changes limits and readings; counts, tokens and codes stay.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.world().settings);
    }

    /// The limits and readings as they stand.
    pub fn settings(&self) -> Settings {
        self.world().settings.clone()
    }

    /// Adds a company, or replaces its names.
    pub fn add_tenant(&self, tenant: Tenant) {
        self.world().tenants.insert(tenant.tenant_id.clone(), tenant);
    }

    /// All companies in the order of their ids.
    pub fn tenants(&self) -> Vec<Tenant> {
        self.world().tenants.values().cloned().collect()
    }

    /// Adds or replaces a department.
    pub fn add_department(&self, tenant_id: &str, department: Department) -> Result<(), DirectoryError> {
        let now = self.now();
        let mut world = self.world();
        if !world.tenants.contains_key(tenant_id) {
            return Err(DirectoryError::UnknownTenant);
        }
        callbacks::tell(&mut world, tenant_id, &Event::EditDepartment(department.dept_code.clone()), now);
        world.departments.insert(tenant_id, department);
        Ok(())
    }

    /// The departments of a company in the order of their codes.
    pub fn departments(&self, tenant_id: &str) -> Vec<Department> {
        self.world().departments.of(tenant_id).cloned().collect()
    }

    /// Adds or replaces a person.
    pub fn add_member(&self, tenant_id: &str, member: Member) -> Result<(), DirectoryError> {
        let now = self.now();
        let mut world = self.world();
        if !world.tenants.contains_key(tenant_id) {
            return Err(DirectoryError::UnknownTenant);
        }
        callbacks::tell(&mut world, tenant_id, &Event::EditUser(member.user_id.clone()), now);
        world.members.insert(tenant_id, member);
        Ok(())
    }

    /// Removes a person; codes that were issued for him are worth nothing from now on.
    pub fn remove_member(&self, tenant_id: &str, user_id: &str) -> Result<Member, DirectoryError> {
        let now = self.now();
        let mut world = self.world();
        let removed = world.members.remove(tenant_id, user_id).ok_or(DirectoryError::UnknownMember)?;
        callbacks::tell(&mut world, tenant_id, &Event::DeleteUser(user_id.to_owned()), now);
        Ok(removed)
    }

    /// Removes a department, whatever is in it.
    pub fn remove_department(&self, tenant_id: &str, dept_code: &str) -> Result<Department, DirectoryError> {
        let now = self.now();
        let mut world = self.world();
        let removed = world.departments.remove(tenant_id, dept_code).ok_or(DirectoryError::UnknownDepartment)?;
        callbacks::tell(&mut world, tenant_id, &Event::DeleteDepartment(dept_code.to_owned()), now);
        Ok(removed)
    }

    /// One person.
    pub fn member(&self, tenant_id: &str, user_id: &str) -> Option<Member> {
        self.world().member(tenant_id, user_id).cloned()
    }

    /// The people of a company in the order of their ids.
    pub fn members(&self, tenant_id: &str) -> Vec<Member> {
        self.world().members_of(tenant_id).cloned().collect()
    }

    /// Creates an app with every permission, visible to everyone (welink-api.md 3.1 step 1, all at once).
    pub fn add_app(&self, new: NewApp) -> Result<Credentials, DirectoryError> {
        let now = self.now();
        let mut world = self.world();
        if !world.tenants.contains_key(&new.tenant_id) {
            return Err(DirectoryError::UnknownTenant);
        }
        let (client_id, client_secret) = match new.credentials {
            Some(given) => given,
            None => (self.fresh_client_id(&world, now), tokens::uuid(&self.0.entropy)),
        };
        let client_secret = Secret::new(client_secret);
        let app = App {
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            tenant_id: new.tenant_id,
            name_zh: new.name_zh,
            name_en: new.name_en,
            mobile_url: new.mobile_url,
            pc_url: new.pc_url,
            permissions: Permission::ALL.into_iter().collect(),
            range: VisibleRange::Everyone,
            scope: ContactScope::Everything,
            callback_url: None,
            oauth_redirects: BTreeSet::new(),
        };
        world.apps.insert(client_id.clone(), app);
        Ok(Credentials { client_id, client_secret })
    }

    /// The vendor's client ids are a date, a time and some digits.
    fn fresh_client_id(&self, world: &World, now: Timestamp) -> String {
        let stamp: String = answer::china_time(now).chars().filter(char::is_ascii_digit).collect();
        let first = self.0.entropy.below(1000);
        (0..1000)
            .map(|step| format!("{stamp}{:03}", (first + step) % 1000))
            .find(|id| !world.apps.contains_key(id))
            .unwrap_or_else(|| tokens::uuid(&self.0.entropy))
    }

    /// One app, with its secret.
    pub fn app(&self, client_id: &str) -> Option<App> {
        self.world().apps.get(client_id).cloned()
    }

    /// The apps of a company in the order of their client ids.
    pub fn apps(&self, tenant_id: &str) -> Vec<App> {
        self.world().apps.values().filter(|app| app.tenant_id == tenant_id).cloned().collect()
    }

    /// Changes names, homepages or the visible range of an app. `client_id` and company stay whatever `change` does.
    pub fn edit_app(&self, client_id: &str, change: impl FnOnce(&mut App)) -> Result<(), DirectoryError> {
        let mut world = self.world();
        let app = world.apps.get_mut(client_id).ok_or(DirectoryError::UnknownApp)?;
        let (id, tenant_id) = (app.client_id.clone(), app.tenant_id.clone());
        change(app);
        (app.client_id, app.tenant_id) = (id, tenant_id);
        Ok(())
    }

    /// Sets the homepages (设置首页).
    pub fn set_homepage(&self, client_id: &str, mobile_url: &str, pc_url: &str) -> Result<(), DirectoryError> {
        self.edit_app(client_id, |app| {
            mobile_url.clone_into(&mut app.mobile_url);
            pc_url.clone_into(&mut app.pc_url);
        })
    }

    /// Sets who sees the app (可见范围).
    pub fn set_visible_range(&self, client_id: &str, range: VisibleRange) -> Result<(), DirectoryError> {
        self.edit_app(client_id, |app| app.range = range)
    }

    /// Sets whose contacts the app reads (通讯录权限范围).
    pub fn set_contact_scope(&self, client_id: &str, scope: ContactScope) -> Result<(), DirectoryError> {
        self.edit_app(client_id, |app| app.scope = scope)
    }

    /// Replaces the secret. Tokens fetched with the old one live on until they expire.
    pub fn rotate_secret(&self, client_id: &str) -> Result<Secret<String>, DirectoryError> {
        let secret = Secret::new(tokens::uuid(&self.0.entropy));
        self.edit_app(client_id, |app| app.client_secret = secret.clone())?;
        Ok(secret)
    }

    /// Grants a permission; only tokens fetched from now on have it (welink-api.md 2.1).
    pub fn grant(&self, client_id: &str, permission: Permission) -> Result<(), DirectoryError> {
        self.edit_app(client_id, |app| {
            app.permissions.insert(permission);
        })
    }

    /// Takes a permission away, from living tokens too.
    pub fn revoke(&self, client_id: &str, permission: Permission) -> Result<(), DirectoryError> {
        self.edit_app(client_id, |app| {
            app.permissions.remove(&permission);
        })
    }

    /// Ends every token of an app now, as a revocation in the middle of a run does.
    pub fn expire_tokens(&self, client_id: &str) {
        let now = self.now();
        self.world().tokens.expire(client_id, now);
    }

    /// What the phone does for a page that calls `HWH5.getAuthCode`: a code for this member and app, good once
    /// (welink-api.md 3.1). Refused when the app is not visible to him or his account is not open.
    pub fn issue_auth_code(&self, user_id: &str, client_id: &str) -> Result<String, DirectoryError> {
        let now = self.now();
        codes::issue(&mut self.world(), &self.0.entropy, now, user_id, client_id)
    }

    /// Registers an address to which the authorise page may send browsers back, as the vendor's staff does
    /// (welink-api.md 3.4): http or https, without query and fragment; otherwise `BadRedirect`. It is compared as a
    /// whole.
    pub fn register_oauth_redirect(&self, client_id: &str, redirect_uri: &str) -> Result<(), DirectoryError> {
        if !oauth::registrable(redirect_uri) {
            return Err(DirectoryError::BadRedirect);
        }
        self.edit_app(client_id, |app| {
            app.oauth_redirects.insert(redirect_uri.to_owned());
        })
    }

    /// What the authorise page does once a member has signed in: a code for this app and redirect address, good once
    /// and for 5 minutes (welink-api.md 3.4). Refused when the app is not visible to him, his account is not open, or
    /// the address is not registered.
    pub fn issue_oauth_code(
        &self,
        user_id: &str,
        client_id: &str,
        redirect_uri: &str,
    ) -> Result<String, DirectoryError> {
        let now = self.now();
        oauth::issue(&mut self.world(), &self.0.entropy, now, user_id, [client_id, redirect_uri])
    }

    /// What the authorise page makes of a browser's parameters.
    pub(crate) fn authorize(&self, wish: &oauth::Wish) -> Result<oauth::Next, oauth::Stop> {
        oauth::authorize(&self.world(), wish)
    }

    /// What a member's scan of WeLink's own QR element gives its frame: a code that the page takes to
    /// `sns_authorize`, good once (welink-api.md 3.5). Refused when the app is not visible to him or his account is
    /// not open.
    pub fn scan_element(&self, user_id: &str, client_id: &str) -> Result<String, DirectoryError> {
        let now = self.now();
        element::scanned(&mut self.world(), &self.0.entropy, now, user_id, client_id)
    }

    pub(crate) fn ask_element(&self, wish: &oauth::Wish) -> Result<oauth::Next, oauth::Stop> {
        element::ask(&self.world(), wish)
    }

    pub(crate) fn exchange_element(&self, client_id: &str, code: &str) -> Result<String, &'static str> {
        let now = self.now();
        element::exchange(&mut self.world(), &self.0.entropy, now, client_id, code)
    }

    /// A remark that the simulated phone shows beside a member, e.g. that the OA does not know him; `None` removes it.
    pub fn remark(&self, tenant_id: &str, user_id: &str, remark: Option<Text>) {
        let key = (tenant_id.to_owned(), user_id.to_owned());
        let mut world = self.world();
        match remark {
            Some(text) => world.remarks.insert(key, text),
            None => world.remarks.remove(&key),
        };
    }

    pub(crate) fn remark_on(&self, tenant_id: &str, user_id: &str) -> Option<Text> {
        self.world().remarks.get(&(tenant_id.to_owned(), user_id.to_owned())).copied()
    }

    /// Whose simulated PC was looked at last: the login page offers him first.
    pub(crate) fn pc_member(&self) -> Option<(String, String)> {
        self.world().pc_member.clone()
    }

    pub(crate) fn set_pc_member(&self, tenant_id: &str, user_id: &str) {
        self.world().pc_member = Some((tenant_id.to_owned(), user_id.to_owned()));
    }

    /// The newest `max` calls, newest first.
    pub fn recent_calls(&self, max: usize) -> Vec<LogEntry> {
        self.world().log.entries().rev().take(max).cloned().collect()
    }

    /// The whole log, oldest first; at most `Settings::log_entries_max` entries.
    pub fn request_log(&self) -> Vec<LogEntry> {
        self.world().log.entries().cloned().collect()
    }

    /// Calls that reached each interface since the start, refused ones included, by its name (`POST
    /// /api/auth/v2/tickets`).
    pub fn call_counts(&self) -> BTreeMap<&'static str, u64> {
        self.world().log.counts().clone()
    }
}

#[cfg(test)]
mod tests;
