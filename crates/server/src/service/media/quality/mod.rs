//! How good calls are: takes the reports of their legs, adds them up, and keeps what they come to.
//!
//! ```text
//! bus: news    --> accepted: two legs to hear of      ended: [`LATE`] more to hear the last of it --\
//! bus: quality --> a leg's report: added up                                                          }--> store, metrics
//!                                           both legs have said their last: once a second ----------/
//! ```
//!
//! Never on a call's path: what is due is stored by a task of its own, all of a second at once. What cannot be stored is
//! logged and lost, and so are the sums of a server that is killed.
//!
//! Not here: what a report says (`tincan_proto::quality`), who may read it (`http::operator`).

mod calls;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tincan_proto::time::Millis;
use tincan_proto::wire::ErrorCode;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::bus::{Bus, Event, News, Refused, Reply, Reported, Subscription};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::{LegQuality, Store, StoreError};
use calls::Calls;

pub use calls::{Live, LiveCall, LiveLeg};

/// How long the legs of a call that is over may still report.
pub(super) const LATE: Duration = Duration::from_secs(30);

/// How often what is due is stored.
const EVERY: Duration = Duration::from_secs(1);

/// The calls of which reports are taken.
#[derive(Debug)]
pub(super) struct Quality {
    known: Known,
    news: Subscription<(), News>,
    reports: Subscription<(), Reported>,
    stop: oneshot::Sender<()>,
    keeper: JoinHandle<()>,
}

/// The calls of which reports are taken, for those who look at them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Known(Arc<Mutex<Calls>>);

impl Known {
    /// The calls that are live, the worst first, at most `most` of them.
    #[must_use]
    pub fn live(&self, most: usize) -> Live {
        self.0.lock().live(most)
    }
}

impl Quality {
    /// Takes up the sums of live calls and starts to listen. `late` is how long a call that is over may be reported of.
    ///
    /// # Errors
    /// [`StoreError`] if the sums cannot be read.
    pub(super) async fn start(
        bus: &Bus,
        clock: Clock,
        store: Store,
        metrics: Metrics,
        late: Duration,
    ) -> Result<Self, StoreError> {
        let kept = store.quality_of_live_calls().await?;
        let known = Known(Arc::new(Mutex::new(Calls::new(late, kept))));
        let (stop, stopped) = oneshot::channel();
        let keeper = Keeper { known: known.clone(), clock, store, metrics };
        Ok(Self {
            news: follow(bus, clock, known.clone()),
            reports: take(bus, clock, known.clone()),
            keeper: tokio::spawn(keeper.run(stopped)),
            known,
            stop,
        })
    }

    pub(super) const fn known(&self) -> &Known {
        &self.known
    }

    /// Takes no more reports, and stores what was reported.
    pub(super) async fn stop(self) {
        drop((self.news, self.reports, self.stop));
        let _ = self.keeper.await;
    }
}

/// Follows which calls there are.
fn follow(bus: &Bus, clock: Clock, known: Known) -> Subscription<(), News> {
    let hear = move |news: &News, _: Option<Reply<()>>| match news {
        News::Accepted { call, caller, callee, at } => {
            known.0.lock().accepted(*call, *at, [caller.clone(), callee.clone()]);
        }
        News::Ended { call, .. } => known.0.lock().ended(clock.now(), *call),
    };
    bus.news.subscribe((), Arc::new(hear))
}

/// Takes reports; one of somebody else's call is refused as one of a call that never was.
fn take(bus: &Bus, clock: Clock, known: Known) -> Subscription<(), Reported> {
    let users = bus.users.clone();
    let hear = move |reported: &Reported, _: Option<Reply<()>>| {
        if !known.0.lock().reported(clock.now(), reported) {
            let refused = Refused {
                to: reported.from.clone(),
                call: reported.call,
                re: reported.re.clone(),
                request: false,
                code: ErrorCode::NoSuchCall,
                message: "no live call of this device has that id".into(),
            };
            users.publish(&reported.from.user, &Event::Refused(refused));
        }
    };
    bus.quality.subscribe((), Arc::new(hear))
}

/// Stores what is due.
struct Keeper {
    known: Known,
    clock: Clock,
    store: Store,
    metrics: Metrics,
}

impl Keeper {
    async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.keep(|calls, now| calls.due(now)).await,
                _ = &mut stopped => return self.keep(|calls, _| calls.rest()).await,
            }
        }
    }

    async fn keep(&self, choose: impl FnOnce(&mut Calls, Millis) -> calls::Due) {
        let calls::Due { sums, over } = choose(&mut self.known.0.lock(), self.clock.now());
        for report in &over {
            self.metrics.leg_is_over(report);
        }
        if !sums.is_empty() {
            self.save(&sums).await;
        }
    }

    async fn save(&self, sums: &[LegQuality]) {
        if let Err(error) = self.store.save_quality(sums).await {
            self.metrics.unstored(sums.len());
            tracing::error!(%error, legs = sums.len(), "the quality of calls could not be stored, and is lost");
        }
    }
}
