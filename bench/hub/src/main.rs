//! The signaling hub one writes in an hour: axum, a map of senders, a reader and a writer task per client.
//!
//! It speaks the original pages' language (`/ws?id=…`, `{type,to,from,data}`), stamps `from`, and does nothing else: no
//! calls, no limits, no history, no pings. `--tuned` adds the two settings that cost nothing to know about.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{
        Query, State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::Response,
    routing::get,
    serve::ListenerExt as _,
};
use clap::Parser as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// A plain signaling hub to measure beside.
#[derive(clap::Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// TCP_NODELAY, a 4 KiB read buffer instead of 128 KiB, and no write buffer.
    #[arg(long)]
    tuned: bool,
}

/// Everyone who is connected, by id.
#[derive(Default)]
struct Hub {
    clients: Mutex<HashMap<String, UnboundedSender<Utf8Bytes>>>,
    tuned: bool,
}

#[derive(Deserialize)]
struct Who {
    id: String,
}

#[derive(Deserialize, Serialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    to: String,
    #[serde(default)]
    from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let hub = Arc::new(Hub { tuned: args.tuned, ..Hub::default() });
    let app =
        Router::new().route("/ready", get(|| async { "ready" })).route("/ws", get(open)).with_state(hub);
    let listener = tokio::net::TcpListener::bind(args.listen).await?;
    if args.tuned {
        // A socket that refuses the option is slower, not broken.
        axum::serve(listener.tap_io(|tcp| drop(tcp.set_nodelay(true))), app).await
    } else {
        axum::serve(listener, app).await
    }
}

async fn open(State(hub): State<Arc<Hub>>, Query(who): Query<Who>, upgrade: WebSocketUpgrade) -> Response {
    let upgrade = if hub.tuned { upgrade.read_buffer_size(4096).write_buffer_size(0) } else { upgrade };
    upgrade.on_upgrade(move |socket| serve(hub, who.id, socket))
}

async fn serve(hub: Arc<Hub>, id: String, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let (sender, mut queue) = unbounded_channel::<Utf8Bytes>();
    hub.clients().insert(id.clone(), sender.clone());
    tokio::spawn(async move {
        while let Some(text) = queue.recv().await {
            if sink.send(Message::Text(text)).await.is_err() {
                break;
            }
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Text(text) = message {
            hub.route(&id, &text);
        }
    }
    let mut clients = hub.clients();
    // A newer connection of the same id has taken the place: leave it there.
    if clients.get(&id).is_some_and(|current| current.same_channel(&sender)) {
        clients.remove(&id);
    }
}

impl Hub {
    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<String, UnboundedSender<Utf8Bytes>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands `text` to the client it names, stamped with `from`; drops what it cannot read or deliver.
    fn route(&self, from: &str, text: &str) {
        let Ok(mut frame) = serde_json::from_str::<Frame>(text) else { return };
        from.clone_into(&mut frame.from);
        let Ok(out) = serde_json::to_string(&frame) else { return };
        let to = self.clients().get(&frame.to).cloned();
        if let Some(sender) = to {
            // A receiver that is just going away misses the frame, as it would a moment later.
            let _ = sender.send(out.into());
        }
    }
}
