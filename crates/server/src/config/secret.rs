//! Values that must not be seen: what they are wrapped in, and the files that they come from.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Deserialize;

/// A value that never shows itself: `Debug` prints `[secret]`.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: hand it to what needs it, never to a log.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Who but its owner may have access to a file that holds a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// Nobody: mode 0600 or 0400.
    Owner,
    /// The file's group too: mode 0640 or 0440.
    OwnerAndGroup,
}

/// Reads a file that only the right ones may read.
///
/// # Errors
/// What is wrong, as the end of a sentence that began with the name of the setting.
pub(crate) fn read_private(path: &Path, access: Access) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let bytes = read(path)?;
    let mode =
        fs::metadata(path).map_err(|e| format!("cannot read {shown}: {e}"))?.permissions().mode() & 0o777;
    let (forbidden, remedy) = match access {
        Access::Owner => (0o077, "600"),
        Access::OwnerAndGroup => (0o027, "640"),
    };
    if mode & forbidden != 0 {
        return Err(format!(
            "{shown} can be read or changed by others (mode {mode:04o}); run: chmod {remedy} {shown}"
        ));
    }
    Ok(bytes)
}

/// Reads a file.
///
/// # Errors
/// As [`read_private`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("cannot read {}: {}", path.display(), plain(&e)))
}

/// What the system says, without the error's number.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
