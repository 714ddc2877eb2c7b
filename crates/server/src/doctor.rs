//! `tincan doctor`: what an operator would have to try one by one.
use crate::config::Overrides;
use std::fmt;
pub struct Report;
impl Report {
    pub fn has_faults(&self) -> bool {
        false
    }
}
impl fmt::Display for Report {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
pub async fn examine(_o: &Overrides) -> Report {
    Report
}
