//! Runs a driver on the target's seeds, for tests: what the fuzzer once found worth keeping, without the fuzzer.

use std::path::Path;

/// Runs every seed of a target, and names the one that breaks a rule.
pub(crate) fn replay(target: &str, run: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut count = 0;
    for seed in std::fs::read_dir(&seeds).unwrap() {
        let path = seed.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let result = std::panic::catch_unwind(|| run(&bytes));
        assert!(result.is_ok(), "{}: {}", path.display(), bytes.escape_ascii());
        count += 1;
    }
    assert!(count > 0, "{} is empty", seeds.display());
}
