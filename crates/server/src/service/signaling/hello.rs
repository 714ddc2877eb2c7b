//! How a connection becomes a session: at once on v1, by `hello` on v2.

use std::sync::Arc;

use tincan_proto::call::Snapshot;
use tincan_proto::id::{Address, DeviceId, UserId};
use tincan_proto::wire::{Body, CloseCode, ErrorCode, Hello, Identity, Resume, ServerFrame, Welcome, parse};

use super::Shared;
use super::connection::Connection;
use super::identity::random_text;
use super::leg::Leg;
use super::link::{Flush, Link};
use super::session::{Session, SessionState, with_scratch};
use crate::bus::{Command, CommandKind};

/// The device of every v1 client: v1 knows one connection for an id.
const V1_DEVICE: &str = "v1";

/// Why a hello opens nothing: the error to send, and the close code behind it.
type HelloError = (ErrorCode, CloseCode, String);

/// Opens a v1 session; `None` if the name is not to be had.
pub(super) async fn open_v1(shared: &Arc<Shared>, user: UserId, link: &Arc<Link>) -> Option<Arc<Session>> {
    if let Some(message) = reserved(shared, &user) {
        link.close(CloseCode::Forbidden, &message);
        return None;
    }
    let device: DeviceId = V1_DEVICE.parse().ok()?;
    let session = Session::v1(Address { user, device }, Arc::clone(link));
    shared.enter(&session);
    let snapshot = online(shared, &session.address, true).await;
    take_up(&session, &snapshot);
    Some(session)
}

/// Opens or resumes a v2 session; `None` if the client said nothing that does.
pub(super) async fn open_v2(
    shared: &Arc<Shared>,
    connection: &mut Connection,
    guests: bool,
) -> Option<Arc<Session>> {
    let text = match tokio::time::timeout(shared.settings.hello_timeout, connection.first_text()).await {
        Ok(Ok(text)) => text,
        Ok(Err(why)) => {
            connection.end(why);
            return None;
        }
        Err(_) => {
            connection.link.close(CloseCode::HelloTimeout, "");
            return None;
        }
    };
    match identify(shared, &text, guests) {
        Ok((address, resume)) => Some(open(shared, connection, address, resume).await),
        Err((code, close, message)) => {
            refuse(&connection.link, code, &message);
            connection.link.close(close, &message);
            None
        }
    }
}

/// Who says hello, from which device, with what to resume.
fn identify(shared: &Shared, text: &str, guests: bool) -> Result<(Address, Option<Resume>), HelloError> {
    let required = |code, message: &str| (code, CloseCode::Unauthorized, message.to_owned());
    let frame = parse(text).map_err(|error| (error.code, CloseCode::Misbehaved, error.message))?;
    let Body::Hello(hello) = frame.body else {
        let message = "the first frame must be hello".to_owned();
        return Err((ErrorCode::HelloRequired, CloseCode::Misbehaved, message));
    };
    let Hello { identity, device, resume } = *hello;
    let user = match identity {
        Identity::Guest(user) if guests => user,
        Identity::Guest(_) => {
            let message = "guest names are taken only from this machine; send a token".to_owned();
            return Err((ErrorCode::Forbidden, CloseCode::Forbidden, message));
        }
        Identity::Token(token) => match &shared.settings.tokens {
            Some(key) => {
                key.verify(&token).map_err(|sentence| required(ErrorCode::Unauthorized, sentence))?
            }
            None => {
                return Err(required(ErrorCode::Unauthorized, "this server has no key to check tokens with"));
            }
        },
    };
    if let Some(message) = reserved(shared, &user) {
        return Err((ErrorCode::Forbidden, CloseCode::Forbidden, message));
    }
    Ok((Address { user, device }, resume))
}

/// What someone hears who comes with a name that is no client's.
fn reserved(shared: &Shared, user: &UserId) -> Option<String> {
    let taken = shared.settings.reserved.contains(user);
    taken.then(|| format!("the name \"{user}\" belongs to this server itself; choose another"))
}

async fn open(
    shared: &Arc<Shared>,
    connection: &Connection,
    address: Address,
    resume: Option<Resume>,
) -> Arc<Session> {
    let link = &connection.link;
    if let Some(resume) = resume
        && let Some(session) = shared.directory.get(&address)
        && resumed(shared, &session, link, &resume)
    {
        let in_call = !session.lock().legs.is_empty();
        if in_call {
            shared.command(&address, None, CommandKind::Online { rings_at_once: false });
        }
        yield_to_newer(shared, &session);
        return session;
    }
    // Known on the bus before the snapshot is taken: what happens in between waits in the window, behind the welcome.
    let session = Session::v2(address.clone(), random_text());
    shared.enter(&session);
    let snapshot = online(shared, &address, false).await;
    take_up(&session, &snapshot);
    welcome(shared, &session, link, &snapshot);
    yield_to_newer(shared, &session);
    session
}

/// Sends the connection off if the device came again while this one was being greeted: nothing would ever reach it.
fn yield_to_newer(shared: &Shared, session: &Arc<Session>) {
    let current = shared.directory.get(&session.address);
    if !current.is_some_and(|current| Arc::ptr_eq(&current, session)) {
        session.send_off();
    }
}

/// Resumes `session` if `resume` proves that it was the client's and nothing is missing.
fn resumed(shared: &Shared, session: &Session, link: &Arc<Link>, resume: &Resume) -> bool {
    let mut flush = Flush::default();
    let mut state = session.lock();
    let Some(numbers) = &mut state.numbers else { return false };
    let same = !numbers.id.is_empty() && numbers.id == resume.session;
    if !same || !numbers.is_proven_by(&resume.secret) || numbers.outgoing.ack(resume.ack).is_err() {
        return false;
    }
    numbers.used.clone_from(&resume.secret);
    // In one go with the welcome: of two that resume at once, the later one finds the link of the earlier one here.
    let old = state.link.take();
    greet(shared, session, &mut state, link, true, &[], &mut flush);
    drop(state);
    if let Some(old) = old {
        old.close(CloseCode::Replaced, "");
    }
    flush.run();
    true
}

/// Greets the client of a new session.
fn welcome(shared: &Shared, session: &Session, link: &Arc<Link>, calls: &[Snapshot]) {
    let mut flush = Flush::default();
    greet(shared, session, &mut session.lock(), link, false, calls, &mut flush);
    flush.run();
}

/// Greets, and then says everything that the client has not acknowledged, in order. From here the link is the session's.
fn greet(
    shared: &Shared,
    session: &Session,
    state: &mut SessionState,
    link: &Arc<Link>,
    resumed: bool,
    calls: &[Snapshot],
    flush: &mut Flush,
) {
    let Some(numbers) = &mut state.numbers else { return };
    numbers.secret = random_text();
    numbers.connection += 1;
    let welcome = ServerFrame::Welcome(Welcome {
        user: &session.address.user,
        device: &session.address.device,
        session: &numbers.id,
        secret: &numbers.secret,
        resumed,
        ack: numbers.incoming.ack(),
        resume_s: shared.settings.resume.as_secs(),
        calls,
    });
    with_scratch(|out| {
        welcome.write_open(out);
        out.push(b'}');
        link.text(out, flush);
    });
    let unacked: Vec<Box<[u8]>> = numbers.outgoing.unacked().map(Into::into).collect();
    for frame in unacked {
        with_scratch(|out| {
            out.extend_from_slice(&frame);
            numbers.finish(out);
            link.text(out, flush);
        });
    }
    state.link = Some(Arc::clone(link));
}

/// Tells the call service that a device is here. Returns the device's live calls.
async fn online(shared: &Shared, address: &Address, rings_at_once: bool) -> Vec<Snapshot> {
    let command = Command { from: address.clone(), re: None, kind: CommandKind::Online { rings_at_once } };
    shared.bus.calls.request(&(), &command).await.unwrap_or_default()
}

fn take_up(session: &Session, calls: &[Snapshot]) {
    let mut state = session.lock();
    for leg in calls.iter().filter_map(Leg::of_snapshot) {
        state.leg_or(leg);
    }
}

fn refuse(link: &Arc<Link>, code: ErrorCode, message: &str) {
    with_scratch(|out| {
        ServerFrame::Error { re: None, call: None, code, message, retry_ms: None }.write_open(out);
        out.push(b'}');
        link.text(out, &mut Flush::default());
    });
}
