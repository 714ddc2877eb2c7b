//! How many files the process may have open; every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept free for everything that is not a connection: database, logs, certificates, the runtime.
const SPARE: u64 = 128;

/// The limit on open files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Descriptors {
    /// What holds now; `u64::MAX` without a limit.
    pub soft: u64,
    /// Up to which the process may raise it.
    pub hard: u64,
}

impl Descriptors {
    /// What holds for this process.
    #[must_use]
    pub fn now() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        Self { soft: current.unwrap_or(u64::MAX), hard: maximum.unwrap_or(u64::MAX) }
    }

    /// How many connections that is enough for.
    #[must_use]
    pub fn connections(self) -> u64 {
        self.soft.saturating_sub(SPARE).max(1)
    }
}

/// Raises the limit as far as this process may, and returns what holds then. A refusal changes nothing.
pub fn raise_descriptors() -> Descriptors {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: maximum, maximum };
    if let Err(e) = setrlimit(Resource::Nofile, wanted) {
        tracing::debug!(error = %e, "the limit on open files stays as it is");
    }
    Descriptors::now()
}

pub(super) fn for_connections() -> usize {
    usize::try_from(Descriptors::now().connections()).unwrap_or(usize::MAX)
}
