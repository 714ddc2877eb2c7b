//! `tincan doctor`: everything that can be known before a start, each with what to do about it.
//!
//! It makes no folder and no database, and may run beside the server.

mod checks;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::config::{Config, Overrides};

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    Ok,
    /// It works, but less well than it could.
    Warning,
    /// It will not work.
    Fault,
}

/// One line of the report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    pub state: State,
    /// What was looked at, in one or two words.
    pub what: &'static str,
    pub found: String,
    /// What to do; `None` if there is nothing to do, or `found` says it.
    pub remedy: Option<String>,
}

/// All checks. `Display` is the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report(pub Vec<Check>);

impl Report {
    /// Whether something will not work.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.0.iter().any(|check| check.state == State::Fault)
    }
}

/// Looks at the configuration and at this machine.
///
/// `database` opens the database, which exists, and says what it found, or in one sentence why it cannot be used; `relay`
/// does so of the relay of the server that runs.
pub async fn examine<F, G>(overrides: &Overrides, database: F, relay: G) -> Report
where
    F: AsyncFnOnce(&Config) -> Result<String, String>,
    G: AsyncFnOnce(&Config) -> Result<String, String>,
{
    let mut checks = Vec::new();
    match Config::load_and_tell(overrides) {
        Ok(loaded) => {
            checks.push(checks::configuration(&loaded));
            let config = loaded.config;
            checks.push(checks::address(&config).await);
            checks.push(checks::data_dir(&config));
            checks.push(checks::database(&config, database).await);
            checks.push(checks::descriptors(&config));
            checks.push(checks::transport(&config));
            checks.push(checks::identity(&config));
            checks.push(checks::ways(&config));
            checks.extend(checks::relay(&config, relay).await);
        }
        Err(e) => checks.extend(e.faults.iter().map(checks::misconfigured)),
    }
    checks.push(checks::clock(std::time::SystemTime::now()));
    Report(checks)
}

impl Check {
    fn new(state: State, what: &'static str, found: impl Into<String>) -> Self {
        Self { state, what, found: found.into(), remedy: None }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Check { state, what, found, remedy }) in self.0.iter().enumerate() {
            let line_end = if i > 0 { "\n" } else { "" };
            write!(f, "{line_end}{state:<8} {what:<14} {found}")?;
            if let Some(remedy) = remedy {
                write!(f, "\n{:<23} -> {remedy}", "")?;
            }
        }
        Ok(())
    }
}
