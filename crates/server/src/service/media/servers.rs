//! Which ICE servers a client is told, and the credentials that it gets for them.

use serde_json::{Value, json};
use tincan_proto::time::Millis;
use tincan_turn::credential::Secrets as Minting;

use super::secrets::{SecretError, Secrets};
use crate::bus::{IcePurpose, IceRequest, IceServers};
use crate::config::{Config, IceServer, MediaMode, Secret};
use crate::places::own_host;

/// How long credentials make a new relay, in seconds: for a call, to try, and for a page that asks once.
const CALL_S: u64 = 600;
const TRIAL_S: u64 = 60;
const PAGE_S: u64 = 3600;

/// What user names say in the place of a call if they are for none.
const TRIAL: &str = "trial";
const PAGE: &str = "page";

/// All servers that clients are told.
#[derive(Debug)]
pub(super) struct Servers {
    own: Option<Own>,
    external: Vec<External>,
    relay_only: bool,
}

/// This server's.
#[derive(Debug)]
struct Own {
    secrets: Secrets,
    /// The name that clients are told; else the one they came by.
    host: Option<String>,
    /// The port of STUN and TURN.
    port: u16,
    relays: bool,
    /// The port of TURN over TLS.
    tls_port: Option<u16>,
}

/// Somebody else's.
#[derive(Debug)]
struct External {
    urls: Vec<String>,
    credential: Credential,
}

enum Credential {
    None,
    Fixed(String, Secret<String>),
    /// Made anew for each, with the secret that its server knows too.
    Made(Minting),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(..) => "Fixed(…)",
            Self::Made(_) => "Made(…)",
        })
    }
}

impl Servers {
    /// Only those of others.
    ///
    /// # Errors
    /// [`SecretError`] if a secret that is shared with one of them cannot be read.
    pub(super) fn external(config: &Config) -> Result<Self, SecretError> {
        let external = config.ice.servers.iter().map(External::new).collect::<Result<_, _>>()?;
        Ok(Self { own: None, external, relay_only: config.media.relay_only })
    }

    /// This server's, and those of others. `web_port`: of TURN over TLS; `port`: of everything else.
    ///
    /// # Errors
    /// As [`Self::external`].
    pub(super) fn own(
        config: &Config,
        secrets: Secrets,
        web_port: u16,
        port: u16,
    ) -> Result<Self, SecretError> {
        let own = Own {
            secrets,
            host: own_host(config),
            port,
            relays: config.media.mode == MediaMode::Relay,
            tls_port: config.tls.files().map(|_| web_port),
        };
        Ok(Self { own: Some(own), ..Self::external(config)? })
    }

    /// The answer to someone who asks.
    pub(super) fn answer(&self, now: Millis, request: &IceRequest) -> IceServers {
        let (call, ttl_s) = match request.purpose {
            IcePurpose::Call(call) => (Some(call.to_string()), CALL_S),
            IcePurpose::Trial => (Some(TRIAL.to_owned()), TRIAL_S),
            IcePurpose::Page => (Some(PAGE.to_owned()), PAGE_S),
            IcePurpose::Nobody => (None, 0),
        };
        let expires = now.0 / 1000 + ttl_s;
        let mut list = Vec::new();
        if let Some(own) = &self.own {
            own.list(request, call.as_deref(), expires, &mut list);
        }
        for external in &self.external {
            list.extend(external.entry(request, call.as_deref(), expires));
        }
        IceServers { servers: Value::Array(list).to_string().into(), relay_only: self.relay_only, ttl_s }
    }
}

impl Own {
    fn list(&self, request: &IceRequest, call: Option<&str>, expires: u64, list: &mut Vec<Value>) {
        let Some(host) = self.host.as_deref().or(request.host.as_deref()) else { return };
        let port = self.port;
        list.push(json!({ "urls": [format!("stun:{host}:{port}")] }));
        let Some(call) = call.filter(|_| self.relays) else { return };
        let mut urls = vec![format!("turn:{host}:{port}"), format!("turn:{host}:{port}?transport=tcp")];
        urls.extend(self.tls_port.map(|port| format!("turns:{host}:{port}?transport=tcp")));
        let (username, credential) = self.secrets.current().mint(expires, call, &request.user);
        list.push(json!({ "urls": urls, "username": username, "credential": credential }));
    }
}

impl External {
    fn new(server: &IceServer) -> Result<Self, SecretError> {
        let credential = match (&server.secret_file, &server.username, &server.credential) {
            (Some(path), ..) => Credential::Made(Secrets::read(path)?),
            (None, Some(username), Some(credential)) => {
                Credential::Fixed(username.clone(), credential.clone())
            }
            (None, ..) => Credential::None,
        };
        Ok(Self { urls: server.urls.clone(), credential })
    }

    /// `None` if a relay is not for this one.
    fn entry(&self, request: &IceRequest, call: Option<&str>, expires: u64) -> Option<Value> {
        let urls = &self.urls;
        match &self.credential {
            Credential::None => Some(json!({ "urls": urls })),
            Credential::Fixed(username, credential) => {
                Some(json!({ "urls": urls, "username": username, "credential": credential.expose() }))
            }
            Credential::Made(minting) => {
                let (username, credential) = minting.mint(expires, call?, &request.user);
                Some(json!({ "urls": urls, "username": username, "credential": credential }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_700_000_000_000);

    fn servers(change: impl FnOnce(&mut Config)) -> Servers {
        let mut config = Config::default();
        change(&mut config);
        let secrets = Secrets::of(b"a secret that is long enough, really");
        Servers::own(&config, secrets, 443, 3478).unwrap()
    }

    fn ask(servers: &Servers, purpose: IcePurpose) -> (Value, u64) {
        let request = IceRequest { purpose, user: "alice".into(), host: Some("here.example".into()) };
        let answer = servers.answer(NOW, &request);
        (serde_json::from_str(&answer.servers).unwrap(), answer.ttl_s)
    }

    #[test]
    fn a_call_gets_a_relay_by_the_name_that_the_client_came_by() {
        let call = tincan_proto::id::CallId::from_bytes([0; 16]);
        let (list, ttl_s) = ask(&servers(|_| {}), IcePurpose::Call(call));
        assert_eq!(list[0], json!({ "urls": ["stun:here.example:3478"] }));
        let urls = json!(["turn:here.example:3478", "turn:here.example:3478?transport=tcp"]);
        assert_eq!(list[1]["urls"], urls);
        assert_eq!(list[1]["username"], format!("{}:{call}:alice", 1_700_000_000 + ttl_s));
    }

    #[test]
    fn with_a_certificate_there_is_a_relay_by_tls_and_a_name_that_is_set_wins() {
        let servers = servers(|config| {
            config.tls.cert_file = Some("cert.pem".into());
            config.tls.key_file = Some("key.pem".into());
            config.server.public_origins = vec!["https://call.example.org:8443".into()];
        });
        let (list, _) = ask(&servers, IcePurpose::Trial);
        assert_eq!(list[1]["urls"][2], "turns:call.example.org:443?transport=tcp");
    }

    #[test]
    fn nobody_gets_no_relay() {
        let servers = servers(|config| {
            config.ice.servers = vec![IceServer {
                urls: vec!["stun:elsewhere.example".into()],
                username: None,
                credential: None,
                secret_file: None,
            }];
        });
        let (list, _) = ask(&servers, IcePurpose::Nobody);
        assert_eq!(
            list,
            json!([{ "urls": ["stun:here.example:3478"] }, { "urls": ["stun:elsewhere.example"] }])
        );
    }
}
