//! The bus inside one process: a table from subjects to subscribers, called in the publisher's context.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use tokio::sync::oneshot;

use super::{Message, NoResponder, Reply, Subscriber};

/// Power of two. Enough that two cores seldom meet in one.
const SHARDS: usize = 64;

/// The subscribers of a subject, replaced as a whole, so that a publisher takes them along at the price of one count.
type Subscribers = Arc<[(u64, Subscriber)]>;

type Shard = RwLock<HashMap<Box<str>, Subscribers>>;

/// Subjects and their subscribers.
pub struct Local {
    shards: [Shard; SHARDS],
    hasher: RandomState,
    next: AtomicU64,
}

impl Default for Local {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
            hasher: RandomState::new(),
            next: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local")
    }
}

/// Ends the subscription when dropped.
#[must_use]
pub struct Subscription {
    bus: Arc<Local>,
    subject: Box<str>,
    id: u64,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({})", self.subject)
    }
}

impl Local {
    pub(super) fn publish(&self, subject: &str, body: &[u8]) -> usize {
        let Some(subscribers) = self.subscribers(subject) else { return 0 };
        for (_, subscriber) in subscribers.iter() {
            subscriber(Message { body, reply: None });
        }
        subscribers.len()
    }

    pub(super) async fn request(&self, subject: &str, body: &[u8]) -> Result<Vec<u8>, NoResponder> {
        // One process holds all devices of a user, so the first subscriber's answer is everyone's.
        let subscribers = self.subscribers(subject).ok_or(NoResponder)?;
        let (_, first) = subscribers.first().ok_or(NoResponder)?;
        let (sender, answer) = oneshot::channel();
        first(Message { body, reply: Some(Reply(sender)) });
        drop(subscribers);
        answer.await.map_err(|_| NoResponder)
    }

    pub(super) fn subscribe(bus: &Arc<Self>, subject: String, subscriber: Subscriber) -> Subscription {
        let id = bus.next.fetch_add(1, Ordering::Relaxed);
        let subject = subject.into_boxed_str();
        let mut shard = bus.shard(&subject).write();
        let known = shard.get(&subject).into_iter().flat_map(|known| known.iter().cloned());
        let all: Subscribers = known.chain([(id, subscriber)]).collect();
        shard.insert(subject.clone(), all);
        drop(shard);
        Subscription { bus: Arc::clone(bus), subject, id }
    }

    /// Taken along, so that a subscriber may publish and subscribe without meeting the lock.
    fn subscribers(&self, subject: &str) -> Option<Subscribers> {
        self.shard(subject).read().get(subject).cloned()
    }

    fn shard(&self, subject: &str) -> &Shard {
        let hash = usize::try_from(self.hasher.hash_one(subject) % SHARDS as u64).unwrap_or(0);
        &self.shards[hash]
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut shard = self.bus.shard(&self.subject).write();
        let Some(known) = shard.get(&self.subject) else { return };
        let left: Subscribers = known.iter().filter(|(id, _)| *id != self.id).cloned().collect();
        if left.is_empty() {
            shard.remove(&self.subject);
        } else {
            shard.insert(self.subject.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::super::Bus;
    use super::*;

    #[tokio::test]
    async fn a_dropped_subscription_hears_nothing_and_answers_nothing() {
        let (bus, heard) = (Bus::default(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&heard);
        let subscription = bus.subscribe(
            "user.a".into(),
            Arc::new(move |mut message| {
                count.fetch_add(1, Ordering::Relaxed);
                if let Some(reply) = message.take_reply() {
                    reply.send(&"here");
                }
            }),
        );
        assert_eq!(bus.publish("user.a", &1), 1);
        assert_eq!(bus.request::<_, String>("user.a", &1).await, Ok("here".to_owned()));
        drop(subscription);
        assert_eq!(bus.publish("user.a", &1), 0);
        assert_eq!(bus.request::<_, String>("user.a", &1).await, Err(NoResponder));
        assert_eq!(heard.load(Ordering::Relaxed), 2);
    }
}
