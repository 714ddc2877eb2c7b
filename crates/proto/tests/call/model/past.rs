//! What took effect in one call, and the questions that can be asked of it.

use tincan_proto::call::{EndReason, Media};
use tincan_proto::id::{Address, UserId};
use tincan_proto::time::Millis;

/// Something that took effect.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Handed { device: Address, at_once: bool },
    Back(Address),
    Away(Address),
    Alerted(Address),
    Silenced(Address),
    Taken(Address),
    Said(Address, Media),
    Restarted,
    Over { reason: EndReason, by: Option<Address>, talk_ms: u64 },
}

/// One call's facts in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) n: u64,
    pub(crate) caller: Address,
    pub(crate) callee: UserId,
    pub(crate) opened_at: Millis,
    pub(crate) facts: Vec<(Millis, Fact)>,
}

const fn later(at: Millis, seconds: u64) -> Millis {
    Millis(at.0 + seconds * 1000)
}

impl Past {
    /// Who took the call, and when.
    pub(crate) fn taken(&self) -> Option<(Address, Millis)> {
        self.facts.iter().find_map(|(at, fact)| match fact {
            Fact::Taken(device) => Some((device.clone(), *at)),
            _ => None,
        })
    }

    /// When, why, by whom, and how long they talked.
    pub(crate) fn over(&self) -> Option<(Millis, EndReason, Option<Address>, u64)> {
        self.facts.iter().find_map(|(at, fact)| match fact {
            Fact::Over { reason, by, talk_ms } => Some((*at, *reason, by.clone(), *talk_ms)),
            _ => None,
        })
    }

    pub(crate) fn handed(&self) -> Vec<Address> {
        let device =
            |fact: &Fact| if let Fact::Handed { device, .. } = fact { Some(device.clone()) } else { None };
        self.facts.iter().filter_map(|(_, fact)| device(fact)).collect()
    }

    pub(crate) fn alerted(&self, device: &Address) -> bool {
        self.facts.iter().any(|(_, fact)| match fact {
            Fact::Alerted(who) => who == device,
            Fact::Handed { device: who, at_once } => who == device && *at_once,
            _ => false,
        })
    }

    pub(crate) fn silenced(&self, device: &Address) -> bool {
        self.facts.iter().any(|(_, fact)| matches!(fact, Fact::Silenced(who) if who == device))
    }

    /// Whether a device of the callee rings or talks.
    pub(crate) fn takes_part(&self, device: &Address) -> bool {
        match self.taken() {
            Some((winner, _)) => winner == *device,
            None => self.handed().contains(device) && !self.silenced(device),
        }
    }

    /// Since when a device is without a connection.
    pub(crate) fn away_since(&self, device: &Address) -> Option<Millis> {
        self.facts.iter().fold(None, |since, (at, fact)| match fact {
            Fact::Away(who) if who == device => since.or(Some(*at)),
            Fact::Back(who) | Fact::Taken(who) | Fact::Handed { device: who, .. } if who == device => None,
            Fact::Restarted => Some(*at),
            _ => since,
        })
    }

    /// Since when no device can ring, as far as that is held against the call.
    fn unreached_since(&self) -> Option<Millis> {
        let mut since = Some(self.opened_at);
        for (n, (at, fact)) in self.facts.iter().enumerate() {
            let so_far = Self { facts: self.facts[..=n].to_vec(), ..self.clone() };
            let handed = so_far.handed();
            let silenced = handed.iter().any(|device| so_far.silenced(device));
            since = match fact {
                Fact::Handed { .. } => None,
                Fact::Back(device) if handed.contains(device) && !so_far.silenced(device) => None,
                Fact::Away(device) if handed.contains(device) => {
                    let all_away = handed.iter().all(|device| so_far.away_since(device).is_some());
                    if all_away && !silenced { since.or(Some(*at)) } else { since }
                }
                Fact::Restarted if !silenced => Some(*at),
                _ => since,
            };
        }
        since
    }

    /// What a device said of its media last.
    fn said(&self, device: &Address, facts: usize) -> Option<Media> {
        self.facts[..facts].iter().rev().find_map(|(_, fact)| match fact {
            Fact::Said(who, media) if who == device => Some(*media),
            _ => None,
        })
    }

    pub(crate) fn last_said(&self, device: &Address) -> Option<Media> {
        self.said(device, self.facts.len())
    }

    /// When both had said for the first time that they hear something.
    pub(crate) fn connected_at(&self) -> Option<Millis> {
        let (winner, _) = self.taken()?;
        (1..=self.facts.len()).find_map(|n| {
            let up = |device| self.said(device, n) == Some(Media::Connected);
            (up(&self.caller) && up(&winner)).then_some(self.facts[n - 1].0)
        })
    }

    /// Since when a device is without media, as far as that counts.
    pub(crate) fn lost_since(&self, device: &Address) -> Option<Millis> {
        self.facts.iter().fold(None, |since, (at, fact)| match fact {
            Fact::Said(who, Media::Lost) if who == device => Some(*at),
            Fact::Said(who, Media::Connected) if who == device => None,
            Fact::Restarted => since.map(|_| *at),
            _ => since,
        })
    }

    fn restarted_at(&self) -> Option<Millis> {
        self.facts.iter().rev().find(|(_, fact)| matches!(fact, Fact::Restarted)).map(|(at, _)| *at)
    }

    /// When time alone ends the call, and why. Where two limits meet, the one that is named first.
    pub(crate) fn end_by_time(&self) -> Option<(Millis, EndReason)> {
        if self.over().is_some() {
            return None;
        }
        let ends: Vec<(Millis, EndReason)> = match self.taken() {
            None => {
                let ring = Some((later(self.opened_at, 45), EndReason::NoAnswer));
                let reach = self.unreached_since().map(|at| (later(at, 15), EndReason::Unreachable));
                let ghost = self.away_since(&self.caller).map(|at| (later(at, 15), EndReason::Cancelled));
                [ring, reach, ghost].into_iter().flatten().collect()
            }
            Some((_, taken_at)) if self.connected_at().is_none() => {
                let from = self.restarted_at().map_or(taken_at, |at| at.max(taken_at));
                vec![(later(from, 20), EndReason::MediaFailed)]
            }
            Some((winner, _)) => {
                let both = |a: Option<Millis>, b: Option<Millis>| Some(a?.max(b?));
                let lost = both(self.lost_since(&self.caller), self.lost_since(&winner));
                let away = both(self.away_since(&self.caller), self.away_since(&winner));
                let limits = [lost.map(|at| later(at, 60)), away.map(|at| later(at, 86_400))];
                limits.into_iter().flatten().map(|at| (at, EndReason::ConnectionLost)).collect()
            }
        };
        ends.into_iter().min_by_key(|(at, _)| *at)
    }

    /// Whether the call makes a user busy.
    pub(crate) fn occupies(&self, now: Millis, user: &UserId) -> bool {
        let here = |device: &Address| self.away_since(device).is_none_or(|at| now < later(at, 60));
        if self.over().is_some() {
            return false;
        }
        if self.caller.user == *user {
            return here(&self.caller);
        }
        let rings = |device: &Address| self.alerted(device) && !self.silenced(device);
        match self.taken() {
            Some((winner, _)) => winner.user == *user && here(&winner),
            None => self.callee == *user && self.handed().iter().any(|device| rings(device) && here(device)),
        }
    }
}
