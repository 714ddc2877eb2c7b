//! A topic inside one process: a table from subjects to subscribers, called in the publisher's context.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use tokio::sync::oneshot;

/// Power of two. Enough that two cores seldom meet in one.
const SHARDS: usize = 64;

/// What is said on a topic.
pub trait Said {
    /// What a request is answered with.
    type Answer: Send;
}

/// Nobody answered a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("nobody answered on the bus")]
pub struct NoResponder;

/// Where the answer to a request goes.
#[derive(Debug)]
pub struct Reply<A>(oneshot::Sender<A>);

impl<A> Reply<A> {
    /// Answers. It does not matter if nobody waits any more.
    pub fn send(self, answer: A) {
        let _ = self.0.send(answer);
    }
}

/// What runs for each message, in the publisher's context: it must be quick and must not block. There is a reply if the
/// message is a request.
pub(super) type Subscriber<M> = Arc<dyn Fn(&M, Option<Reply<<M as Said>::Answer>>) + Send + Sync>;

/// The subscribers of a subject, replaced as a whole, so that a publisher takes them along at the price of one count.
type Subscribers<M> = Arc<[(u64, Subscriber<M>)]>;

/// Subjects and their subscribers. Cheap to clone.
pub struct Topic<S, M: Said>(Arc<Table<S, M>>);

struct Table<S, M: Said> {
    shards: [RwLock<HashMap<S, Subscribers<M>>>; SHARDS],
    hasher: RandomState,
    next: AtomicU64,
}

impl<S, M: Said> Clone for Topic<S, M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, M: Said> Default for Topic<S, M> {
    fn default() -> Self {
        let shards = std::array::from_fn(|_| RwLock::default());
        Self(Arc::new(Table { shards, hasher: RandomState::new(), next: AtomicU64::new(0) }))
    }
}

impl<S, M: Said> fmt::Debug for Topic<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Topic")
    }
}

/// Ends the subscription when dropped.
#[must_use]
pub struct Subscription<S: Eq + Hash, M: Said> {
    topic: Topic<S, M>,
    subject: S,
    id: u64,
}

impl<S: Eq + Hash, M: Said> fmt::Debug for Subscription<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}

impl<S: Clone + Eq + Hash, M: Said> Topic<S, M> {
    /// Tells all subscribers of `subject`. Returns how many there were.
    pub fn publish(&self, subject: &S, said: &M) -> usize {
        let Some(subscribers) = self.0.subscribers(subject) else { return 0 };
        for (_, subscriber) in subscribers.iter() {
            subscriber(said, None);
        }
        subscribers.len()
    }

    /// Asks the subscribers of `subject`.
    ///
    /// # Errors
    /// [`NoResponder`] at once if there is no subscriber, or when it dropped the request.
    pub async fn request(&self, subject: &S, said: &M) -> Result<M::Answer, NoResponder> {
        let (sender, answer) = oneshot::channel();
        {
            // One process holds all devices of a user, so the first subscriber's answer is everyone's.
            let subscribers = self.0.subscribers(subject).ok_or(NoResponder)?;
            let (_, first) = subscribers.first().ok_or(NoResponder)?;
            first(said, Some(Reply(sender)));
        }
        answer.await.map_err(|_| NoResponder)
    }

    /// Calls `subscriber` for each message to `subject`, until the subscription is dropped.
    pub fn subscribe(&self, subject: S, subscriber: Subscriber<M>) -> Subscription<S, M> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut shard = self.0.shard(&subject).write();
        let known = shard.get(&subject).into_iter().flat_map(|known| known.iter().cloned());
        let all: Subscribers<M> = known.chain([(id, subscriber)]).collect();
        shard.insert(subject.clone(), all);
        drop(shard);
        Subscription { topic: self.clone(), subject, id }
    }
}

impl<S: Eq + Hash, M: Said> Table<S, M> {
    /// Taken along, so that a subscriber may publish and subscribe without meeting the lock.
    fn subscribers(&self, subject: &S) -> Option<Subscribers<M>> {
        self.shard(subject).read().get(subject).cloned()
    }

    fn shard(&self, subject: &S) -> &RwLock<HashMap<S, Subscribers<M>>> {
        let hash = usize::try_from(self.hasher.hash_one(subject) % SHARDS as u64).unwrap_or(0);
        &self.shards[hash]
    }
}

impl<S: Eq + Hash, M: Said> Drop for Subscription<S, M> {
    fn drop(&mut self) {
        let mut shard = self.topic.0.shard(&self.subject).write();
        let Some(known) = shard.get_mut(&self.subject) else { return };
        let left: Subscribers<M> = known.iter().filter(|(id, _)| *id != self.id).cloned().collect();
        if left.is_empty() {
            shard.remove(&self.subject);
        } else {
            *known = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    struct Question;

    impl Said for Question {
        type Answer = &'static str;
    }

    #[tokio::test]
    async fn a_dropped_subscription_hears_nothing_and_answers_nothing() {
        let (topic, heard) = (Topic::<&str, Question>::default(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&heard);
        let subscription = topic.subscribe(
            "a",
            Arc::new(move |_: &Question, reply| {
                count.fetch_add(1, Ordering::Relaxed);
                if let Some(reply) = reply {
                    reply.send("here");
                }
            }),
        );
        assert_eq!(topic.publish(&"a", &Question), 1);
        assert_eq!(topic.request(&"a", &Question).await, Ok("here"));
        drop(subscription);
        assert_eq!(topic.publish(&"a", &Question), 0);
        assert_eq!(topic.request(&"a", &Question).await, Err(NoResponder));
        assert_eq!(heard.load(Ordering::Relaxed), 2);
    }
}
