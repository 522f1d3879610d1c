//! The last so many things, by a key.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Forgets what was put in first where there is no more room.
pub(super) struct Recent<K, V> {
    capacity: usize,
    values: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    /// Room for `capacity` values, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), values: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    /// Puts a value in; the one that was there under this key goes.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.values.insert(key.clone(), value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.capacity {
            self.order.pop_front().and_then(|oldest| self.values.remove(&oldest));
        }
    }

    /// All there is, from the oldest.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.order.iter().filter_map(|key| self.values.get_key_value(key))
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.values.remove(key)?;
        self.order.retain(|other| other != key);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let mut recent = Recent::new(2);
        recent.insert(1, 'a');
        recent.insert(2, 'b');
        recent.insert(1, 'c');
        assert_eq!(recent.remove(&2), Some('b'));
        recent.insert(3, 'd');
        recent.insert(4, 'e');
        assert_eq!((recent.get(&1), recent.get(&3), recent.get(&4)), (None, Some(&'d'), Some(&'e')));
    }
}
