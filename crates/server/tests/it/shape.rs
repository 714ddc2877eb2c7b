//! Story: the house stays as it was drawn. Who may name whom is read from the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// No file is longer.
const LINES_MAX: usize = 800;

/// Files that are longer than this are worth a thought; they are listed, so that one that joins them is noticed.
const LINES_NOTICED: usize = 400;

const NOTICED: [&str; 2] = ["proto/src/call/desk.rs", "proto/src/call/machine.rs"];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The sources of a crate, each with its path from `crates/`, without those that only tests are built from.
fn sources(of: &str) -> Vec<(String, String)> {
    let (mut folders, mut found) = (vec![crates().join(of).join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(crates()).unwrap().to_str().unwrap().to_owned();
                found.push((name, text));
            }
        }
    }
    let of_tests =
        |file: &str| ["/tests.rs", "/tests/", "/typescript/"].iter().any(|part| file.contains(part));
    found.retain(|(file, _)| !of_tests(file));
    assert!(found.len() > 10, "no sources in {of}");
    found.sort();
    found
}

/// The first-level modules of the server that a source names, with the second level where it is a service.
fn named(file: &str, text: &str) -> BTreeSet<String> {
    let is_program = ["server/src/main.rs", "server/src/cli.rs"].contains(&file);
    let root = if is_program { "tincan_server::" } else { "crate::" };
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code: String = code.collect::<Vec<_>>().join("\n");
    let mut names = BTreeSet::new();
    for rest in code.split(root).skip(1) {
        names.extend(paths(rest));
    }
    names
}

/// The modules at the start of a path, or at the start of each path in braces.
fn paths(rest: &str) -> Vec<String> {
    let parts = match rest.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
        None => vec![rest],
    };
    let words = |part: &str| {
        let mut words = part.split("::").map(|word| {
            let end = word.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(word.len());
            word[..end].to_owned()
        });
        let first = words.next().unwrap_or_default();
        if first == "service" { format!("service::{}", words.next().unwrap_or_default()) } else { first }
    };
    parts.into_iter().map(words).collect()
}

#[test]
fn no_service_names_another() {
    for (file, text) in sources("server") {
        let Some(own) = file.strip_prefix("server/src/service/").and_then(|rest| rest.split('/').next())
        else {
            continue;
        };
        for name in named(&file, &text) {
            let allowed = !name.starts_with("service::") || name == format!("service::{own}");
            assert!(allowed, "{file} names {name}; services meet on the bus");
        }
    }
}

#[test]
fn services_are_put_together_in_one_place_and_reached_from_the_door() {
    for (file, text) in sources("server") {
        let inside = file.starts_with("server/src/service/");
        let may = inside || file.starts_with("server/src/node") || file.starts_with("server/src/http/");
        let services: Vec<String> =
            named(&file, &text).into_iter().filter(|name| name.starts_with("service::")).collect();
        assert!(may || services.is_empty(), "{file} names {services:?}");
    }
}

#[test]
fn what_lies_below_names_nothing_above_it() {
    let rows: [(&str, &[&str]); 8] = [
        ("store", &["store"]),
        ("bus", &["bus"]),
        ("metrics", &["metrics", "bus"]),
        ("limiter", &[]),
        ("clock", &[]),
        ("places", &["config"]),
        ("config", &["config"]),
        ("telemetry", &["config"]),
    ];
    let sources = sources("server");
    for (module, allowed) in rows {
        let (folder, single) = (format!("server/src/{module}/"), format!("server/src/{module}.rs"));
        let own: Vec<_> =
            sources.iter().filter(|(file, _)| file.starts_with(&folder) || *file == single).collect();
        assert!(!own.is_empty(), "there is no {module}");
        for (file, text) in own {
            for name in named(file, text) {
                assert!(allowed.contains(&name.as_str()), "{file} names {name}");
            }
        }
    }
}

#[test]
fn the_core_is_pure() {
    let manifest = std::fs::read_to_string(crates().join("proto/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let found: BTreeSet<&str> = dependencies
        .lines()
        .filter_map(|line| line.split_once(['=', '.']))
        .map(|(name, _)| name.trim())
        .filter(|name| !name.starts_with('#'))
        .collect();
    let pure = BTreeSet::from(["arbitrary", "base64", "serde", "serde_json", "thiserror"]);
    assert!(found.is_subset(&pure), "{:?} in the core's manifest", found.difference(&pure));
    for (file, text) in sources("proto") {
        for impure in ["std::net", "std::fs", "std::thread", "std::sync::Mutex", "SystemTime", "Instant::now"]
        {
            assert!(!text.contains(impure), "{file} has {impure}");
        }
    }
}

#[test]
fn the_relay_has_no_sockets_and_no_clock() {
    for (file, text) in sources("turn") {
        for impure in
            ["UdpSocket", "TcpStream", "std::fs", "std::thread", "Mutex", "SystemTime", "Instant", "tokio"]
        {
            assert!(!text.contains(impure), "{file} has {impure}");
        }
    }
}

#[test]
fn no_file_grows_without_being_noticed() {
    let mut noticed = Vec::new();
    for of in ["proto", "server", "turn"] {
        for (file, text) in sources(of) {
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "{file} has {lines} lines");
            if lines > LINES_NOTICED {
                noticed.push(file);
            }
        }
    }
    assert!(noticed.iter().all(|file| NOTICED.contains(&file.as_str())), "over {LINES_NOTICED}: {noticed:?}");
}
