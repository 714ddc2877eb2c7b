//! The folder for everything that is kept.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::secret::plain;

/// Why nothing can be kept. One sentence.
#[derive(Debug, thiserror::Error)]
#[error("the data folder {} cannot be {tried}: {}; choose another with --data-dir", path.display(), plain(reason))]
pub struct DataDirError {
    path: PathBuf,
    tried: &'static str,
    reason: std::io::Error,
}

/// Makes the folder with mode 0700 if it is missing, and proves that files can be written in it.
///
/// # Errors
/// It cannot be made, or it cannot be written.
pub fn prepare_data_dir(path: &Path) -> Result<(), DataDirError> {
    let fault = |tried| move |reason| DataDirError { path: path.to_owned(), tried, reason };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fault("made"))?;
    let probe = path.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, b"").map_err(fault("written"))?;
    fs::remove_file(&probe).map_err(fault("written"))
}
