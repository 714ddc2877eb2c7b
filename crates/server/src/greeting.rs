//! What the operator reads when the server is up.

use std::net::SocketAddr;

use tincan_server::config::Config;

/// Made before the configuration is handed to the node, told when the node has its address.
pub(crate) struct Greeting {
    scheme: &'static str,
    origin: Option<String>,
}

impl Greeting {
    pub(crate) fn new(config: &Config) -> Self {
        let scheme = if config.tls.files().is_some() { "https" } else { "http" };
        Self { scheme, origin: config.server.public_origins.first().cloned() }
    }

    /// The text for a server that listens on `addr`.
    pub(crate) fn text(&self, addr: SocketAddr) -> String {
        let Self { scheme, origin } = self;
        let ip = addr.ip();
        let here = if ip.is_loopback() || ip.is_unspecified() {
            format!("{scheme}://localhost:{}", addr.port())
        } else {
            format!("{scheme}://{addr}")
        };
        let open = origin.as_ref().unwrap_or(&here);
        format!(
            "Tincan is listening on {here}\n\
             Open {open}/ in two tabs (or /callerA.html and /callerB.html) and call yourself."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(change: impl FnOnce(&mut Config), addr: &str) -> String {
        let mut config = Config::default();
        change(&mut config);
        Greeting::new(&config).text(addr.parse().unwrap())
    }

    #[test]
    fn it_says_what_to_open_next() {
        let here = "Tincan is listening on http://localhost:8080\n\
                    Open http://localhost:8080/ in two tabs (or /callerA.html and /callerB.html) and call yourself.";
        assert_eq!(text(|_| {}, "127.0.0.1:8080"), here);
        assert_eq!(text(|_| {}, "[::1]:8080"), here);
        assert_eq!(text(|_| {}, "0.0.0.0:8080"), here);
        assert!(
            text(|_| {}, "[2001:db8::1]:80").starts_with("Tincan is listening on http://[2001:db8::1]:80\n")
        );
    }

    #[test]
    fn with_tls_and_an_origin_of_its_own_it_names_those() {
        let change = |config: &mut Config| {
            config.tls.cert_file = Some("cert.pem".into());
            config.tls.key_file = Some("key.pem".into());
            config.server.public_origins = vec!["https://call.example.org".into()];
        };
        let text = text(change, "0.0.0.0:443");
        assert!(
            text.starts_with(
                "Tincan is listening on https://localhost:443\nOpen https://call.example.org/ in"
            ),
            "{text}"
        );
    }
}
