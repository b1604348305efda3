//! Codes that open pages show, as the phone's scanner sees them: whoever runs the simulation points the phone at them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Codes that are remembered; the oldest is forgotten first.
const CODES_MAX: usize = 6;

/// What the phone's camera can see; cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Codes(Arc<Mutex<VecDeque<String>>>);

impl Codes {
    /// A page shows this code now.
    pub fn show(&self, text: &str) {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|known| known != text);
        codes.push_front(text.to_owned());
        codes.truncate(CODES_MAX);
    }

    /// The codes, the one shown last first.
    pub fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
