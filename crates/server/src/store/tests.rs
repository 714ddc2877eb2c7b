//! The tables and what is asked of them.

use tempfile::TempDir;
use tincan_proto::call::{Call, Desk, Limits, Request, Role};
use tincan_proto::id::CallId;
use tincan_proto::quality::{Cause, Path, Report};
use tincan_proto::time::Millis;

use super::*;

const GOOD: Report = Report {
    samples: 30,
    mos: 430,
    mos_min: 410,
    poor: 0,
    concealed_ppm: Some(1000),
    lost_ppm: None,
    remote_lost_ppm: Some(3),
    rtt_ms: Some(40),
    jitter_ms: None,
    path: Path::RelayTls,
    cause: Cause::OwnNetwork,
};

fn id(number: u8) -> CallId {
    CallId::from_bytes([number; 16])
}

fn leg(call: u8, role: Role, reported_at: u64) -> LegQuality {
    let (leg, reported_at) = (format!("{call}/web"), Millis(reported_at));
    LegQuality { call: id(call), role, leg, report: GOOD, reported_at }
}

/// What the first version left: its tables, one call, and its note of which migrations ran.
async fn made_by_the_first_version(path: &std::path::Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let [first, _] = migrations();
    Migrator::with_migrations(vec![first]).run(&mut connection).await.unwrap();
    let sql = "INSERT INTO ended_call (id, caller, callee, requested_at, ended_at, talk_ms, reason) \
        VALUES ($1, 'alice/web', 'bob', 1, 2, 0, 'cancelled')";
    sqlx::query(sql).bind(id(1).as_bytes().to_vec()).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn an_older_database_is_brought_up_to_date_and_keeps_what_it_had() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tincan.db");
    made_by_the_first_version(&path).await;
    let store = Store::open(&path).await.unwrap();
    store.save_quality(&[leg(1, Role::Caller, 5)]).await.unwrap();
    let calls = store.rated_calls(None, 10).await.unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].call.id, calls[0].legs.as_slice()), (id(1), &[leg(1, Role::Caller, 5)][..]));
    store.close().await;
    Store::open(&path).await.unwrap().close().await;
}

/// A database with this many ended calls, of which every second has two rated legs.
async fn filled(calls: u8) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("tincan.db")).await.unwrap();
    for number in 1..=calls {
        let sql = "INSERT INTO ended_call (id, caller, callee, requested_at, ended_at, talk_ms, reason) \
            VALUES ($1, 'alice/web', 'bob', 1, 2, 0, 'hung_up')";
        sqlx::query(sql)
            .bind(id(number).as_bytes().to_vec())
            .execute(&mut *store.connection().await.unwrap())
            .await
            .unwrap();
        if number % 2 == 0 {
            let legs = [Role::Callee, Role::Caller].map(|role| leg(number, role, number.into()));
            store.save_quality(&legs).await.unwrap();
        }
    }
    (folder, store)
}

#[tokio::test]
async fn pages_of_ended_calls_follow_each_other_without_a_hole_and_name_their_legs() {
    let (_folder, store) = filled(7).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.rated_calls(before, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.row);
        assert!(page.len() <= 3);
        seen.extend(page);
    }
    let ids: Vec<CallId> = seen.iter().map(|rated| rated.call.id).collect();
    assert_eq!(ids, (1..=7).rev().map(id).collect::<Vec<_>>());
    for (number, rated) in (1..=7_u8).rev().zip(&seen) {
        let both = [Role::Caller, Role::Callee].map(|role| leg(number, role, number.into()));
        let legs = if number % 2 == 0 { both.to_vec() } else { Vec::new() };
        assert_eq!(rated.legs, legs);
    }
    store.close().await;
}

#[tokio::test]
async fn a_later_sum_of_a_leg_takes_the_place_of_the_earlier_one() {
    let (_folder, store) = filled(2).await;
    let later = LegQuality {
        report: Report { samples: 90, mos: 300, path: Path::Direct, cause: Cause::None, ..GOOD },
        ..leg(2, Role::Caller, 9)
    };
    store.save_quality(std::slice::from_ref(&later)).await.unwrap();
    let newest = store.rated_calls(None, 1).await.unwrap();
    assert_eq!(newest[0].legs, [later, leg(2, Role::Callee, 2)]);
    store.close().await;
}

#[tokio::test]
async fn legs_are_counted_by_score_and_way_from_a_time_on() {
    let (_folder, store) = filled(4).await;
    let poor =
        LegQuality { report: Report { mos: 100, path: Path::Direct, ..GOOD }, ..leg(4, Role::Callee, 8) };
    store.save_quality(&[poor]).await.unwrap();
    let class = |mos, path, legs| Class { mos, path, legs };
    let all = [class(0, Path::Direct, 1), class(13, Path::RelayTls, 3)];
    assert_eq!(store.quality_since(Millis(0)).await.unwrap(), all);
    assert_eq!(store.quality_since(Millis(8)).await.unwrap(), all[..1]);
    store.close().await;
}

/// Live calls, and as many that ended at once, since there was nobody to ring.
fn many_calls(count: u32) -> (Vec<Call>, Vec<Arc<Call>>) {
    let id = |number: u32, last: u8| {
        let mut bytes = [last; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        CallId::from_bytes(bytes)
    };
    let live = |number| {
        Call::new(Millis(1), id(number, 0), "alice/web".parse().unwrap(), "bob".parse().unwrap(), "".into())
    };
    let mut desk = Desk::new(Limits::default());
    let mut ended = |number| {
        let request = Request {
            call: id(number, 1),
            caller: "alice/web".parse().unwrap(),
            callee: "bob".parse().unwrap(),
            data: "".into(),
            devices: Vec::new(),
            takes_many: false,
            wait: false,
            moves_on: false,
        };
        desk.request(Millis(1), request).unwrap().calls.pop().unwrap()
    };
    ((0..count).map(live).collect(), (0..count).map(&mut ended).collect())
}

#[tokio::test]
async fn all_calls_of_a_full_server_are_stored_at_once_or_none_is() {
    const CALLS: u32 = 20_000;
    let folder = TempDir::new().unwrap();
    let store = Store::open(&folder.path().join("tincan.db")).await.unwrap();
    let (live, ended) = many_calls(CALLS);
    let both: Vec<&Call> = live.iter().chain(ended.iter().map(Arc::as_ref)).collect();
    sqlx::query("ALTER TABLE ended_call RENAME TO elsewhere")
        .execute(&mut *store.connection().await.unwrap())
        .await
        .unwrap();
    store.save_calls(&both).await.unwrap_err();
    sqlx::query("ALTER TABLE elsewhere RENAME TO ended_call")
        .execute(&mut *store.connection().await.unwrap())
        .await
        .unwrap();
    assert!(store.live_calls().await.unwrap().is_empty());
    store.save_calls(&both).await.unwrap();
    assert_eq!(store.live_calls().await.unwrap().len(), CALLS as usize);
    assert_eq!(store.ended_calls(u32::MAX).await.unwrap().len(), CALLS as usize);
    store.close().await;
}
