//! What the doctor says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::config::{IceServer, MediaMode, V1Access};

#[tokio::test]
async fn a_fresh_machine_has_no_faults_and_one_line_for_each_check() {
    let overrides = Overrides {
        listen: Some("127.0.0.1:0".into()),
        data_dir: Some(std::env::temp_dir().join("tincan-doctor-makes-nothing/data")),
        ..Overrides::default()
    };
    let report =
        examine(&overrides, async |_| panic!("there is no database to open"), async |_| Ok(String::new()))
            .await;
    assert!(!report.has_faults(), "{report}");
    let what: Vec<_> = report.0.iter().map(|check| check.what).collect();
    let all = [
        "configuration",
        "address",
        "data folder",
        "database",
        "open files",
        "encryption",
        "identity",
        "ways",
        "relay",
        "clock",
    ];
    assert_eq!(what, all);
    assert!(!std::env::temp_dir().join("tincan-doctor-makes-nothing").exists());
}

#[tokio::test]
async fn faults_of_the_configuration_are_told_one_by_one() {
    let overrides = Overrides { listen: Some("nowhere".into()), ..Overrides::default() };
    let report = examine(&overrides, async |_| Ok(String::new()), async |_| Ok(String::new())).await;
    assert!(report.has_faults());
    assert!(
        report.to_string().starts_with("fault    configuration  server.listen: \"nowhere\" is no address"),
        "{report}"
    );
}

#[tokio::test]
async fn an_address_that_is_taken_may_be_this_servers_own() {
    let listener = crate::listen::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut config = Config::default();
    config.server.listen = listener.local_addr().unwrap();
    assert_eq!(checks::address(&config).await.state, State::Warning);
}

#[test]
fn a_data_folder_that_cannot_be_made_is_a_fault() {
    let mut config = Config::default();
    config.server.data_dir = std::env::current_exe().unwrap().join("data");
    let check = checks::data_dir(&config);
    assert_eq!(check.state, State::Fault, "{check:?}");
    assert!(check.found.ends_with(" is no folder"), "{check:?}");
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_a_fault_in_its_own_words() {
    let mut config = Config::default();
    let dir = std::env::current_dir().unwrap();
    let file = dir.ancestors().map(|dir| dir.join(file!())).find(|path| path.exists()).unwrap();
    config.store.url = format!("sqlite:{}", file.display());
    let check = checks::database(&config, async |_| Err("it is newer".into())).await;
    assert_eq!((check.state, check.found.as_str()), (State::Fault, "it is newer"));
}

#[test]
fn a_certificate_is_judged_by_the_days_it_has_left() {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let in_days = |days: u64| checks::certificate(Some(now + Duration::from_secs(days * 86_400)), now).state;
    assert_eq!(
        [in_days(90), in_days(14), in_days(13), in_days(0)],
        [State::Ok, State::Ok, State::Warning, State::Warning]
    );
    assert_eq!(checks::certificate(Some(now - Duration::from_secs(1)), now).state, State::Fault);
}

#[test]
fn a_clock_before_this_program_was_written_is_a_fault() {
    assert_eq!(checks::clock(UNIX_EPOCH).state, State::Fault);
    assert_eq!(checks::clock(SystemTime::now()).state, State::Ok);
}

#[test]
fn calls_across_networks_need_a_turn_server() {
    let with = |urls: &[&str]| {
        let mut config = Config::default();
        let urls = urls.iter().map(ToString::to_string).collect();
        config.media.mode = MediaMode::Off;
        config.ice.servers = vec![IceServer { urls, username: None, credential: None, secret_file: None }];
        checks::ways(&config).state
    };
    assert_eq!(checks::ways(&Config::default()).state, State::Ok);
    assert_eq!(with(&[]), State::Warning);
    assert_eq!(with(&["stun:a"]), State::Warning);
    assert_eq!(with(&["stun:a", "turns:a"]), State::Ok);
}

#[test]
fn a_relay_that_only_a_proxy_could_reach_is_worth_a_warning() {
    let with = |proxies: &[&str], listen: Option<&str>| {
        let mut config = Config::default();
        config.server.trusted_proxies = proxies.iter().map(|net| net.parse().unwrap()).collect();
        config.media.listen = listen.map(|listen| listen.parse().unwrap());
        checks::ways(&config).state
    };
    assert_eq!(with(&[], None), State::Ok);
    assert_eq!(with(&["127.0.0.1"], None), State::Warning);
    assert_eq!(with(&["127.0.0.1"], Some("127.0.0.1:3478")), State::Warning);
    assert_eq!(with(&["127.0.0.1"], Some("0.0.0.0:3478")), State::Ok);
}

#[test]
fn a_server_in_the_open_without_proof_of_names_is_worth_a_warning() {
    let with = |listen: &str, v1| {
        let mut config = Config::default();
        config.server.listen = listen.parse().unwrap();
        config.server.v1 = v1;
        checks::identity(&config).state
    };
    assert_eq!(with("127.0.0.1:1", V1Access::Open), State::Ok);
    assert_eq!(with("0.0.0.0:1", V1Access::Loopback), State::Warning);
    assert_eq!(with("0.0.0.0:1", V1Access::Open), State::Warning);
}
