//! A bridge from the process environment: how a Lambda bootstrap begins.

use platform::aws;
use platform::clock::Clock;
use platform::config::Config;
use platform::entropy::Entropy;
use platform::transport::{Transport, WayOut};
use platform::vault::Vault;
use state::Store;

use crate::bridge::{Bridge, Parts};

/// Why a function does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] platform::config::ConfigError),
    #[error(transparent)]
    WeLinkBase(#[from] welink::BadBase),
    #[error("BRIDGE_VAULT_SECRET is not set: Id of the Secrets Manager secret that holds the master key")]
    NoVault,
}

/// Builds all clients once. None of them connects yet, and the trust stores are read at the first request that needs
/// them.
pub fn from_env() -> Result<Bridge, StartError> {
    let config = Config::from_env()?;
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let table = config.dynamodb_endpoint.as_deref();
    let dynamodb = aws::dynamodb(&aws::sdk_config(aws::http_client(table), &clock), table);
    let store = Store::new(dynamodb, &config.table, clock.clone(), entropy.clone(), config.config_cache_s);
    let endpoint = config.vault_endpoint.as_deref();
    let secret = config.vault_secret.clone().ok_or(StartError::NoVault)?;
    let secrets = aws::secrets_manager(&aws::sdk_config(aws::http_client(endpoint), &clock), endpoint);
    let vault = Vault::secrets_manager(secrets, secret, entropy.clone());
    let way = WayOut { proxy: config.proxy.clone(), ..WayOut::default() };
    let welink = Transport::by_way_of(way.clone());
    let oa = Transport::by_way_of(WayOut { extra_roots_pem: config.extra_roots_pem.clone(), ..way });
    Ok(Bridge::new(Parts { config, store, vault, welink, oa, clock, entropy })?)
}
