//! Story: a server that cannot run says why, in one sentence, and leaves everything as it was.

use std::net::TcpListener;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::process::{Process, refused};

/// Where it could not start, and nothing in its configuration is wrong.
const FAILED: i32 = 1;

#[track_caller]
fn one_sentence(said: &str, words: &[&str]) {
    let mut lines = said.lines().filter(|line| !line.contains(" INFO "));
    let sentence = lines.next().unwrap_or_default();
    assert_eq!(lines.next(), None, "more than a sentence: {said}");
    for word in words {
        assert!(sentence.contains(word), "no {word} in: {sentence}");
    }
    for noise in ["Error", "Err(", "{", "os error", "panicked", "RUST_BACKTRACE"] {
        assert!(!sentence.contains(noise), "{noise} in: {sentence}");
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let data_dir = tempfile::tempdir().unwrap();
    let first = Process::start(data_dir.path(), &[]);
    let (code, said) = refused(data_dir.path(), &[]);
    one_sentence(&said, &["tincan.db", "in use by another Tincan", "--data-dir"]);
    assert_eq!(code, FAILED);
    // The first one is unharmed, and its place is free as soon as it is dead.
    crate::util::pair(first.addr).await;
    first.kill();
    Process::start(data_dir.path(), &[]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_not_touched() {
    let data_dir = tempfile::tempdir().unwrap();
    Process::start(data_dir.path(), &[]).stop();
    let file = data_dir.path().join("tincan.db");
    let mut database =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file)).await.unwrap();
    const NEWER: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (9999, 'of tomorrow', TRUE, x'00', 0)";
    sqlx::query(NEWER).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let before = std::fs::read(&file).unwrap();
    let (code, said) = refused(data_dir.path(), &[]);
    one_sentence(&said, &["tincan.db", "newer version of Tincan", "backup"]);
    assert_eq!(code, FAILED);
    assert!(before == std::fs::read(&file).unwrap(), "the file has changed");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let data_dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, said) = refused(data_dir.path(), &[("TINCAN_LISTEN", &addr)]);
    one_sentence(&said, &[&addr, "taken", "--listen"]);
    assert_eq!(code, FAILED);
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "not a folder").unwrap();
    for data_dir in [file.clone(), file.join("below")] {
        let (code, said) = refused(&data_dir, &[]);
        one_sentence(&said, &["a-file"]);
        assert_eq!(code, FAILED);
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "not a folder");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_kept() {
    let data_dir = tempfile::tempdir().unwrap();
    let file = data_dir.path().join("tincan.db");
    std::fs::write(&file, "dear diary, ".repeat(1000)).unwrap();
    let (code, said) = refused(data_dir.path(), &[]);
    one_sentence(&said, &["database"]);
    assert_eq!(code, FAILED);
    assert!(std::fs::read_to_string(file).unwrap().starts_with("dear diary"));
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("deep").join("down");
    let process = Process::start(&data_dir, &[]);
    assert!(data_dir.join("tincan.db").exists());
    assert!(process.stop().success());
}
