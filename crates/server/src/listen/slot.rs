//! A connection's place in the count of all connections, and in that of its address.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

use super::gate::Pass;

/// The place of one connection. An extension of every request; whoever takes the upgraded connection keeps a clone for
/// as long as it uses the connection. The place is free again when the last clone is dropped.
#[derive(Clone)]
pub struct Slot(Arc<Place>);

struct Place {
    _one_of_all: OwnedSemaphorePermit,
    one_of_address: Mutex<Option<Pass>>,
}

impl Slot {
    pub(super) fn new(one_of_all: OwnedSemaphorePermit, one_of_address: Option<Pass>) -> Self {
        Self(Arc::new(Place { _one_of_all: one_of_all, one_of_address: Mutex::new(one_of_address) }))
    }

    /// The other end has proved who it is: it no longer counts against its address.
    pub fn authenticated(&self) {
        self.0.one_of_address.lock().take();
    }

    pub(super) fn counts_for(&self, address: Pass) {
        *self.0.one_of_address.lock() = Some(address);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("authenticated", &self.0.one_of_address.lock().is_none()).finish()
    }
}
