//! Story: the TURN client that others wrote is served by our relay, and the TURN server that others wrote shows that our own
//! tests can fail.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tincan_testkit::turn::Credentials;
use tincan_turn::credential::Secrets;
use tincan_turn::stun::{Class, Method, TransactionId, Writer};

use crate::media::{IPV4, IPV6, credentials, reached};
use crate::tls::Secure;
use crate::ways;

/// What their client does: it is many in pairs, who send packets of 172 bytes through both relays. By Send indications,
/// because the channels that it asks for are those of RFC 5766, three in four of which RFC 8656 has no more.
const LOAD: [&str; 6] = ["-y", "-s", "-c", "-l", "172", "127.0.0.1"];

/// Lets their client load the relay.
async fn load(way: &[&str], port: u16, Credentials { username, password }: &Credentials) {
    let mut client = Command::new("turnutils_uclient");
    client.args(way).args(["-p", &port.to_string(), "-u", username, "-w", password]).args(LOAD);
    // The server that it talks to is on this thread.
    let output = tokio::task::spawn_blocking(move || client.output()).await.unwrap();
    let output = output.expect("turnutils_uclient: it comes with coturn, which tools/setup installs");
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{way:?}: {}: {said}{wrong}", output.status);
    assert!(said.contains("Total lost packets 0 (0.000000%)"), "{way:?}: {said}");
}

#[tokio::test]
async fn a_client_that_others_wrote_is_served_by_udp_tcp_and_tls() {
    // It is many clients under one name.
    let secure = Secure::start_with(|config| config.media.allocations_per_user = 100).await;
    let mut alice = secure.guest("alice", "web", secure.connect().await).await;
    let servers = ways::before_a_call(&mut alice).await;
    let (credentials, port) = (ways::credentials(&servers), ways::place(&servers).port());
    let web = secure.server.addr.port();
    tokio::join!(
        load(&["-m", "10", "-n", "40", "-z", "5"], port, &credentials),
        load(&["-t", "-m", "10", "-n", "40", "-z", "5"], port, &credentials),
        // Slowly: of what it reads from TLS in one go it takes the first frame only.
        load(&["-t", "-S", "-m", "2", "-n", "3", "-z", "1000"], web, &credentials)
    );
}

/// Longer than their server takes to start.
const SOON: Duration = Duration::from_secs(5);

/// A TURN server that others wrote, told nothing of whom it may relay to. Dropped, it is killed and reaped.
struct Turnserver {
    addr: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Turnserver {
    fn start(secret: &str) -> Self {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            // It cannot choose a free port by itself, and somebody may be faster: then it does not answer.
            let addr = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
            let process = Command::new("turnserver")
                .args(["-n", "--no-cli", "--no-tcp", "--no-tls", "--no-dtls", "--log-file=stdout"])
                .args(["--listening-ip=127.0.0.1", "--pidfile=pid", "--userdb=users"])
                .args(["--realm=others", "--use-auth-secret", &format!("--static-auth-secret={secret}")])
                .args(relay_ips().map(|ip| format!("--relay-ip={ip}")))
                .arg(format!("--listening-port={}", addr.port()))
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("turnserver: it comes with coturn, which tools/setup installs");
            let mut server = Self { addr, process, _folder: folder };
            if server.answers() {
                return server;
            }
        }
        panic!("turnserver does not answer");
    }

    /// Whether it answers a Binding, soon.
    fn answers(&mut self) -> bool {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(self.addr).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (mut question, started) = (Vec::new(), Instant::now());
        Writer::new(&mut question, Class::Request, Method::BINDING, TransactionId([1; 12]));
        while started.elapsed() < SOON && self.process.try_wait().unwrap().is_none() {
            // While nobody listens there, either may say so.
            if socket.send(&question).and_then(|_| socket.recv(&mut [0; 512])).is_ok() {
                return true;
            }
        }
        false
    }
}

impl Drop for Turnserver {
    fn drop(&mut self) {
        // Both fail if it was reaped already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where it can relay: not every machine has IPv6.
fn relay_ips() -> impl Iterator<Item = IpAddr> {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    loopback.into_iter().filter(|ip| UdpSocket::bind((*ip, 0)).is_ok())
}

#[tokio::test]
async fn what_finds_no_way_through_our_relay_finds_many_through_one_that_lets_everything_pass() {
    let others = Turnserver::start("hush");
    let families: Vec<u8> = relay_ips().map(|ip| if ip.is_ipv4() { IPV4 } else { IPV6 }).collect();
    let reached = reached(others.addr, &credentials(&Secrets::new(b"hush", []), "alice"), &families).await;
    // 17 of 21 with coturn 4.6.1; 12 of them are IPv4.
    assert!(reached.len() >= 12 && reached.contains(&"169.254.169.254"), "{reached:?}");
}
