//! A server that runs, on a core of its own, in a folder of its own.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConfig;
use tincan_turn::stun::{Class, Message, Method, TransactionId, Writer};

use super::contender::{CERT_FILE, Contender, KEY_FILE, Places, SECRET_FILE, write_private};
use crate::stream::{Stream, trusting};

/// The core of the server, and that of the load.
pub(crate) const SERVER_CORE: &str = "0";
pub(crate) const LOAD_CORE: &str = "1";

/// How long a server may take to answer after its start.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// A contender that runs, pinned to [`SERVER_CORE`]; ended when dropped.
pub(crate) struct Running {
    contender: Contender,
    places: Places,
    address: SocketAddr,
    dir: PathBuf,
    tls: Option<Arc<ClientConfig>>,
    child: Child,
}

impl Running {
    /// Starts it on a free port of loopback and waits until it is ready.
    pub(crate) fn start(contender: Contender, places: &Places) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let dir =
            std::env::temp_dir().join(format!("tincan-bench-{}-{}", std::process::id(), address.port()));
        fs::create_dir_all(dir.join("data"))?;
        let tls = if contender == Contender::TincanWss { Some(certify(&dir)?) } else { None };
        contender.prepare(address, &dir)?;
        let child = spawn(contender, places, address, &dir)?;
        let mut running = Self { contender, places: places.clone(), address, dir, tls, child };
        running.wait_ready()?;
        Ok(running)
    }

    /// Ends it like a power cut and starts it again at the same address with the same data. Does not wait until it is
    /// ready: those who come back find out.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(self.contender, &self.places, self.address, &self.dir)?;
        Ok(())
    }

    pub(crate) fn contender(&self) -> Contender {
        self.contender
    }

    /// What its certificate is to be checked against, if it has one.
    pub(crate) fn ca(&self) -> Option<PathBuf> {
        self.tls.as_ref().map(|_| self.dir.join(CERT_FILE))
    }

    /// The secret of its relay.
    pub(crate) fn secret_file(&self) -> PathBuf {
        self.dir.join(SECRET_FILE)
    }

    /// Where its relay is, and everything that has no other address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn target(&self) -> String {
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at once: {status}\n{}", self.contender.name(), self.log());
            }
            if self.is_ready().unwrap_or(false) {
                return Ok(());
            }
            if start.elapsed() > READY_WITHIN {
                bail!("{} is not ready after {READY_WITHIN:?}\n{}", self.contender.name(), self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn is_ready(&self) -> Result<bool> {
        let Some(path) = self.contender.ready_path() else { return self.answers_stun() };
        let socket = TcpStream::connect_timeout(&self.address, Duration::from_millis(500))?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        let mut stream = Stream::new(socket, self.tls.as_ref())?;
        let address = self.address;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(&head == b"HTTP/1.1 200")
    }

    fn answers_stun(&self) -> Result<bool> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(self.address)?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        let mut question = Vec::new();
        Writer::new(&mut question, Class::Request, Method::BINDING, TransactionId([0; 12]));
        socket.send(&question)?;
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer)?;
        Ok(Message::parse(&answer[..length])?.class() == Class::Success)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end, and what is left is its directory.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn spawn(contender: Contender, places: &Places, address: SocketAddr, dir: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(dir.join("log"))?;
    // `taskset` becomes the server, so that the child's pid is the server's.
    Command::new("taskset")
        .args(["-c", SERVER_CORE])
        .args(contender.command(places, address, dir))
        .envs(contender.settings(address, dir))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {}", contender.name()))
}

/// Makes a certificate for `localhost` and its key in `dir`. Returns what trusts it.
fn certify(dir: &Path) -> Result<Arc<ClientConfig>> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.self_signed(&key)?;
    let (cert_file, key_file) = (dir.join(CERT_FILE), dir.join(KEY_FILE));
    fs::write(&cert_file, certificate.pem())?;
    write_private(&key_file, &key.serialize_pem())?;
    trusting(&cert_file)
}
