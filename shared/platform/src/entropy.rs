//! Where randomness comes from: the operating system, or a seed that a simulation replays.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::ALPHABET;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use ring::rand::{SecureRandom, SystemRandom};

#[derive(Clone)]
enum Source {
    System(SystemRandom),
    Seeded(Arc<Mutex<ChaCha20Rng>>),
}

/// A source of random bytes; cloning shares it.
#[derive(Clone)]
pub struct Entropy(Source);

impl Entropy {
    pub fn system() -> Self {
        Self(Source::System(SystemRandom::new()))
    }

    /// The same seed gives the same bytes in the same order. For simulations only.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))))
    }

    pub fn fill(&self, out: &mut [u8]) {
        match &self.0 {
            // Without randomness no id may be handed out: stopping is the only safe answer, and it cannot happen on a
            // kernel that has booted (getrandom blocks once, then never fails).
            Source::System(rng) => {
                if rng.fill(out).is_err() {
                    std::process::abort();
                }
            }
            Source::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(out),
        }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// `chars` characters of five random bits each, from [`ALPHABET`].
    pub fn token(&self, chars: usize) -> String {
        let mut raw = vec![0; chars];
        self.fill(&mut raw);
        raw.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect()
    }

    /// `n` random bytes in lower-case hex.
    pub fn hex(&self, n: usize) -> String {
        let mut raw = vec![0; n];
        self.fill(&mut raw);
        crate::secret::hex(&raw)
    }

    /// A number in `0..bound`; `0` when `bound` is 0. The bias of the remainder is below 2^-32 and used for jitter and
    /// simulations only, never for ids.
    pub fn below(&self, bound: u32) -> u32 {
        if bound == 0 {
            return 0;
        }
        let wide = u64::from_le_bytes(self.bytes::<8>());
        u32::try_from(wide % u64::from(bound)).unwrap_or(0)
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System(_) => "Entropy(system)",
            Source::Seeded(_) => "Entropy(seeded)",
        })
    }
}
