//! What is wrong with a configuration.

use std::fmt;

/// One thing that is wrong, as one sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The setting, such as `call.ring_timeout_s`; empty if it is not about one setting.
    pub key: String,
    /// What is wrong and what would be right.
    pub text: String,
    /// Where the setting was set; `None` if it is the default.
    pub source: Option<String>,
}

impl Fault {
    pub(super) fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: key.into(), text: text.into(), source: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)?;
        match &self.source {
            Some(source) => write!(f, " (set by {source})"),
            None => Ok(()),
        }
    }
}

/// Why there is no configuration: all faults, at least one. `Display` puts each on its own line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    /// In the order in which they were found.
    pub faults: Vec<Fault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
