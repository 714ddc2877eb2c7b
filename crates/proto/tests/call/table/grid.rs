//! The whole table: in each state, each input from each device.
//!
//! A cell says what becomes of the call: `-` nothing at all, `same` a change that leaves the state, a state, an end
//! reason, or `!` and a refusal. Who is told follows from the cell alone, so that is checked for each cell, too.
//!
//! The columns: alice/web calls; of bob's devices phone accepts where someone does, laptop has the request, tablet was
//! silenced from `ringing` on, and watch was never rung; alice/pad and carol/web have no part.

use tincan_proto::call::{Act, Call, Effects, EndReason, Input, Limits, State};
use tincan_proto::time::Millis;

use crate::kit::{BUSY, CONNECTED, HANG_UP, LOST, REJECT, SILENCE, T0, call_id, dev, lines, secs, user};

const COLUMNS: [&str; 7] =
    ["alice/web", "bob/phone", "bob/laptop", "bob/tablet", "bob/watch", "alice/pad", "carol/web"];

const GRID: &str = "
ringing         web            phone          laptop            tablet            watch             pad            carol
requested       !bad_state     !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call
delivered       !bad_state     ringing        ringing           ringing           !no_such_call     !no_such_call  !no_such_call
ringing         !bad_state     -              same              -                 !no_such_call     !no_such_call  !no_such_call
negotiating     !bad_state     -              -                 -                 -                 !no_such_call  !no_such_call
connected       !bad_state     -              -                 -                 -                 !no_such_call  !no_such_call
reconnecting    !bad_state     -              -                 -                 -                 !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

accept          web            phone          laptop            tablet            watch             pad            carol
requested       !bad_state     negotiating    negotiating       negotiating       negotiating       !no_such_call  !no_such_call
delivered       !bad_state     negotiating    negotiating       negotiating       negotiating       !no_such_call  !no_such_call
ringing         !bad_state     negotiating    negotiating       negotiating       negotiating       !no_such_call  !no_such_call
negotiating     !bad_state     -              !already_answered !already_answered !already_answered !no_such_call  !no_such_call
connected       !bad_state     -              !already_answered !already_answered !already_answered !no_such_call  !no_such_call
reconnecting    !bad_state     -              !already_answered !already_answered !already_answered !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

reject          web            phone          laptop            tablet            watch             pad            carol
requested       !bad_state     declined       declined          declined          declined          !no_such_call  !no_such_call
delivered       !bad_state     declined       declined          declined          declined          !no_such_call  !no_such_call
ringing         !bad_state     declined       declined          declined          declined          !no_such_call  !no_such_call
negotiating     !bad_state     hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
connected       !bad_state     hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
reconnecting    !bad_state     hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

busy            web            phone          laptop            tablet            watch             pad            carol
requested       !bad_state     busy           busy              busy              busy              !no_such_call  !no_such_call
delivered       !bad_state     busy           busy              busy              busy              !no_such_call  !no_such_call
ringing         !bad_state     busy           busy              busy              busy              !no_such_call  !no_such_call
negotiating     !bad_state     hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
connected       !bad_state     hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
reconnecting    !bad_state     hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

silence         web            phone          laptop            tablet            watch             pad            carol
requested       !bad_state     !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call
delivered       !bad_state     ringing        ringing           ringing           !no_such_call     !no_such_call  !no_such_call
ringing         !bad_state     same           same              -                 !no_such_call     !no_such_call  !no_such_call
negotiating     !bad_state     !bad_state     !already_answered !already_answered !already_answered !no_such_call  !no_such_call
connected       !bad_state     !bad_state     !already_answered !already_answered !already_answered !no_such_call  !no_such_call
reconnecting    !bad_state     !bad_state     !already_answered !already_answered !already_answered !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

hang-up         web            phone          laptop            tablet            watch             pad            carol
requested       cancelled      declined       declined          declined          declined          !no_such_call  !no_such_call
delivered       cancelled      declined       declined          declined          declined          !no_such_call  !no_such_call
ringing         cancelled      declined       declined          declined          declined          !no_such_call  !no_such_call
negotiating     hung_up        hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
connected       hung_up        hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
reconnecting    hung_up        hung_up        !already_answered !already_answered !already_answered !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

media-failed    web            phone          laptop            tablet            watch             pad            carol
requested       cancelled      declined       declined          declined          declined          !no_such_call  !no_such_call
delivered       cancelled      declined       declined          declined          declined          !no_such_call  !no_such_call
ringing         cancelled      declined       declined          declined          declined          !no_such_call  !no_such_call
negotiating     media_failed   media_failed   !already_answered !already_answered !already_answered !no_such_call  !no_such_call
connected       media_failed   media_failed   !already_answered !already_answered !already_answered !no_such_call  !no_such_call
reconnecting    media_failed   media_failed   !already_answered !already_answered !already_answered !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

media-up        web            phone          laptop            tablet            watch             pad            carol
requested       !bad_state     !bad_state     !bad_state        !bad_state        !bad_state        !no_such_call  !no_such_call
delivered       !bad_state     !bad_state     !bad_state        !bad_state        !bad_state        !no_such_call  !no_such_call
ringing         !bad_state     !bad_state     !bad_state        !bad_state        !bad_state        !no_such_call  !no_such_call
negotiating     same           same           !already_answered !already_answered !already_answered !no_such_call  !no_such_call
connected       -              -              !already_answered !already_answered !already_answered !no_such_call  !no_such_call
reconnecting    -              connected      !already_answered !already_answered !already_answered !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

media-lost      web            phone          laptop            tablet            watch             pad            carol
requested       !bad_state     !bad_state     !bad_state        !bad_state        !bad_state        !no_such_call  !no_such_call
delivered       !bad_state     !bad_state     !bad_state        !bad_state        !bad_state        !no_such_call  !no_such_call
ringing         !bad_state     !bad_state     !bad_state        !bad_state        !bad_state        !no_such_call  !no_such_call
negotiating     same           same           !already_answered !already_answered !already_answered !no_such_call  !no_such_call
connected       reconnecting   reconnecting   !already_answered !already_answered !already_answered !no_such_call  !no_such_call
reconnecting    same           -              !already_answered !already_answered !already_answered !no_such_call  !no_such_call
ended           !no_such_call  !no_such_call  !no_such_call     !no_such_call     !no_such_call     !no_such_call  !no_such_call

online          web            phone          laptop            tablet            watch             pad            carol
requested       -              delivered      delivered         delivered         delivered         -              -
delivered       -              -              -                 -                 same              -              -
ringing         -              -              -                 -                 same              -              -
negotiating     -              -              -                 -                 -                 -              -
connected       -              -              -                 -                 -                 -              -
reconnecting    -              -              -                 -                 -                 -              -
ended           -              -              -                 -                 -                 -              -

gone            web            phone          laptop            tablet            watch             pad            carol
requested       same           -              -                 -                 -                 -              -
delivered       same           same           same              same              -                 -              -
ringing         same           same           same              same              -                 -              -
negotiating     same           same           -                 -                 -                 -              -
connected       same           same           -                 -                 -                 -              -
reconnecting    same           same           -                 -                 -                 -              -
ended           -              -              -                 -                 -                 -              -

closed          web            phone          laptop            tablet            watch             pad            carol
requested       cancelled      -              -                 -                 -                 -              -
delivered       cancelled      same           same              same              -                 -              -
ringing         cancelled      same           same              same              -                 -              -
negotiating     same           same           -                 -                 -                 -              -
connected       same           same           -                 -                 -                 -              -
reconnecting    same           same           -                 -                 -                 -              -
ended           -              -              -                 -                 -                 -              -
";

#[test]
fn every_input_from_every_device_in_every_state_does_what_the_grid_says() {
    let mut rows = 0;
    for block in GRID.trim().split("\n\n") {
        let (head, body) = block.split_once('\n').expect("a block has a head");
        let name = head.split_whitespace().next().expect("a head has a name");
        for row in body.lines() {
            let mut cells = row.split_whitespace();
            let state = cells.next().expect("a row has a state");
            for (device, cell) in COLUMNS.into_iter().zip(cells.by_ref()) {
                check(
                    &call_in(state),
                    input(name, device),
                    cell,
                    &format!("{name} of {device} while {state}"),
                );
            }
            assert_eq!(cells.next(), None, "{row}");
            rows += 1;
        }
    }
    assert_eq!(rows, 12 * 7, "the grid has a row for each input and state");
}

#[test]
fn a_newer_call_replaces_this_one_in_every_state() {
    for state in ["requested", "delivered", "ringing", "negotiating", "connected", "reconnecting"] {
        check(&call_in(state), Input::Replaced, "replaced", state);
    }
    check(&call_in("ended"), Input::Replaced, "-", "ended");
}

#[test]
fn a_deadline_before_its_time_does_nothing_in_any_state() {
    for state in ["requested", "delivered", "ringing", "negotiating", "connected", "reconnecting", "ended"] {
        check(&call_in(state), Input::Deadline, "-", state);
    }
}

fn now() -> Millis {
    T0 + secs(5)
}

/// A call in that state, as the module's text says.
fn call_in(state: &str) -> Call {
    let mut call = Call::new(T0, call_id(1), dev("alice/web"), user("bob"), "{}".into());
    let mut run = |device: &str, name: &str| {
        let _ = call.handle(T0, input(name, device), &Limits::default()).expect("it is in order");
    };
    let steps: &[(&str, &str)] = &[
        ("bob/phone", "online"),
        ("bob/laptop", "online"),
        ("bob/tablet", "online"),
        ("bob/phone", "ringing"),
        ("bob/tablet", "silence"),
        ("bob/phone", "accept"),
        ("alice/web", "media-up"),
        ("bob/phone", "media-up"),
        ("bob/phone", "media-lost"),
        ("bob/phone", "hang-up"),
    ];
    let n = match state {
        "requested" => 0,
        "delivered" => 3,
        "ringing" => 5,
        "negotiating" => 6,
        "connected" => 8,
        "reconnecting" => 9,
        "ended" => 10,
        _ => panic!("no state {state}"),
    };
    for (device, name) in &steps[..n] {
        run(device, name);
    }
    assert_eq!(name_of(call.state()), state);
    call
}

fn input(name: &str, device: &str) -> Input {
    let device = dev(device);
    let act = match name {
        "online" => return Input::Online { device, rings_at_once: false },
        "gone" => return Input::Gone { device, for_good: false },
        "closed" => return Input::Gone { device, for_good: true },
        "ringing" => Act::Ringing,
        "accept" => Act::Accept,
        "reject" => REJECT,
        "busy" => BUSY,
        "silence" => SILENCE,
        "hang-up" => HANG_UP,
        "media-failed" => Act::HangUp { reason: EndReason::MediaFailed },
        "media-up" => CONNECTED,
        "media-lost" => LOST,
        _ => panic!("no input {name}"),
    };
    Input::act(device, act)
}

fn name_of(state: State) -> String {
    format!("{state:?}").to_lowercase()
}

fn check(before: &Call, input: Input, cell: &str, place: &str) {
    let mut call = before.clone();
    let was = name_of(before.state());
    match call.handle(now(), input.clone(), &Limits::default()) {
        Err(refusal) => {
            let code =
                format!("{refusal:?}").replace("NoSuchCall", "no_such_call").replace("BadState", "bad_state");
            assert_eq!(format!("!{}", code.replace("AlreadyAnswered", "already_answered")), cell, "{place}");
            assert_eq!(call, *before, "{place}: a refused input leaves the call alone");
        }
        Ok(effects) => {
            let state = name_of(call.state());
            let is = match call.end() {
                _ if call == *before => "-",
                Some(end) => end.reason.as_str(),
                None if state == was => "same",
                None => &state,
            };
            assert_eq!(is, cell, "{place}");
            assert_eq!(call.version() - before.version(), u32::from(cell != "-"), "{place}: version");
            assert_eq!(told(&effects), expected(before, &input, cell), "{place}: who is told");
        }
    }
}

/// Who is told what, without numbers.
fn told(effects: &Effects) -> Vec<String> {
    lines(effects).into_iter().map(|line| line.replace(" for 40000", "")).collect()
}

/// Who is to be told, given what became of the call.
fn expected(before: &Call, input: &Input, cell: &str) -> Vec<String> {
    let state = name_of(before.state());
    let by = if let Input::Act { from, .. } | Input::Gone { device: from, .. } = input {
        from.to_string()
    } else {
        String::new()
    };
    let handed: &[&str] = if state == "requested" { &[] } else { &["bob/phone", "bob/laptop", "bob/tablet"] };
    match (input, cell) {
        (_, "-") | (Input::Gone { .. }, "same") | (Input::Act { act: Act::Media(_), .. }, _) => Vec::new(),
        (Input::Act { act: Act::Reject { .. }, .. }, "same" | "ringing") => Vec::new(),
        (Input::Act { act: Act::Ringing, .. }, _) => vec![format!("alice/web: {by} rings")],
        (Input::Online { device, .. }, _) => {
            vec![
                format!("{device}: ring from alice/web"),
                format!("alice/web: delivered to {}", handed.len() + 1),
            ]
        }
        (_, "negotiating") => {
            let mut told = vec![
                format!("{by}: {by} accepted, peer alice/web"),
                format!("alice/web: {by} accepted, peer {by}"),
            ];
            let others = handed.iter().filter(|device| **device != by);
            told.extend(others.map(|device| format!("{device}: ended answered_elsewhere by {by}")));
            told
        }
        (_, reason) => {
            let by_whom = if by.is_empty() { String::new() } else { format!(" by {by}") };
            let talks = before.accepted().is_some();
            let legs: &[&str] = if talks { &["bob/phone"] } else { handed };
            let mut told = vec![format!("alice/web: ended {reason}{by_whom}")];
            told.extend(legs.iter().map(|device| {
                let rejected_elsewhere = !talks && by.starts_with("bob/") && *device != by;
                format!(
                    "{device}: ended {}{by_whom}",
                    if rejected_elsewhere { "declined_elsewhere" } else { reason }
                )
            }));
            told
        }
    }
}
