//! What Linux says of this process. Elsewhere, and where it says nothing, these metrics have no value.

use rustix::process::{Resource, getrlimit};

use super::table as name;
use super::text::Text;

pub(super) fn write(text: &mut Text) {
    text.metric(name::MEMORY);
    if let Some(bytes) = resident() {
        text.number(&[], bytes);
    }
    text.metric(name::DESCRIPTORS);
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // Without the one that reads the folder.
        text.number(&[], open.count().saturating_sub(1) as u64);
    }
    text.metric(name::DESCRIPTORS_MAX);
    if let Some(most) = getrlimit(Resource::Nofile).current {
        text.number(&[], most);
    }
}

fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
