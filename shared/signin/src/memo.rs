//! A bounded memory of values that are dear to make, each valid for one version of what it was made from.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Entries at most; a sandbox that needs more starts over.
const ENTRIES_MAX: usize = 256;

/// Remembers one value per key, for one version.
#[derive(Debug)]
pub(crate) struct Memo<K, V>(Mutex<HashMap<K, (u64, V)>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    pub(crate) fn get(&self, key: &K, version: u64) -> Option<V> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(known, _)| *known == version).map(|(_, value)| value.clone())
    }

    pub(crate) fn put(&self, key: K, version: u64, value: V) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, (version, value));
    }
}
