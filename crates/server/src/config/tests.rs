//! The rules of the configuration, source by source and fault by fault.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

#[test]
fn default_toml_holds_every_setting_and_nothing_else() {
    let from_file: toml_keys::Keys = toml_keys::of(DEFAULT_TOML);
    let known = include_str!("sections.rs");
    let config = Config::load_with(&Overrides::default(), []).unwrap();
    assert!(config.changed.is_empty(), "{:?}", config.changed);
    // Leaving out any one key leaves a configuration that cannot be made: so every key is a setting, and each setting
    // is a key, since the whole file makes a configuration.
    for key in &from_file {
        assert!(!toml_keys::suffice_without(key), "{key} is in default.toml but is no setting");
    }
    assert_eq!(
        known.matches("#[serde(default").count(),
        3,
        "only the login of an ICE server may be left out"
    );
}

#[test]
fn the_call_limits_are_those_of_the_protocol() {
    assert_eq!(Config::default().call.limits(), tincan_proto::call::Limits::default());
}

#[test]
fn every_setting_has_a_comment() {
    let mut commented = false;
    for line in DEFAULT_TOML.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(commented, "no comment above: {line}");
        }
        // A certificate and its key share one comment, as do no others.
        commented = line.starts_with('#') || line.starts_with("cert_file");
    }
}

#[test]
fn the_file_the_environment_and_the_flags_win_in_this_order() {
    let dir = Folder::new();
    let file = dir.write(
        "tincan.toml",
        "[server]\nlisten = '127.0.0.1:1'\ndata_dir = 'file'\n[call]\nring_timeout_s = 20",
    );
    let mut overrides = Overrides { config_file: Some(file.clone()), ..Overrides::default() };
    let loaded = Config::load_with(&overrides, []).unwrap();
    assert_eq!(loaded.config.server.listen.port(), 1);
    assert_eq!(loaded.changed[0], setting("call.ring_timeout_s", "20", &file.display().to_string()));

    let environment = [("TINCAN_SERVER__LISTEN", "127.0.0.1:2"), ("TINCAN_SERVER__DATA_DIR", "env")];
    let loaded = Config::load_with(&overrides, owned(&environment)).unwrap();
    assert_eq!(loaded.config.server.listen.port(), 2);
    assert!(loaded.changed.contains(&setting("server.data_dir", "\"env\"", "TINCAN_SERVER__DATA_DIR")));

    overrides.listen = Some("localhost:3".into());
    let loaded = Config::load_with(&overrides, owned(&environment)).unwrap();
    assert_eq!(loaded.config.server.listen.to_string(), "127.0.0.1:3");
    assert_eq!(loaded.config.server.data_dir, Path::new("env"));
    assert_eq!(loaded.config.call.ring_timeout.as_secs(), 20);
}

#[test]
fn a_part_of_a_rate_can_be_set_alone() {
    let loaded =
        Config::load_with(&Overrides::default(), owned(&[("TINCAN_LIMITS__FRAMES__BURST", "7")])).unwrap();
    let frames = loaded.config.limits.frames;
    assert_eq!((frames.per_minute, frames.burst), (1200, 7));
    assert_eq!(loaded.changed, [setting("limits.frames.burst", "7", "TINCAN_LIMITS__FRAMES__BURST")]);
}

#[test]
fn lists_come_with_commas_or_as_toml() {
    let proxies = |text: &str| {
        let environment = owned(&[("TINCAN_SERVER__TRUSTED_PROXIES", text)]);
        let config = Config::load_with(&Overrides::default(), environment).unwrap().config;
        config.server.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(proxies("10.0.0.0/8, ::1"), "10.0.0.0/8 ::1/128");
    assert_eq!(proxies("[10.0.0.0/8, 192.0.2.1]"), "10.0.0.0/8 192.0.2.1/32");
    assert_eq!(proxies(""), "");
}

#[test]
fn variables_that_kubernetes_or_the_flags_set_are_no_settings() {
    let names =
        ["TINCAN_PORT", "TINCAN_PORT_80_TCP", "TINCAN_SERVICE_HOST", "TINCAN_LISTEN", "TINCAN_CONFIG"];
    let environment: Vec<_> = names.iter().map(|name| (*name, "tcp://10.0.0.1:80")).collect();
    assert!(Config::load_with(&Overrides::default(), owned(&environment)).unwrap().changed.is_empty());
}

#[test]
fn secrets_are_never_shown() {
    let dir = Folder::new();
    let text = "[[ice.servers]]\nurls = ['turn:a']\nusername = 'u'\ncredential = 'hunter2'";
    let loaded = dir.load(text).unwrap();
    let shown = format!("{loaded:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(loaded.changed[0].value.contains("credential = [secret]"), "{:?}", loaded.changed);
    assert_eq!(loaded.config.ice.servers[0].credential.as_ref().unwrap().expose(), "hunter2");
    let wrong = dir.load("[[ice.servers]]\nurls = ['turn:a']\ncredential = 123456").unwrap_err().to_string();
    assert!(!wrong.contains("123456"), "{wrong}");
    let store = dir.load("store.url = 'postgres://me:hunter2@host/db'").unwrap_err();
    assert!(!store.to_string().contains("hunter2"), "{store}");
}

#[test]
fn the_secret_is_the_file_without_the_line_end() {
    let dir = Folder::new();
    let path = dir.private("secret", "0123456789abcdefghijklmnopqrstuvwxyz\r\n");
    let config = dir.load(&format!("auth.token_secret_file = '{}'", path.display())).unwrap().config;
    match config.auth.token_key() {
        Ok(Some(TokenKey::Hs256(secret))) => {
            assert_eq!(secret.expose(), b"0123456789abcdefghijklmnopqrstuvwxyz")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_ed25519_public_key_is_taken() {
    let dir = Folder::new();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let path = dir.write("key.pem", &key.public_key_pem());
    let config = dir.load(&format!("auth.token_public_key_file = '{}'", path.display())).unwrap().config;
    assert!(matches!(config.auth.token_key(), Ok(Some(TokenKey::EdDsa(_)))));
}

#[test]
fn plain_http_is_refused_unless_nobody_else_can_reach_it_or_someone_protects_it() {
    let dir = Folder::new();
    for listen in ["127.0.0.1:80", "127.8.8.8:80", "localhost:80", "[::1]:80"] {
        assert!(dir.load(&format!("server.listen = '{listen}'")).is_ok(), "{listen}");
    }
    for listen in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
        let only = format!("server.listen = '{listen}'\n");
        let error = dir.load(&only).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("server.listen: plain HTTP on {listen} would be open")),
            "{error}"
        );
        assert!(dir.load(&format!("{only}server.trusted_proxies = ['10.0.0.1']")).is_ok());
        assert!(dir.load(&format!("{only}server.dangerous_plain_http = true")).is_ok());
    }
}

#[test]
fn metrics_are_refused_to_the_network_unless_someone_shows_a_token() {
    let dir = Folder::new();
    let (long, short) =
        (dir.private("long", "0123456789abcdef\n"), dir.private("short", "0123456789abcde\n"));
    let open = dir.with_mode("open", "0123456789abcdef\n", 0o644);
    let token = |file: &Path| format!("listen = '0.0.0.0:9090'\ntoken_file = '{}'", file.display());
    for (settings, expected) in [
        (String::new(), None),
        ("listen = '127.0.0.1:9090'".into(), None),
        ("listen = '[::1]:9090'".into(), None),
        ("listen = '0.0.0.0:9090'\ndangerous_without_token = true".into(), None),
        (token(&long), None),
        ("listen = '0.0.0.0:9090'".into(), Some("set metrics.token_file")),
        ("listen = '127.0.0.1:8080'".into(), Some("another than server.listen")),
        (token(&short), Some("at least 16 characters")),
        (token(&open), Some("chmod 600")),
    ] {
        let loaded = dir.load(&format!("[metrics]\n{settings}"));
        let said = loaded.err().map(|error| error.to_string());
        match expected {
            None => assert_eq!(said, None, "{settings}"),
            Some(words) => {
                assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{settings}: {said:?}")
            }
        }
    }
}

#[test]
fn all_faults_are_told_at_once_each_with_its_source() {
    let dir = Folder::new();
    let file =
        dir.write("tincan.toml", "[call]\nring_timeout_s = 'soon'\nringtone = 1\n[session]\nping_s = 1");
    let overrides = Overrides { config_file: Some(file.clone()), ..Overrides::default() };
    let error = Config::load_with(&overrides, owned(&[("TINCAN_LOG__FORMAT", "xml")])).unwrap_err();
    let file = file.display();
    assert_eq!(
        error.to_string().lines().collect::<BTreeSet<_>>(),
        BTreeSet::from([
            format!("call.ringtone: no such setting (set by {file})").as_str(),
            &format!("call.ring_timeout_s: must be a whole number, but is \"soon\" (set by {file})"),
            &format!("session.ping_s: must be from 10 to 300 seconds, but is 1 (set by {file})"),
            "log.format: must be one of \"text\", \"json\", but is \"xml\" (set by TINCAN_LOG__FORMAT)",
        ])
    );
}

/// `DIR` in the text is a folder with some files in it, in the sentence too.
#[test]
fn every_fault_is_one_sentence_that_names_the_setting() {
    let dir = Folder::new();
    dir.private("short", "only a few bytes");
    dir.private("empty", "\n");
    dir.private("placeholder", &"changeme".repeat(8));
    dir.private("good", "0123456789abcdefghijklmnopqrstuvwxyz");
    dir.write("shared", "0123456789abcdefghijklmnopqrstuvwxyz");
    let rsa_like = rcgen::KeyPair::generate().unwrap();
    dir.write("p256.pem", &rsa_like.public_key_pem());
    dir.write("private.pem", &rsa_like.serialize_pem());
    let here = dir.0.display().to_string();
    for (text, sentence) in FAULTS {
        let error = dir.load(&text.replace("DIR", &here)).unwrap_err();
        let [fault] = error.faults.as_slice() else { panic!("{text}: {error}") };
        assert_eq!(without_source(fault), sentence.replace("DIR", &here), "{text}");
    }
}

#[rustfmt::skip]
const FAULTS: &[(&str, &str)] = &[
    ("colour = 'red'", "colour: no such setting"),
    ("[server]\nport = 80", "server.port: no such setting"),
    ("limits.frames.per_second = 5", "limits.frames.per_second: no such setting"),
    ("call = 5", "call: must be a table, but is 5"),
    ("server.listen = ':8080'", "server.listen: \":8080\" is no address to listen on; write IP:PORT, such as 127.0.0.1:8080 or 0.0.0.0:443"),
    ("server.listen = 'example.org:80'", "server.listen: \"example.org:80\" is no address to listen on; write IP:PORT, such as 127.0.0.1:8080 or 0.0.0.0:443"),
    ("server.data_dir = ''", "server.data_dir: must name a folder"),
    ("server.public_origins = ['*']", "server.public_origins: \"*\" would let any page connect; name each origin"),
    ("server.public_origins = ['https://*.example.org']", "server.public_origins: \"https://*.example.org\" would let any page connect; name each origin"),
    ("server.public_origins = ['example.org']", "server.public_origins: \"example.org\" is no origin; write it as browsers do, such as https://app.example.org"),
    ("server.public_origins = ['https://example.org/']", "server.public_origins: \"https://example.org/\" is no origin; write it as browsers do, such as https://app.example.org"),
    ("server.public_origins = ['https://Example.org']", "server.public_origins: \"https://Example.org\" is no origin; write it as browsers do, such as https://app.example.org"),
    ("server.public_origins = ['https://example.org:99999']", "server.public_origins: \"https://example.org:99999\" is no origin; write it as browsers do, such as https://app.example.org"),
    ("server.trusted_proxies = ['10.0.0.0/99']", "server.trusted_proxies: \"10.0.0.0/99\" is no network; write an address such as 192.0.2.1, or a network such as 10.0.0.0/8"),
    ("server.trusted_proxies = ['10.0.0.1', 'proxy']", "server.trusted_proxies: \"proxy\" is no network; write an address such as 192.0.2.1, or a network such as 10.0.0.0/8"),
    ("server.dangerous_plain_http = 'yes'", "server.dangerous_plain_http: must be true or false, but is \"yes\""),
    ("server.v1 = 'on'", "server.v1: must be one of \"loopback\", \"open\", \"off\", but is \"on\""),
    ("server.guests = 'open'", "server.guests: must be one of \"loopback\", \"off\", but is \"open\""),
    ("tls.cert_file = 'DIR/good'", "tls.key_file: is missing: tls.cert_file needs its private key"),
    ("tls.key_file = 'DIR/good'", "tls.cert_file: is missing: tls.key_file needs its certificate"),
    ("tls = { cert_file = 'DIR/none', key_file = 'DIR/good' }", "tls.cert_file: cannot read DIR/none: No such file or directory"),
    ("tls = { cert_file = 'DIR/good', key_file = 'DIR/shared' }", "tls.key_file: DIR/shared can be read or changed by others (mode 0644); run: chmod 640 DIR/shared"),
    ("auth.token_secret_file = 'DIR/none'", "auth.token_secret_file: cannot read DIR/none: No such file or directory"),
    ("auth.token_secret_file = 'DIR/shared'", "auth.token_secret_file: DIR/shared can be read or changed by others (mode 0644); run: chmod 600 DIR/shared"),
    ("auth.token_secret_file = 'DIR/empty'", "auth.token_secret_file: DIR/empty is empty; make one with: openssl rand -base64 48"),
    ("auth.token_secret_file = 'DIR/short'", "auth.token_secret_file: DIR/short is too short: 16 bytes, at least 32 are needed"),
    ("auth.token_secret_file = 'DIR/placeholder'", "auth.token_secret_file: DIR/placeholder is no random secret; make one with: openssl rand -base64 48"),
    ("auth = { token_secret_file = 'DIR/good', token_public_key_file = 'DIR/good' }", "auth.token_secret_file: set either this or auth.token_public_key_file, not both"),
    ("auth.token_public_key_file = 'DIR/good'", "auth.token_public_key_file: DIR/good holds no public key in PEM form (-----BEGIN PUBLIC KEY-----)"),
    ("auth.token_public_key_file = 'DIR/p256.pem'", "auth.token_public_key_file: DIR/p256.pem holds a public key that is not Ed25519"),
    ("auth.token_public_key_file = 'DIR/private.pem'", "auth.token_public_key_file: DIR/private.pem holds a private key; this server needs only the public one: openssl pkey -in FILE -pubout"),
    ("auth.audience = ''", "auth.audience: must not be empty"),
    ("store.url = 'mysql:'", "store.url: \"mysql:\" is not understood; write \"sqlite:\" or \"sqlite:/path/to/file.db\""),
    ("call.ring_timeout_s = 14", "call.ring_timeout_s: must be from 15 to 120 seconds, but is 14"),
    ("call.ring_timeout_s = -1", "call.ring_timeout_s: must be a whole number, but is -1"),
    ("call.reach_timeout_s = 61", "call.reach_timeout_s: must be from 5 to 60 seconds, but is 61"),
    ("call.caller_away_s = 0", "call.caller_away_s: must be from 5 to 60 seconds, but is 0"),
    ("call.setup_timeout_s = 0", "call.setup_timeout_s: must be from 5 to 120 seconds, but is 0"),
    ("call.media_lost_s = 0", "call.media_lost_s: must be from 10 to 600 seconds, but is 0"),
    ("call.busy_away_s = 0", "call.busy_away_s: must be from 10 to 600 seconds, but is 0"),
    ("call.abandoned_h = 0", "call.abandoned_h: must be from 1 to 168 hours, but is 0"),
    ("session.resume_s = 4", "session.resume_s: must be from 5 to 600 seconds, but is 4"),
    ("session.hello_timeout_s = 0", "session.hello_timeout_s: must be from 1 to 60 seconds, but is 0"),
    ("session.ping_s = 301", "session.ping_s: must be from 10 to 300 seconds, but is 301"),
    ("session.v1_settle_ms = 1001", "session.v1_settle_ms: must be from 0 to 1000 milliseconds, but is 1001"),
    ("session.pong_timeout_s = 4", "session.pong_timeout_s: must be from 5 to 120 seconds, but is 4"),
    ("session.write_stall_s = 0", "session.write_stall_s: must be from 1 to 60 seconds, but is 0"),
    ("limits.frames.per_minute = 0", "limits.frames.per_minute: must be from 1 to 60000000, but is 0"),
    ("limits.call_requests.burst = 0", "limits.call_requests.burst: must be from 1 to 1000000, but is 0"),
    ("limits.call_requests_pair.burst = 0", "limits.call_requests_pair.burst: must be from 1 to 1000000, but is 0"),
    ("limits.connections.per_minute = 60000001", "limits.connections.per_minute: must be from 1 to 60000000, but is 60000001"),
    ("limits.unauthenticated_per_address = 0", "limits.unauthenticated_per_address: must be from 1 to 1000000, but is 0"),
    ("limits.connections_total = 0", "limits.connections_total: must be from 1 to 1000000, but is 0"),
    ("limits.header_timeout_s = 0", "limits.header_timeout_s: must be from 1 to 60 seconds, but is 0"),
    ("limits.tls_timeout_s = 61", "limits.tls_timeout_s: must be from 1 to 60 seconds, but is 61"),
    ("media.mode = 'on'", "media.mode: must be one of \"relay\", \"stun\", \"off\", but is \"on\""),
    ("media.listen = '3478'", "media.listen: \"3478\" is no address to listen on; write IP:PORT, such as 127.0.0.1:8080 or 0.0.0.0:443"),
    ("media.listen = '127.0.0.1:50000'", "media.relay_ports: must not hold the port of media.listen, 50000"),
    ("media.relay_ports = '60000-50000'", "media.relay_ports: \"60000-50000\" is no range of ports; write FIRST-LAST, such as 49152-65535"),
    ("media.public_ips = ['192.0.2.1', '192.0.2.2']", "media.public_ips: has at most one IPv4 and one IPv6 address"),
    ("media.public_ips = ['0.0.0.0']", "media.public_ips: 0.0.0.0 is no address of a machine"),
    ("media.host = 'a.example:3478'", "media.host: \"a.example:3478\" is no name; write call.example.org, without a port"),
    ("media.secret_file = 'DIR/shared'", "media.secret_file: DIR/shared can be read or changed by others (mode 0644); run: chmod 600 DIR/shared"),
    ("media.kbit_per_s = 8", "media.kbit_per_s: must be from 32 to 1000000 kilobit a second, but is 8"),
    ("media.allocations_per_user = 0", "media.allocations_per_user: must be from 1 to 1000, but is 0"),
    ("media.dangerous_allow_peers = ['home']", "media.dangerous_allow_peers: \"home\" is no network; write an address such as 192.0.2.1, or a network such as 10.0.0.0/8"),
    ("ice.servers = [{ urls = ['turn:a'], username = 'u', credential = 'c', secret_file = 'DIR/good' }]", "ice.servers: an entry has either a username and a credential, or a secret_file"),
    ("ice.servers = [{ urls = [] }]", "ice.servers: an entry has no urls"),
    ("ice.servers = [{ urls = ['stun.example.org'] }]", "ice.servers: \"stun.example.org\" is no ICE server; write stun:HOST or turn:HOST:PORT?transport=udp"),
    ("ice.servers = [{ urls = ['stun://example.org'] }]", "ice.servers: \"stun://example.org\" has slashes; write stun:HOST or turn:HOST:PORT"),
    ("ice.servers = [{ urls = ['turn:example.org'], username = 'u' }]", "ice.servers: \"turn:example.org\" needs a username and a credential, or a secret_file"),
    ("ice.servers = [{ url = 'stun:a' }]", "ice.servers: \"url\" is none of urls, username, credential, secret_file"),
    ("ice.servers = ['stun:a']", "ice.servers: must be a list of { urls = [\"..\"], username = \"..\", credential = \"..\" }"),
    ("echo.enabled = 'yes'", "echo.enabled: must be true or false, but is \"yes\""),
    ("echo.calls = 0", "echo.calls: must be from 1 to 1000, but is 0"),
    ("echo.call_limit_s = 5", "echo.call_limit_s: must be from 10 to 3600 seconds, but is 5"),
    ("log.format = 'xml'", "log.format: must be one of \"text\", \"json\", but is \"xml\""),
    ("log.filter = 'loud'", "log.filter: \"loud\" is no filter; write error, warn, info, debug, trace or off; by part as in \"info,tincan_server::listen=debug\""),
    ("server.v1 = ", "DIR/tincan.toml is not TOML: line 1 cannot be read"),
];

#[test]
fn a_configuration_file_that_is_not_there_is_named() {
    let overrides = Overrides { config_file: Some("/nowhere/tincan.toml".into()), ..Overrides::default() };
    let error = Config::load_with(&overrides, []).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the configuration file /nowhere/tincan.toml: No such file or directory"
    );
}

#[test]
fn a_missing_data_folder_is_made_for_its_owner_alone() {
    let dir = Folder::new();
    let path = dir.0.join("new/data");
    prepare_data_dir(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
}

#[test]
fn a_data_folder_that_cannot_be_made_is_said_in_one_sentence() {
    let dir = Folder::new();
    let path = dir.write("file", "").join("data");
    let error = prepare_data_dir(&path).unwrap_err().to_string();
    let expected = format!(
        "the data folder {} cannot be made: Not a directory; choose another with --data-dir",
        path.display()
    );
    assert_eq!(error, expected);
}

fn without_source(fault: &Fault) -> String {
    Fault { source: None, ..fault.clone() }.to_string()
}

fn setting(key: &str, value: &str, source: &str) -> Setting {
    Setting { key: key.into(), value: value.into(), source: source.into() }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A folder of one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tincan-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        self.with_mode(name, text, 0o644)
    }

    fn private(&self, name: &str, text: &str) -> PathBuf {
        self.with_mode(name, text, 0o600)
    }

    fn with_mode(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn load(&self, toml: &str) -> Result<Loaded, ConfigError> {
        let config_file = Some(self.write("tincan.toml", toml));
        Config::load_with(&Overrides { config_file, ..Overrides::default() }, [])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The keys of default.toml, down to the values that are no tables.
mod toml_keys {
    use figment::providers::{Format, Toml};
    use figment::value::{Dict, Value};

    use super::super::{Config, DEFAULT_TOML};

    pub(super) type Keys = Vec<String>;

    pub(super) fn of(text: &str) -> Keys {
        let mut keys = Keys::new();
        walk(&Toml::from_str(text).unwrap(), "", &mut keys);
        keys
    }

    fn walk(table: &Dict, prefix: &str, keys: &mut Keys) {
        for (key, value) in table {
            let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value.as_dict() {
                Some(inner) => walk(inner, &key, keys),
                None => keys.push(key),
            }
        }
    }

    /// Whether default.toml makes a configuration without one of its keys.
    pub(super) fn suffice_without(key: &str) -> bool {
        let mut all: Dict = Toml::from_str(DEFAULT_TOML).unwrap();
        remove(&mut all, key);
        Value::from(all).deserialize::<Config>().is_ok()
    }

    fn remove(table: &mut Dict, key: &str) {
        match key.split_once('.') {
            None => drop(table.remove(key)),
            Some((head, rest)) => {
                if let Some(Value::Dict(_, inner)) = table.get_mut(head) {
                    remove(inner, rest);
                }
            }
        }
    }
}
