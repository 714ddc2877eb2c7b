//! What an event makes true, and what is said about it.

use tincan_proto::call::{Act, EndReason, Media, RejectReason, Request, Scope};
use tincan_proto::id::{Address, UserId};
use tincan_proto::time::Millis;

use super::past::{Fact, Past};
use crate::kit::number;
use crate::script::Event;

/// All calls there ever were, and what is being told.
#[derive(Default)]
pub(crate) struct Model {
    pasts: Vec<Past>,
    /// Calls that were hung up before they were requested; a restart forgets them.
    overtaken: Vec<u64>,
    told: Vec<(Address, String)>,
}

type Told = Result<(), &'static str>;

impl Model {
    /// What the event brings: for each device, in order, what it is told; or why it is refused.
    pub(crate) fn apply(&mut self, now: Millis, event: &Event) -> Result<Vec<String>, String> {
        self.told.clear();
        match event {
            Event::Request(request) => self.request(now, request)?,
            Event::Act { call, from, act } => self.act(now, number(*call), from, act)?,
            Event::Online { device, rings_at_once } => {
                for n in self.live_of(&device.user) {
                    self.online(now, n, device, *rings_at_once);
                }
            }
            Event::Gone { device, for_good } => {
                for n in self.live_of(&device.user) {
                    self.gone(now, n, device, *for_good);
                }
            }
            Event::Expire => self.expire(now),
            Event::Restart => {
                self.overtaken.clear();
                self.pasts.iter_mut().for_each(|past| past.facts.push((now, Fact::Restarted)));
            }
        }
        self.told.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(self.told.iter().map(|(to, what)| format!("{to}: {what}")).collect())
    }

    pub(crate) fn past(&self, n: u64) -> Option<&Past> {
        self.pasts.iter().find(|past| past.n == n)
    }

    pub(crate) fn pasts(&self) -> impl Iterator<Item = &Past> {
        self.pasts.iter()
    }

    fn fact(&mut self, n: u64, now: Millis, fact: Fact) {
        let past = self.pasts.iter_mut().find(|past| past.n == n).expect("only known calls have facts");
        past.facts.push((now, fact));
    }

    fn tell(&mut self, to: &Address, n: u64, what: &str) {
        let of = if n == 1 { String::new() } else { format!(" [{n}]") };
        self.told.push((to.clone(), format!("{what}{of}")));
    }

    /// Live calls that concern a user.
    fn live_of(&self, user: &UserId) -> Vec<u64> {
        let concerns =
            |past: &&Past| past.over().is_none() && (past.caller.user == *user || past.callee == *user);
        self.pasts.iter().filter(concerns).map(|past| past.n).collect()
    }

    /// The calls that take up a device: it calls, or it took the call.
    fn engaged(&self, device: &Address) -> Vec<&Past> {
        let took = |past: &Past| past.taken().is_some_and(|(winner, _)| winner == *device);
        self.pasts.iter().filter(|p| p.over().is_none() && (p.caller == *device || took(p))).collect()
    }

    fn request(&mut self, now: Millis, request: &Request) -> Told {
        let Request { caller, callee, .. } = request;
        let n = number(request.call);
        match self.past(n) {
            Some(past) if past.over().is_some() => return Err("NoSuchCall"),
            Some(past) if past.caller == *caller && past.callee == *callee => return Ok(()),
            Some(_) => return Err("BadState"),
            None if self.overtaken.contains(&n) => return Err("NoSuchCall"),
            None if caller.user == *callee => return Err("BadState"),
            None => {}
        }
        let with_callee = |past: &Past| past.callee == *callee || past.caller.user == *callee;
        let engaged = self.engaged(caller).into_iter();
        let elsewhere: Vec<u64> = engaged.filter(|past| !with_callee(past)).map(|past| past.n).collect();
        if !elsewhere.is_empty() && !request.moves_on {
            return Err("AlreadyInCall");
        }
        for other in elsewhere {
            self.act(now, other, caller, &Act::HangUp { reason: EndReason::HungUp })?;
        }
        let live = self.live_of(&caller.user).into_iter();
        let between: Vec<u64> = live.filter(|n| self.past(*n).is_some_and(with_callee)).collect();
        let comes_the_other_way = |past: &Past| past.callee == caller.user && past.taken().is_none();
        let met = between.iter().copied().find(|n| self.past(*n).is_some_and(comes_the_other_way));
        let (caller, callee) = (caller.clone(), callee.clone());
        self.pasts.push(Past { n, caller, callee, opened_at: now, facts: Vec::new() });
        match met {
            Some(met) => self.glare(now, n, met, &request.caller),
            None => self.open(now, n, request, &between),
        }
        Ok(())
    }

    fn glare(&mut self, now: Millis, n: u64, met: u64, caller: &Address) {
        self.fact(n, now, Fact::Over { reason: EndReason::Glare, by: None, talk_ms: 0 });
        self.tell(caller, n, &format!("ended glare, {met} goes on"));
        self.take(now, met, caller);
    }

    fn open(&mut self, now: Millis, n: u64, request: &Request, between: &[u64]) {
        for old in between {
            self.end(now, *old, EndReason::Replaced, None);
        }
        if self.pasts.iter().any(|past| past.n != n && past.occupies(now, &request.callee)) {
            self.end(now, n, EndReason::Busy, None);
        } else if request.devices.is_empty() && !request.wait {
            self.end(now, n, EndReason::Unreachable, None);
        } else {
            for (device, at_once) in &request.devices {
                self.online(now, n, device, *at_once);
            }
        }
    }

    fn act(&mut self, now: Millis, n: u64, from: &Address, act: &Act) -> Told {
        let Some(past) = self.past(n).filter(|past| past.over().is_none()) else {
            if matches!(act, Act::HangUp { .. }) && self.past(n).is_none() {
                self.overtaken.push(n);
            }
            return Err("NoSuchCall");
        };
        if past.caller != *from && past.callee != from.user {
            return Err("NoSuchCall");
        }
        let winner = past.taken().map(|(device, _)| device);
        match (act, &winner) {
            (Act::HangUp { reason }, Some(winner)) if *from == past.caller || from == winner => {
                self.end(now, n, *reason, Some(from));
            }
            (Act::HangUp { .. }, None) if *from == past.caller => {
                self.end(now, n, EndReason::Cancelled, Some(from))
            }
            (Act::Media(_), None) => return Err("BadState"),
            (Act::Media(media), Some(winner)) if *from == past.caller || from == winner => {
                self.said(now, n, from, *media)
            }
            (Act::Ringing | Act::Accept | Act::Reject { .. }, _) if *from == past.caller => {
                return Err("BadState");
            }
            (Act::Ringing, Some(_)) => {}
            (Act::Ringing, None) => self.alert(now, n, from)?,
            (Act::Accept, None) if !self.engaged(from).is_empty() => return Err("AlreadyInCall"),
            (Act::Accept, None) => self.take(now, n, from),
            (Act::Accept, Some(winner)) if from == winner => {}
            (Act::Reject { scope: Scope::Here, .. }, None) => self.silence(now, n, from)?,
            (Act::Reject { scope: Scope::Here, .. }, Some(winner)) if from == winner => {
                return Err("BadState");
            }
            (Act::Reject { .. }, Some(winner)) if from == winner => {
                self.end(now, n, EndReason::HungUp, Some(from))
            }
            (Act::Reject { reason: RejectReason::Busy, .. }, None) => {
                self.end(now, n, EndReason::Busy, Some(from))
            }
            (Act::Reject { .. } | Act::HangUp { .. }, None) => {
                self.end(now, n, EndReason::Declined, Some(from))
            }
            (Act::Accept | Act::Reject { .. } | Act::HangUp { .. } | Act::Media(_), Some(_)) => {
                return Err("AlreadyAnswered");
            }
        }
        Ok(())
    }

    fn alert(&mut self, now: Millis, n: u64, from: &Address) -> Told {
        let past = self.past(n).filter(|past| past.handed().contains(from)).ok_or("NoSuchCall")?;
        if !past.alerted(from) && !past.silenced(from) {
            let caller = past.caller.clone();
            self.fact(n, now, Fact::Alerted(from.clone()));
            self.tell(&caller, n, &format!("{from} rings"));
        }
        Ok(())
    }

    fn silence(&mut self, now: Millis, n: u64, from: &Address) -> Told {
        self.past(n).filter(|past| past.handed().contains(from)).ok_or("NoSuchCall")?;
        self.fact(n, now, Fact::Silenced(from.clone()));
        Ok(())
    }

    fn take(&mut self, now: Millis, n: u64, by: &Address) {
        let past = self.past(n).expect("it is live").clone();
        self.fact(n, now, Fact::Taken(by.clone()));
        self.tell(by, n, &format!("{by} accepted, peer {}", past.caller));
        self.tell(&past.caller, n, &format!("{by} accepted, peer {by}"));
        for other in past.handed().iter().filter(|device| *device != by) {
            self.tell(other, n, &format!("ended answered_elsewhere by {by}"));
        }
    }

    fn said(&mut self, now: Millis, n: u64, from: &Address, media: Media) {
        if self.past(n).is_some_and(|past| past.last_said(from) != Some(media)) {
            self.fact(n, now, Fact::Said(from.clone(), media));
        }
    }

    fn online(&mut self, now: Millis, n: u64, device: &Address, at_once: bool) {
        let past = self.past(n).expect("it is live").clone();
        if *device == past.caller || past.taken().is_some() {
            return self.fact(n, now, Fact::Back(device.clone()));
        }
        let left = (past.opened_at.0 + 45_000).saturating_sub(now.0);
        if device.user != past.callee || left == 0 {
            return;
        }
        let known = past.handed().contains(device);
        if known {
            self.fact(n, now, Fact::Back(device.clone()));
        } else {
            self.fact(n, now, Fact::Handed { device: device.clone(), at_once });
        }
        if !past.silenced(device) && (!known || at_once) {
            self.tell(device, n, &format!("ring from {} for {left}", past.caller));
        }
        if !known {
            self.tell(&past.caller, n, &format!("delivered to {}", past.handed().len() + 1));
            if at_once {
                self.tell(&past.caller, n, &format!("{device} rings"));
            }
        }
    }

    fn gone(&mut self, now: Millis, n: u64, device: &Address, for_good: bool) {
        let past = self.past(n).expect("it is live");
        if *device == past.caller && for_good && past.taken().is_none() {
            return self.end(now, n, EndReason::Cancelled, Some(device));
        }
        self.fact(n, now, Fact::Away(device.clone()));
    }

    fn expire(&mut self, now: Millis) {
        let mut due: Vec<_> =
            self.pasts.iter().filter_map(|past| Some((past.n, past.end_by_time()?))).collect();
        due.sort_by_key(|(n, (at, _))| (*at, *n));
        for (n, (at, reason)) in due {
            if at <= now {
                self.end(now, n, reason, None);
            }
        }
    }

    fn end(&mut self, now: Millis, n: u64, reason: EndReason, by: Option<&Address>) {
        let past = self.past(n).expect("it is live").clone();
        let talk_ms = past.connected_at().map_or(0, |at| now.0 - at.0);
        self.fact(n, now, Fact::Over { reason, by: by.cloned(), talk_ms });
        let by_whom = by.map_or(String::new(), |by| format!(" by {by}"));
        self.tell(&past.caller, n, &format!("ended {}{by_whom}", reason.as_str()));
        let rejected = past.taken().is_none() && by.is_some_and(|by| by.user == past.callee);
        let legs = past.taken().map_or_else(|| past.handed(), |(winner, _)| vec![winner]);
        for device in legs {
            let own = !rejected || by == Some(&device);
            let word = if own { reason } else { EndReason::DeclinedElsewhere };
            self.tell(&device, n, &format!("ended {}{by_whom}", word.as_str()));
        }
    }
}
