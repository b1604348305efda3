//! Every setting of a function, read from the environment once, at the start. An unknown or bad value stops the start
//! with a message that names the key.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

/// One key as it is documented: name, unit, default and danger.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    /// The default as text; `None` = the key must be set.
    pub default: Option<&'static str>,
    pub doc: &'static str,
}

macro_rules! keys {
    ($($const:ident $name:literal $default:expr, $doc:literal;)*) => {
        $(const $const: Key = Key { name: $name, default: $default, doc: $doc };)*
        /// All keys, for `bridge config` and the documentation.
        pub const KEYS: &[Key] = &[$($const),*];
    };
}

keys! {
    TABLE "BRIDGE_TABLE" None, "Name of the DynamoDB table.";
    ORIGIN "BRIDGE_ORIGIN" None, "Public address of the employees' pages, e.g. https://bridge.example. It is \
        the issuer of tickets: changing it makes OAs refuse them until they are told.";
    CONSOLE "BRIDGE_CONSOLE_ORIGIN" None, "Public address of the console and its API; another host name than \
        BRIDGE_ORIGIN.";
    DYNAMODB "BRIDGE_DYNAMODB_ENDPOINT" Some(""), "Address of the table's server; empty = AWS.";
    VAULT "BRIDGE_VAULT_SECRET" Some(""), "Id of the Secrets Manager secret that holds the master key (32 \
        bytes, base64 or hex). Losing it loses every stored secret.";
    VAULT_ENDPOINT "BRIDGE_VAULT_ENDPOINT" Some(""), "Address of the vault's server; empty = AWS.";
    WELINK "BRIDGE_WELINK_BASE" Some("https://open.welink.huaweicloud.com"), "Base address of WeLink's server \
        API (welink-api.md 1).";
    LOGIN "BRIDGE_WELINK_LOGIN_BASE" Some("https://login.welink.huaweicloud.com"), "Address of WeLink's own \
        sign-in page, where a browser outside WeLink is sent (welink-api.md 3.4).";
    SCRIPT "BRIDGE_WELINK_SCRIPT" Some("https://open-doc.welink.huaweicloud.com/docs/jsapi/2.0.9/hwh5-cloudonline.js"),
        "WeLink's page script, loaded by the opening page alone (welink-api.md 3.1).";
    PER_SECOND "BRIDGE_WELINK_CALLS_PER_SECOND" Some("30"), "Calls per second, client_id and interface; WeLink \
        refuses above 40.";
    PER_MINUTE "BRIDGE_WELINK_CALLS_PER_MINUTE" Some("1200"), "Calls per minute, client_id and interface; \
        WeLink refuses above 1,500.";
    PER_ADDRESS "BRIDGE_WELINK_CALLS_PER_ADDRESS" Some("2400"), "Calls per 20 seconds from one egress address; \
        WeLink refuses above 3,000.";
    EGRESS "BRIDGE_EGRESS_NAME" Some("default"), "Names the egress address whose budget is shared; give each \
        NAT address its own name.";
    OPERATOR "BRIDGE_OPERATOR_KEY_SHA256" Some(""), "SHA-256 of the operator key, hex; whoever has the key may \
        change everything. Empty = the administrator's API refuses everybody.";
    SETUP "BRIDGE_SETUP_KEY_SHA256" Some(""), "SHA-256 of a setup key, hex: with the key the first account is made, \
        once, within 60 minutes of the first request. Empty = only `bridge setup-key` makes one.";
    CONFIG_CACHE "BRIDGE_CONFIG_CACHE_SECONDS" Some("30"), "How long a sandbox keeps a tenant's settings, 0 to \
        30 seconds: switching an app off takes effect within it.";
    EXTRA_ROOTS "BRIDGE_EXTRA_ROOTS_PEM" Some(""), "Additional certificate authorities (PEM), for an OA with an \
        internal one.";
    PROXY "BRIDGE_PROXY" Some(""), "Forward proxy for all calls to WeLink and the OAs, http://host:port without a \
        password; empty = none, and no other proxy setting of the machine counts. A wrong one stops every sign-in.";
    SYNC_QUEUE "BRIDGE_SYNC_QUEUE" Some(""), "Address of the queue that runs of a sync are handed over by; empty = \
        they begin and go on with the next tick, once a minute.";
    EVENTS_QUEUE "BRIDGE_EVENTS_QUEUE" Some(""), "Address of the queue that events of the OAs and hints of WeLink go \
        to; empty = none is taken.";
    SQS "BRIDGE_SQS_ENDPOINT" Some(""), "Address of the queues' server; empty = AWS.";
    CHECK_STEP "BRIDGE_CHECK_STEP_MS" Some("5000"), "How long each step of a network check may take, 100 to 5000 \
        milliseconds.";
}

/// The typed settings.
#[derive(Debug, Clone)]
pub struct Config {
    pub table: String,
    pub origin: Origin,
    pub console_origin: Origin,
    pub dynamodb_endpoint: Option<String>,
    pub vault_secret: Option<String>,
    pub vault_endpoint: Option<String>,
    /// Absolute address without a trailing slash.
    pub welink_base: String,
    pub welink_login_base: String,
    pub welink_script: String,
    pub calls_per_second: u32,
    pub calls_per_minute: u32,
    pub calls_per_address: u32,
    pub egress_name: String,
    pub operator_key_sha256: String,
    pub setup_key_sha256: String,
    pub config_cache_s: i64,
    pub extra_roots_pem: Option<String>,
    /// `http://host:port` without a trailing slash.
    pub proxy: Option<String>,
    pub check_step_ms: u32,
    pub sync_queue: Option<String>,
    pub events_queue: Option<String>,
    pub sqs_endpoint: Option<String>,
}

/// A web origin without a trailing slash: `https://bridge.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// https, or plain http on a loopback name for the local bridge.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|e| format!("not an address: {e}"))?;
        let host = url.host_str().unwrap_or_default();
        let local = host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1";
        let secure = url.scheme() == "https" || (url.scheme() == "http" && local);
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !secure || !bare || host.is_empty() {
            return Err("must be https://host, without a path".to_owned());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host as a `Host` header names it.
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All complaints at once, each naming its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

struct Reader {
    values: BTreeMap<String, String>,
    complaints: Vec<String>,
}

impl Reader {
    fn text(&mut self, key: Key) -> String {
        match (self.values.get(key.name), key.default) {
            (Some(value), _) => value.trim().to_owned(),
            (None, Some(default)) => default.to_owned(),
            (None, None) => {
                self.complaints.push(format!("{} is not set: {}", key.name, key.doc));
                String::new()
            }
        }
    }

    fn optional(&mut self, key: Key) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    fn parsed<T, E: fmt::Display>(&mut self, key: Key, fallback: T, parse: impl Fn(&str) -> Result<T, E>) -> T {
        let text = self.text(key);
        if text.is_empty() && key.default.is_none() {
            return fallback;
        }
        parse(&text).unwrap_or_else(|why| {
            self.complaints.push(format!("{} = {text:?}: {why}", key.name));
            fallback
        })
    }

    /// The value is not repeated in the complaint: somebody may have put a password in.
    fn proxy(&mut self, key: Key) -> Option<String> {
        let text = self.optional(key)?;
        let checked = Url::parse(&text).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none();
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            url.scheme() == "http" && url.host_str().is_some() && plain && bare
        });
        if checked.is_none() {
            self.complaints.push(format!("{}: must be http://host:port, without user and password", key.name));
        }
        checked.map(|url| url.as_str().trim_end_matches('/').to_owned())
    }

    fn number(&mut self, key: Key, range: std::ops::RangeInclusive<u32>) -> u32 {
        self.parsed(key, 0, |text| match text.parse::<u32>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(format!("must be a number from {} to {}", range.start(), range.end())),
        })
    }
}

impl Config {
    /// Reads the `BRIDGE_` variables among `vars`; others are not ours.
    pub fn read(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let values: BTreeMap<_, _> = vars.into_iter().filter(|(name, _)| name.starts_with("BRIDGE_")).collect();
        let unknown = values.keys().filter(|name| KEYS.iter().all(|key| key.name != name.as_str()));
        let complaints = unknown.map(|name| format!("{name} is not a setting of the bridge")).collect();
        let mut reader = Reader { values, complaints };
        let config = Self::from_reader(&mut reader);
        let same_host = config.origin == config.console_origin && !config.origin.0.is_empty();
        if same_host {
            reader.complaints.push(format!("{} must differ from {}", CONSOLE.name, ORIGIN.name));
        }
        if reader.complaints.is_empty() { Ok(config) } else { Err(ConfigError(reader.complaints)) }
    }

    /// Reads the process environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(std::env::vars())
    }

    fn from_reader(r: &mut Reader) -> Self {
        let nowhere = || Origin(String::new());
        Self {
            table: r.text(TABLE),
            origin: r.parsed(ORIGIN, nowhere(), Origin::parse),
            console_origin: r.parsed(CONSOLE, nowhere(), Origin::parse),
            dynamodb_endpoint: r.optional(DYNAMODB),
            vault_secret: r.optional(VAULT),
            vault_endpoint: r.optional(VAULT_ENDPOINT),
            welink_base: r.parsed(WELINK, String::new(), address),
            welink_login_base: r.parsed(LOGIN, String::new(), address),
            welink_script: r.parsed(SCRIPT, String::new(), address),
            calls_per_second: r.number(PER_SECOND, 1..=100_000),
            calls_per_minute: r.number(PER_MINUTE, 1..=6_000_000),
            calls_per_address: r.number(PER_ADDRESS, 1..=2_000_000),
            egress_name: r.text(EGRESS),
            operator_key_sha256: r.parsed(OPERATOR, String::new(), sha256_text),
            setup_key_sha256: r.parsed(SETUP, String::new(), sha256_text),
            config_cache_s: i64::from(r.number(CONFIG_CACHE, 0..=30)),
            extra_roots_pem: r.optional(EXTRA_ROOTS),
            proxy: r.proxy(PROXY),
            check_step_ms: r.number(CHECK_STEP, 100..=5_000),
            sync_queue: r.optional(SYNC_QUEUE),
            events_queue: r.optional(EVENTS_QUEUE),
            sqs_endpoint: r.optional(SQS),
        }
    }
}

fn address(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|e| format!("not an address: {e}"))?;
    match (url.scheme(), url.host_str()) {
        ("https" | "http", Some(_)) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("must be an http or https address".to_owned()),
    }
}

fn sha256_text(text: &str) -> Result<String, String> {
    let hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if text.is_empty() || hex { Ok(text.to_ascii_lowercase()) } else { Err("must be 64 hex digits".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    const GOOD: [(&str, &str); 3] = [
        ("BRIDGE_TABLE", "bridge"),
        ("BRIDGE_ORIGIN", "https://bridge.example/"),
        ("BRIDGE_CONSOLE_ORIGIN", "https://console.example"),
    ];

    #[test]
    fn defaults_are_those_of_the_documents() {
        let config = read(&GOOD).unwrap();
        assert_eq!(config.origin.as_str(), "https://bridge.example");
        assert_eq!(config.origin.authority(), "bridge.example");
        assert_eq!((config.calls_per_second, config.calls_per_minute), (30, 1200));
        assert_eq!(config.welink_base, "https://open.welink.huaweicloud.com");
    }

    #[test]
    fn every_complaint_names_its_key() {
        let mut pairs = GOOD.to_vec();
        pairs.extend([("BRIDGE_TABEL", "x"), ("BRIDGE_WELINK_CALLS_PER_SECOND", "many"), ("PATH", "/bin")]);
        pairs[2].1 = "http://console.example";
        let complaints = read(&pairs).unwrap_err().0;
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        for key in ["BRIDGE_TABEL", "BRIDGE_WELINK_CALLS_PER_SECOND", "BRIDGE_CONSOLE_ORIGIN"] {
            assert!(complaints.iter().any(|c| c.starts_with(key)), "{key}");
        }
        assert!(read(&[]).unwrap_err().to_string().contains("BRIDGE_TABLE is not set"));
    }

    #[test]
    fn a_proxy_is_taken_without_a_password_which_no_complaint_repeats() {
        let with = |proxy| read(&[GOOD.as_slice(), &[("BRIDGE_PROXY", proxy)]].concat());
        assert_eq!(with("http://proxy.example:3128/").unwrap().proxy.as_deref(), Some("http://proxy.example:3128"));
        assert_eq!(with("").unwrap().proxy, None);
        for bad in ["proxy.example:3128", "https://proxy.example", "http://me:hunter2@proxy.example", "http://p/x"] {
            let told = with(bad).unwrap_err().to_string();
            assert!(told.starts_with("BRIDGE_PROXY") && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn the_console_has_a_host_of_its_own() {
        let mut pairs = GOOD.to_vec();
        pairs[2].1 = "https://bridge.example";
        assert!(read(&pairs).is_err());
    }
}
