//! ICE servers: asked of whoever has them, for a device or for somebody without a session.

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tincan_proto::id::CallId;
use tincan_proto::wire::{ErrorCode, ServerFrame, V1Type, write_ice_servers};

use super::link::Flush;
use super::session::{Session, Version};
use super::{Shared, Signaling};
use crate::bus::{IcePurpose, IceRequest, IceServers};

impl Signaling {
    /// The ICE servers for a client at `ip` that came by the name `host`, as `GET /ice-servers` has them. `page`: it may
    /// call without a session, and so needs a relay.
    pub async fn ice_servers(&self, ip: IpAddr, host: Option<&str>, page: bool) -> String {
        let purpose = if page { IcePurpose::Page } else { IcePurpose::Nobody };
        let request = IceRequest { purpose, user: ip.to_string().into(), host: host.map(Into::into) };
        let IceServers { servers, relay_only, ttl_s } = self.0.ask(&request).await;
        let mut out = Vec::new();
        write_ice_servers(&mut out, &servers, relay_only, ttl_s);
        String::from_utf8(out).unwrap_or_default()
    }
}

impl Shared {
    async fn ask(&self, request: &IceRequest) -> IceServers {
        let none = IceServers { servers: "[]".into(), relay_only: false, ttl_s: 0 };
        self.bus.ice.request(&(), request).await.unwrap_or(none)
    }
}

/// Answers a v2 client. `relay_only`: from now on its leg tells nobody an address.
///
/// # Errors
/// `no_such_call` if the device has no such call.
pub(super) fn answer(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    re: Option<&str>,
    call: Option<CallId>,
    relay_only: bool,
    flush: &mut Flush,
) -> Result<(), ErrorCode> {
    if let Some(call) = call {
        session.lock().leg(call).ok_or(ErrorCode::NoSuchCall)?.is_private |= relay_only;
    }
    let purpose = call.map_or(IcePurpose::Trial, IcePurpose::Call);
    let re = re.map(str::to_owned);
    then(shared, session, purpose, flush, move |session, answer, flush| {
        let IceServers { servers, relay_only: all, ttl_s } = answer;
        let (re, relay_only) = (re.as_deref(), relay_only || *all);
        let frame = ServerFrame::IceServers { re, servers, relay_only, ttl_s: *ttl_s };
        session.lock().send(&frame, flush);
    });
    Ok(())
}

/// Answers a v1 client, which names no call and may ask long before it makes one.
pub(super) fn answer_v1(shared: &Arc<Shared>, session: &Arc<Session>, flush: &mut Flush) {
    then(shared, session, IcePurpose::Page, flush, |session, answer, flush| {
        let own = &session.address.user;
        session.lock().send_v1(V1Type::IceServersResponse, own, own, &answer.servers, flush);
    });
}

/// Asks, and tells: now if the answer is there at once, as it is within one process, so that it comes in its order.
fn then(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    purpose: IcePurpose,
    flush: &mut Flush,
    tell: impl FnOnce(&Session, &IceServers, &mut Flush) + Send + 'static,
) {
    let (request, asking) = (request(session, purpose), Arc::clone(shared));
    let mut asked = Box::pin(async move { asking.ask(&request).await });
    if let Some(answer) = asked.as_mut().now_or_never() {
        return tell(session, &answer, flush);
    }
    let session = Arc::clone(session);
    tokio::spawn(async move {
        let mut flush = Flush::default();
        tell(&session, &asked.await, &mut flush);
        flush.run();
    });
}

fn request(session: &Session, purpose: IcePurpose) -> IceRequest {
    debug_assert!(session.version == Version::V2 || purpose == IcePurpose::Page);
    IceRequest { purpose, user: session.address.user.as_str().into(), host: session.lock().host.clone() }
}
