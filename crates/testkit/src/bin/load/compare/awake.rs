//! What has the rest of the server's core.
//!
//! A core with nothing to do halts, and in a virtual machine it comes back when the host pleases: milliseconds later, now
//! and then, and the latencies of whoever was to run there tell of it. A process of the idle class gives way at once and
//! leaves the core no time to halt. It also knows how much was left: what neither it nor the server had, others took.
//!
//! For latencies only: a server that is woken beside it pays for more of what that takes.

use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use super::running::SERVER_CORE;

/// It runs until this is dropped, or this process ends.
pub(crate) struct Awake(Child);

impl Awake {
    pub(crate) fn start() -> Result<Self> {
        // `chrt` and `taskset` become it, so that the child's pid is its own.
        let child = Command::new("chrt")
            .args(["--idle", "0", "taskset", "-c", SERVER_CORE])
            .arg(std::env::current_exe()?)
            .arg("awake")
            .stdin(Stdio::piped())
            .spawn()
            .context("starting what keeps the server's core awake, by chrt and taskset")?;
        Ok(Self(child))
    }

    /// Has the load know of it.
    pub(crate) fn beside<'a>(&self, load: &'a mut Command) -> &'a mut Command {
        load.args(["--awake", &self.0.id().to_string()])
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
