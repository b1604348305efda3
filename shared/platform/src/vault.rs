//! Where the master key lives: Secrets Manager on AWS, a 0600 file on one machine, memory in tests.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::OnceCell;

use crate::entropy::Entropy;
use crate::envelope::Sealer;
use crate::secret::Secret;

/// Bytes of a master key: AES-256.
pub const KEY_BYTES: usize = 32;

/// The vault cannot give the master key: nobody is signed in (product.md C28).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error("the vault does not answer: {0}")]
    Unreachable(String),
    #[error("the master key is not {KEY_BYTES} bytes of base64 or hex")]
    BadKey,
}

enum Source {
    SecretsManager { client: Box<aws_sdk_secretsmanager::Client>, secret_id: String },
    Ready,
}

/// Opens the master key once, at the first need, and keeps the sealer that it gives.
#[derive(Clone)]
pub struct Vault {
    source: Arc<Source>,
    sealer: Arc<OnceCell<Sealer>>,
    entropy: Entropy,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    /// The key is the text of a Secrets Manager secret, base64 or hex; it is fetched when the first secret is opened.
    pub fn secrets_manager(client: aws_sdk_secretsmanager::Client, secret_id: String, entropy: Entropy) -> Self {
        let source = Source::SecretsManager { client: Box::new(client), secret_id };
        Self { source: Arc::new(source), sealer: Arc::default(), entropy }
    }

    /// The key is at hand.
    pub fn with_key(key: &Secret<Vec<u8>>, entropy: Entropy) -> Result<Self, VaultError> {
        let sealer = Sealer::new(key, entropy.clone()).map_err(|_| VaultError::BadKey)?;
        Ok(Self { source: Arc::new(Source::Ready), sealer: Arc::new(OnceCell::new_with(Some(sealer))), entropy })
    }

    /// The key is in `path`, readable by its owner alone; the file is created at the first start.
    pub fn file(path: &Path, entropy: Entropy) -> Result<Self, VaultError> {
        let key = if path.exists() { read_key(path)? } else { create_key(path, &entropy)? };
        Self::with_key(&key, entropy)
    }

    pub async fn sealer(&self) -> Result<Sealer, VaultError> {
        self.sealer.get_or_try_init(|| self.open()).await.cloned()
    }

    async fn open(&self) -> Result<Sealer, VaultError> {
        let Source::SecretsManager { client, secret_id } = self.source.as_ref() else {
            return Err(VaultError::BadKey);
        };
        let answer = client.get_secret_value().secret_id(secret_id).send().await;
        let answer = answer.map_err(|e| VaultError::Unreachable(crate::aws::describe(&e)))?;
        let key = decode(answer.secret_string().ok_or(VaultError::BadKey)?)?;
        Sealer::new(&key, self.entropy.clone()).map_err(|_| VaultError::BadKey)
    }
}

/// 32 bytes, as base64 or as 64 hex digits: the vault's own generator can make the latter.
fn decode(text: &str) -> Result<Secret<Vec<u8>>, VaultError> {
    let text = text.trim();
    let bytes = if text.len() == 2 * KEY_BYTES {
        crate::secret::unhex(text).ok_or(VaultError::BadKey)?
    } else {
        STANDARD.decode(text).map_err(|_| VaultError::BadKey)?
    };
    if bytes.len() == KEY_BYTES { Ok(Secret::new(bytes)) } else { Err(VaultError::BadKey) }
}

fn failed(path: &Path, reason: impl fmt::Display) -> VaultError {
    VaultError::File { path: path.display().to_string(), reason: reason.to_string() }
}

fn read_key(path: &Path) -> Result<Secret<Vec<u8>>, VaultError> {
    let mode = std::fs::metadata(path).map_err(|e| failed(path, e))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(failed(path, format!("others may read this key (mode {:o}); run chmod 600 on it", mode & 0o777)));
    }
    decode(&std::fs::read_to_string(path).map_err(|e| failed(path, e))?)
}

fn create_key(path: &Path, entropy: &Entropy) -> Result<Secret<Vec<u8>>, VaultError> {
    let key: [u8; KEY_BYTES] = entropy.bytes();
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = open.map_err(|e| failed(path, e))?;
    file.write_all(STANDARD.encode(key).as_bytes()).and_then(|()| file.sync_all()).map_err(|e| failed(path, e))?;
    Ok(Secret::new(key.to_vec()))
}
