//! Which devices are here. A user with a session here is a subscription on the bus.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use parking_lot::RwLock;
use tincan_proto::id::{Address, UserId};

use super::session::Session;
use crate::bus::{Event, Subscription};

/// That a user is here.
type Here = Subscription<UserId, Event>;

/// Power of two. Enough that two cores seldom meet in one.
const SHARDS: usize = 64;

/// Sessions by user.
pub(super) struct Directory {
    shards: [RwLock<HashMap<UserId, Present>>; SHARDS],
    hasher: RandomState,
}

struct Present {
    sessions: Vec<Arc<Session>>,
    /// Ends with the last session.
    _here: Here,
}

impl Default for Directory {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::default()), hasher: RandomState::new() }
    }
}

impl Directory {
    /// The session of a device.
    pub(super) fn get(&self, address: &Address) -> Option<Arc<Session>> {
        let shard = self.shard(&address.user).read();
        let sessions = &shard.get(&address.user)?.sessions;
        sessions.iter().find(|session| session.address.device == address.device).cloned()
    }

    /// The sessions of a user.
    pub(super) fn of_user(&self, user: &UserId) -> Vec<Arc<Session>> {
        self.shard(user).read().get(user).map(|present| present.sessions.clone()).unwrap_or_default()
    }

    /// Puts a session in its device's place; `subscribe` runs if the user was not here. Returns the session it replaces.
    pub(super) fn put(
        &self,
        session: Arc<Session>,
        subscribe: impl FnOnce(&UserId) -> Here,
    ) -> Option<Arc<Session>> {
        let user = session.address.user.clone();
        let mut shard = self.shard(&user).write();
        session.set_current(true);
        let Some(present) = shard.get_mut(&user) else {
            let here = subscribe(&user);
            shard.insert(user, Present { sessions: vec![session], _here: here });
            return None;
        };
        let same = present.sessions.iter_mut().find(|old| old.address == session.address);
        match same {
            Some(old) => {
                old.set_current(false);
                Some(std::mem::replace(old, session))
            }
            None => {
                present.sessions.push(session);
                None
            }
        }
    }

    /// Takes a session out, if it is still its device's.
    pub(super) fn remove(&self, session: &Arc<Session>) -> bool {
        let mut shard = self.shard(&session.address.user).write();
        let Some(present) = shard.get_mut(&session.address.user) else { return false };
        let before = present.sessions.len();
        present.sessions.retain(|other| !Arc::ptr_eq(other, session));
        let removed = present.sessions.len() < before;
        session.set_current(false);
        if present.sessions.is_empty() {
            shard.remove(&session.address.user);
        }
        removed
    }

    /// All sessions, in no order.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        let of_shard = |shard: &RwLock<HashMap<UserId, Present>>| {
            shard.read().values().flat_map(|present| present.sessions.clone()).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(of_shard).collect()
    }

    fn shard(&self, user: &UserId) -> &RwLock<HashMap<UserId, Present>> {
        let hash = usize::try_from(self.hasher.hash_one(user) % SHARDS as u64).unwrap_or(0);
        &self.shards[hash]
    }
}
