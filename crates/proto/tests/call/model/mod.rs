//! The rules a second time, slow and plain, to be compared with the desk.
//!
//! The model keeps nothing but a list of facts: what took effect, when. Every question (who rings, since when is a device
//! away, when does the call end) is answered by reading that list from its start; what a device is told is written beside
//! the fact that causes it. It shares no code and no shape with the machine: there are no legs, phases or versions here.

mod past;
mod rules;

use proptest::prelude::*;
use tincan_proto::call::{Call, Role, State};

use crate::kit::{call_id, lines, number};
use crate::script::{Reply, Subject, by_device, devices, events, steps};
use past::Past;
use rules::Model;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_desk_does_what_the_slow_model_says(script in steps(80)) {
        let (mut subject, mut model) = (Subject::new(), Model::default());
        for (now, event) in events(&script) {
            let reply = subject.apply(now, &event);
            let told = model.apply(now, &event);
            prop_assert_eq!(readable(&reply), told, "{:?}", event);
            compare(&subject, &model);
        }
    }
}

/// A reply as the model gives it: the refusal's name, or what each device is told, devices in order.
fn readable(reply: &Reply) -> Result<Vec<String>, String> {
    match reply.refusal {
        Some(refusal) => Err(format!("{refusal:?}")),
        None => Ok(by_device(&reply.effects).into_values().flat_map(|effects| lines(&effects)).collect()),
    }
}

fn compare(subject: &Subject, model: &Model) {
    let ended: Vec<_> =
        subject.read().filter_map(|call| Some((number(call.id()), call.end()?.clone()))).collect();
    for (n, end) in ended {
        let past = model.past(n).expect("the model knows every call");
        assert_eq!(past.over(), Some((end.at, end.reason, end.by, end.talk_ms)), "call {n}");
    }
    for past in model.pasts() {
        let call = subject.desk.get(call_id(past.n));
        assert_eq!(call.is_none(), past.over().is_some(), "call {} lives", past.n);
        if let Some(call) = call {
            compare_call(call, past);
        }
    }
    let deadline = model.pasts().filter_map(Past::end_by_time).map(|(at, _)| at).min();
    assert_eq!(subject.desk.deadline(), deadline);
}

fn compare_call(call: &Call, past: &Past) {
    assert_eq!(call.state(), state(past), "call {}", past.n);
    for device in devices() {
        let takes_part = if device == past.caller {
            Some(Role::Caller)
        } else if past.takes_part(&device) {
            Some(Role::Callee)
        } else {
            None
        };
        assert_eq!(call.role(&device), takes_part, "{device} in call {}", past.n);
    }
}

fn state(past: &Past) -> State {
    if past.taken().is_some() {
        let lost = [Some(past.caller.clone()), past.taken().map(|(device, _)| device)].into_iter().flatten();
        return match past.connected_at() {
            None => State::Negotiating,
            Some(_) if lost.into_iter().any(|device| past.lost_since(&device).is_some()) => {
                State::Reconnecting
            }
            Some(_) => State::Connected,
        };
    }
    if past.handed().is_empty() {
        return State::Requested;
    }
    let sounds = past.handed().into_iter().any(|device| past.alerted(&device) || past.silenced(&device));
    if sounds { State::Ringing } else { State::Delivered }
}
