//! Passwords of accounts as Argon2id keeps them: a PHC string, with OWASP's parameters (19 MiB, 2 passes, 1 lane).
//!
//! Computed in place, without a thread of its own: a sandbox serves one request at a time, and the local bridge has
//! other workers.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::problem;
use platform::secret::Secret;
use signin::{Bridge, Refusal};

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// The hash of no password: what is compared where there is no account, so that it takes as long as where there is one.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn hasher() -> Result<Argon2<'static>, Refusal> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.map_err(|error| Refusal::because(problem::UNAVAILABLE, error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a new password.
pub fn hash(bridge: &Bridge, password: &str) -> Result<Secret<String>, Refusal> {
    let salt = bridge.entropy().bytes::<SALT_BYTES>();
    let hash = hasher()?.hash_password_with_salt(password.as_bytes(), &salt);
    let hash = hash.map_err(|error| Refusal::because(problem::UNAVAILABLE, error))?;
    Ok(Secret::new(hash.to_string()))
}

/// Whether the password is the one that was hashed; without a hash it never is, and takes as long.
pub fn fits(kept: Option<&Secret<String>>, password: &str) -> Result<bool, Refusal> {
    let text = kept.map_or(NOBODYS, |kept| kept.expose());
    let hash = PasswordHash::new(text).map_err(|error| Refusal::because(problem::UNAVAILABLE, error))?;
    let same = hasher()?.verify_password(password.as_bytes(), &hash).is_ok();
    Ok(same && kept.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_hash_costs_what_a_real_one_costs_and_fits_nothing() {
        let real = hasher().ok().and_then(|h| h.hash_password_with_salt(b"twelve chars", &[7; SALT_BYTES]).ok());
        let real = Secret::new(real.map(|hash| hash.to_string()).unwrap_or_default());
        let cost = |text: &str| text.rsplitn(3, '$').nth(2).map(str::to_owned);
        assert_eq!(cost(real.expose()), cost(NOBODYS));
        assert_eq!(real.expose().len(), NOBODYS.len());
        assert_eq!(fits(Some(&real), "twelve chars").ok(), Some(true));
        assert_eq!(fits(Some(&real), "twelve Chars").ok(), Some(false));
        assert_eq!(fits(None, "twelve chars").ok(), Some(false));
    }
}
