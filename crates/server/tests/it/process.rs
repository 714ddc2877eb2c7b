//! The real program, in a process of its own: to be killed, told to stop, or refused.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

/// Settings that take away the limits on how often.
pub(crate) const ROOMY: [(&str, &str); 8] = [
    ("TINCAN_LIMITS__FRAMES__PER_MINUTE", "1000000"),
    ("TINCAN_LIMITS__FRAMES__BURST", "100000"),
    ("TINCAN_LIMITS__CALL_REQUESTS__PER_MINUTE", "1000000"),
    ("TINCAN_LIMITS__CALL_REQUESTS__BURST", "100000"),
    ("TINCAN_LIMITS__CALL_REQUESTS_PAIR__PER_MINUTE", "1000000"),
    ("TINCAN_LIMITS__CALL_REQUESTS_PAIR__BURST", "100000"),
    ("TINCAN_LIMITS__CONNECTIONS__PER_MINUTE", "1000000"),
    ("TINCAN_LIMITS__CONNECTIONS__BURST", "100000"),
];

/// A running server. Dropped, it is killed and reaped.
pub(crate) struct Process {
    pub(crate) addr: SocketAddr,
    child: Child,
    log: NamedTempFile,
}

impl Process {
    /// Starts it on any free port and waits until it listens.
    pub(crate) fn start(data_dir: &Path, settings: &[(&str, &str)]) -> Self {
        let log = NamedTempFile::new().unwrap();
        let mut child = command(data_dir, settings)
            .stdout(Stdio::piped())
            .stderr(File::create(log.path()).unwrap())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
        let port = greeting.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let Some(port) = port else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("it did not start: {greeting}{}", std::fs::read_to_string(log.path()).unwrap());
        };
        Self { addr: SocketAddr::from(([127, 0, 0, 1], port)), child, log }
    }

    /// SIGKILL: it has no time for anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM. Returns how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// The memory that it holds, in bytes, without that of the program itself.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Where the operator reads, if that is served.
    pub(crate) fn metrics(&self) -> SocketAddr {
        let log = self.log();
        let (_, behind) = log.split_once("metrics.addr=").unwrap();
        behind.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail if it was reaped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it where it cannot run. Returns its exit code and what it wrote to standard error.
pub(crate) fn refused(data_dir: &Path, settings: &[(&str, &str)]) -> (i32, String) {
    let output = command(data_dir, settings).output().unwrap();
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn command(data_dir: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tincan"));
    command.arg("serve").arg("--data-dir").arg(data_dir).env("TINCAN_LISTEN", "127.0.0.1:0");
    command.envs(settings.iter().copied());
    command
}
