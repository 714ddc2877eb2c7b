//! A check that cannot fail is no check: the scenarios against servers that do wrong.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    dialect::Dialect,
    fake::{Fake, Vice},
    report::Report,
    scenario::{Aim, dialogs, idle, rate},
    server::Server,
    stream::Target,
    tally::Fault,
};

fn aim(vice: Vice, every: u64, dialect: Dialect) -> Aim {
    let target = Fake::start(vice, every, dialect == Dialect::V2).address;
    Aim {
        target: Target { address: target, tls: None },
        dialect,
        server: Server::new(std::process::id(), None),
    }
}

/// The load spins: these tests go one after the other.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Four pairs for a moment, against a server with a vice on every 50th candidate.
fn dialogs_with(vice: Vice) -> Report {
    dialogs::run(&aim(vice, 50, Dialect::Seed), 4, 0.3, false).unwrap()
}

#[track_caller]
fn assert_only(report: &Report, faults: &[Fault]) {
    for (fault, name) in Fault::ALL {
        let count = report.faults(name);
        assert_eq!(count > 0, faults.contains(&fault), "{name}: {count} in {report:?}");
    }
    assert_eq!(report.is_clean(), faults.is_empty());
}

#[test]
fn a_good_server_is_found_good_in_every_dialect_and_scenario() {
    let _turn = turn();
    for dialect in [Dialect::Seed, Dialect::V2] {
        for burst in [false, true] {
            let report = dialogs::run(&aim(Vice::None, 1, dialect), 4, 0.3, burst).unwrap();
            assert_only(&report, &[]);
            assert!(report.faults("delivered") > 0, "{report:?}");
            assert!(report.faults("compared_whole") > 0, "{report:?}");
        }
        let report = rate::run(&aim(Vice::None, 1, dialect), &[8], 2000.0, 0.3).unwrap();
        assert_only(&report, &[]);
        assert!(report.value("delivered_per_s").unwrap() > 1000.0, "{report:?}");
        let report = idle::run(&aim(Vice::None, 1, dialect), 8, true, 0.1).unwrap();
        assert_only(&report, &[]);
        assert_eq!(report.faults("delivered"), 4 * 21);
        let report = idle::calls(&aim(Vice::None, 1, dialect), 4, 0.1).unwrap();
        assert_only(&report, &[]);
        assert_eq!(report.faults("delivered"), 4 * 21);
    }
}

#[test]
fn a_lost_message_is_lost_and_does_not_stop_the_run() {
    let _turn = turn();
    let report = dialogs::run(&aim(Vice::Lose, 50, Dialect::Seed), 4, 4.5, false).unwrap();
    assert_only(&report, &[Fault::Lost]);
    assert!(report.faults("delivered") > 0, "{report:?}");
    assert_only(&rate::run(&aim(Vice::Lose, 100, Dialect::Seed), &[8], 2000.0, 0.3).unwrap(), &[Fault::Lost]);
}

#[test]
fn a_doubled_message_is_doubled() {
    let _turn = turn();
    assert_only(&dialogs_with(Vice::Double), &[Fault::Doubled]);
    assert_only(
        &rate::run(&aim(Vice::Double, 100, Dialect::Seed), &[8], 2000.0, 0.3).unwrap(),
        &[Fault::Doubled],
    );
}

#[test]
fn a_changed_payload_is_damaged() {
    let _turn = turn();
    let report = dialogs::run(&aim(Vice::Damage, 3, Dialect::Seed), 4, 0.3, false).unwrap();
    assert_only(&report, &[Fault::Damaged]);
    assert_only(
        &rate::run(&aim(Vice::Damage, 3, Dialect::Seed), &[8], 2000.0, 0.3).unwrap(),
        &[Fault::Damaged],
    );
}

#[test]
fn a_message_under_a_number_of_another_kind_is_damaged_and_the_right_one_lost() {
    let _turn = turn();
    assert_only(&dialogs_with(Vice::Renumber), &[Fault::Damaged, Fault::Lost]);
}

#[test]
fn a_message_without_its_sender_or_under_another_name_is_noticed() {
    let _turn = turn();
    assert_only(&dialogs_with(Vice::Strip), &[Fault::NoFrom]);
    assert_only(&dialogs_with(Vice::Forge), &[Fault::WrongFrom]);
    assert_only(
        &rate::run(&aim(Vice::Strip, 100, Dialect::Seed), &[8], 2000.0, 0.3).unwrap(),
        &[Fault::NoFrom],
    );
    assert_only(
        &rate::run(&aim(Vice::Forge, 100, Dialect::V2), &[8], 2000.0, 0.3).unwrap(),
        &[Fault::WrongFrom],
    );
}

#[test]
fn an_overtaken_candidate_is_out_of_order() {
    let _turn = turn();
    let report = dialogs::run(&aim(Vice::Swap, 3, Dialect::Seed), 4, 0.3, true).unwrap();
    // The last candidate of a dialog, if it is kept, is never followed by another: it counts as lost, and then as late.
    assert!(report.faults("reordered") > 0, "{report:?}");
    let report = rate::run(&aim(Vice::Swap, 100, Dialect::Seed), &[8], 2000.0, 0.3).unwrap();
    assert!(report.faults("reordered") > 0, "{report:?}");
}

#[test]
fn a_refusal_is_refused_and_a_closed_connection_is_closed() {
    let _turn = turn();
    assert_only(&dialogs_with(Vice::Refuse), &[Fault::Refused, Fault::Lost]);
    let report = dialogs_with(Vice::Close);
    assert!(report.faults("closed") > 0 && report.faults("lost") > 0, "{report:?}");
}

#[test]
fn a_hole_in_a_v2_session_is_a_loss_even_of_what_no_dialog_waits_for() {
    let _turn = turn();
    let report = dialogs::run(&aim(Vice::Double, 50, Dialect::V2), 4, 0.3, false).unwrap();
    assert!(report.faults("doubled") > 0, "{report:?}");
}

#[test]
fn a_server_that_turns_clients_away_ends_the_run_with_its_words() {
    let _turn = turn();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
        }
    });
    let target = Target { address: target, tls: None };
    let aim = Aim { target, dialect: Dialect::Seed, server: Server::new(std::process::id(), None) };
    let error = dialogs::run(&aim, 1, 0.1, false).unwrap_err().to_string();
    assert!(error.contains("HTTP/1.1 403 Forbidden"), "{error}");
}
