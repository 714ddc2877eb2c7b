//! How good calls are: takes the reports of their legs, and keeps what they come to.
//!
//! ```text
//! bus: news    --> accepted: two legs to hear of      ended: [`LATE`] more to hear the last of it, then done
//! bus: quality --> a leg's report: added up
//! ```
//!
//! Not here: what a report says (`tincan_proto::quality`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tincan_proto::id::{Address, CallId};
use tincan_proto::quality::Summary;
use tincan_proto::wire::ErrorCode;

use crate::bus::{Bus, Event, News, Refused, Reply, Reported, Subscription};

/// How long the legs of a call that is over may still report.
const LATE: Duration = Duration::from_secs(30);

/// The calls of which reports are taken.
#[derive(Debug)]
pub(super) struct Quality {
    _news: Subscription<(), News>,
    _reports: Subscription<(), Reported>,
}

/// One call: its caller and its callee, and what each reported.
#[derive(Debug)]
struct Call {
    legs: [(Address, Summary); 2],
}

type Calls = Arc<Mutex<HashMap<CallId, Call>>>;

impl Quality {
    /// Starts to listen.
    pub(super) fn start(bus: &Bus) -> Self {
        let calls = Calls::default();
        Self { _news: follow(bus, Arc::clone(&calls)), _reports: take(bus, calls) }
    }
}

/// Follows which calls there are.
fn follow(bus: &Bus, calls: Calls) -> Subscription<(), News> {
    let runtime = tokio::runtime::Handle::current();
    let hear = move |news: &News, _: Option<Reply<()>>| match news {
        News::Accepted { call, caller, callee } => {
            let legs = [caller, callee].map(|leg| (leg.clone(), Summary::default()));
            calls.lock().insert(*call, Call { legs });
        }
        News::Ended { call, .. } if calls.lock().contains_key(call) => {
            let (call, calls) = (*call, Arc::clone(&calls));
            runtime.spawn(async move {
                tokio::time::sleep(LATE).await;
                calls.lock().remove(&call);
            });
        }
        // Nobody accepted it.
        News::Ended { .. } => {}
    };
    bus.news.subscribe((), Arc::new(hear))
}

/// Takes reports; one of somebody else's call is refused as one of a call that never was.
fn take(bus: &Bus, calls: Calls) -> Subscription<(), Reported> {
    let users = bus.users.clone();
    let hear = move |reported: &Reported, _: Option<Reply<()>>| {
        let taken = calls.lock().get_mut(&reported.call).is_some_and(|call| call.add(reported));
        if !taken {
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

impl Call {
    /// Adds a report, if it is of one of the legs.
    fn add(&mut self, reported: &Reported) -> bool {
        let leg = self.legs.iter_mut().find(|(leg, _)| *leg == reported.from);
        leg.map(|(_, summary)| summary.add(&reported.report)).is_some()
    }
}
