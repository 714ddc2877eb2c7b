//! What a span of a run cost, and how far others disturbed it.

use anyhow::Result;

use crate::{
    report::Report,
    server::{Server, Spent, own_ns},
};

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Since its start.
    pub(crate) now_ns: u64,
    /// In which nothing was there to do. A load that never has any such time is itself the limit.
    pub(crate) idle_ns: u64,
}

/// A span that has begun.
pub(crate) struct Watch {
    server: Server,
    spent: Spent,
    start: Moment,
    own_ns: u64,
}

/// A span that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    pub(crate) wall_s: f64,
    /// CPU of the server.
    pub(crate) cpu_s: f64,
    /// Seconds of the server's core that neither it nor the idle loop had.
    others_s: f64,
    /// Seconds in which the load, which never sleeps, did not run.
    stolen_s: f64,
    /// Seconds in which the load had nothing to do.
    idle_s: f64,
}

impl Watch {
    pub(crate) fn start(start: Moment, server: Server) -> Result<Self> {
        Ok(Self { server, spent: server.spent()?, start, own_ns: own_ns() })
    }

    pub(crate) fn stop(&self, end: Moment) -> Result<Watched> {
        let (cpu_s, others_s) = self.server.since(&self.spent)?;
        let wall_s = (end.now_ns - self.start.now_ns) as f64 / 1e9;
        let stolen_s = (wall_s - (own_ns() - self.own_ns) as f64 / 1e9).max(0.0);
        let idle_s = ((end.idle_ns - self.start.idle_ns) as f64 / 1e9 - stolen_s).max(0.0);
        Ok(Watched { wall_s, cpu_s, others_s, stolen_s, idle_s })
    }
}

impl Watched {
    /// Adds what the span cost for each of `messages`, and its shares.
    pub(crate) fn report(&self, report: &mut Report, suffix: &str, messages: f64) {
        let share = |seconds: f64| seconds / self.wall_s;
        report.figure(&format!("cpu_us_per_message{suffix}"), self.cpu_s * 1e6 / messages.max(1.0), "µs");
        report.figure(&format!("server_cpu_share{suffix}"), share(self.cpu_s), "of a core");
        report.figure(&format!("load_idle_share{suffix}"), share(self.idle_s), "of the load's time");
        report.figure(
            &format!("disturbed_share{suffix}"),
            share(self.others_s + self.stolen_s),
            "of both cores, by other processes",
        );
    }
}
