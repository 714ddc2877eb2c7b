//! Connections: each direction keeps order and loses its tail when the connection dies. Different connections are as
//! slow as they like, so what two devices say is reordered.

use std::collections::VecDeque;

use super::frames::{Down, Event, Up};
use super::world::World;

/// One connection of one device.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) device: usize,
    up: VecDeque<Up>,
    down: VecDeque<Down>,
    up_at: u64,
    down_at: u64,
    /// Nothing passes any more.
    pub(crate) dead: bool,
    /// The server has closed it, or never took it.
    pub(crate) closed: bool,
}

impl World {
    pub(crate) fn connect(&mut self, device: usize) -> usize {
        let (up, down) = (VecDeque::new(), VecDeque::new());
        self.conns.push(Conn { device, up, down, up_at: 0, down_at: 0, dead: false, closed: false });
        self.conns.len() - 1
    }

    fn delay(&mut self) -> u64 {
        match self.rng.below(20) {
            0 => self.rng.between(200, 2_000),
            1..4 => self.rng.between(50, 300),
            _ => self.rng.between(2, 60),
        }
    }

    pub(crate) fn send_up(&mut self, conn: usize, packet: Up) {
        let at = self.now + self.delay();
        let link = &mut self.conns[conn];
        if !link.dead {
            link.up_at = link.up_at.max(at);
            link.up.push_back(packet);
            let at = link.up_at;
            self.at(at, Event::Up(conn));
        }
    }

    pub(crate) fn send_down(&mut self, conn: usize, packet: Down) {
        let at = self.now + self.delay();
        let link = &mut self.conns[conn];
        if !link.dead {
            link.down_at = link.down_at.max(at);
            link.down.push_back(packet);
            let at = link.down_at;
            self.at(at, Event::Down(conn));
        }
    }

    pub(crate) fn next_up(&mut self, conn: usize) -> Option<Up> {
        self.conns[conn].up.pop_front()
    }

    pub(crate) fn next_down(&mut self, conn: usize) -> Option<Down> {
        self.conns[conn].down.pop_front()
    }

    /// The connection dies with all that is under way. Each side learns of it in its own time.
    pub(crate) fn cut(&mut self, conn: usize, client_after: u64, server_after: u64) {
        let link = &mut self.conns[conn];
        if link.dead {
            return;
        }
        link.dead = true;
        link.up.clear();
        link.down.clear();
        self.after(client_after, Event::ClientNotices(conn));
        self.after(server_after, Event::ServerNotices(conn));
    }
}
