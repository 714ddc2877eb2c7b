//! A server for a test: its own port, its own data folder, gone at the end.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tincan_proto::limit::Rate;
use tincan_server::config::{Config, Overrides};
use tincan_server::node::Node;
use tincan_server::store::{EndedCall, Store};
use tincan_testkit::device::Device;
use tincan_testkit::v1::V1;

/// Short enough to wait for. Nothing has to happen before it is over.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

/// Long enough for a few frames on a busy machine, and still to be waited for.
pub(crate) const ENOUGH: Duration = Duration::from_secs(2);

/// A call id made of one letter.
pub(crate) fn call_id(letter: char) -> String {
    format!("{}A", letter.to_string().repeat(21))
}

/// A call id made of a number.
pub(crate) fn numbered_call(number: usize) -> String {
    format!("{number:021}A")
}

/// A server in this process.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) data_dir: TempDir,
    node: Node,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A server with a configuration of its own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    pub(crate) async fn start_in(data_dir: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let node = Node::start(config(&data_dir, change)).await.unwrap();
        Self { addr: node.addr, data_dir, node }
    }

    /// Where the operator reads.
    pub(crate) fn metrics(&self) -> SocketAddr {
        self.node.metrics_addr.unwrap()
    }

    pub(crate) async fn guest(&self, user: &str, device: &str) -> Device {
        Device::guest(self.addr, user, device).await.unwrap()
    }

    /// A page of old, known to the server: v1 has no word for that, so it asks for something.
    pub(crate) async fn v1(&self, id: &str) -> V1 {
        let mut page = V1::connect(self.addr, id).await.unwrap();
        page.expect_silence().await.unwrap();
        page
    }

    /// Stops it in good order. The data folder stays.
    pub(crate) async fn stop(self) -> TempDir {
        self.node.stop().await;
        self.data_dir
    }

    /// Stops it and reads what it left: the calls that ended, oldest first. None may be live.
    pub(crate) async fn history(self) -> Vec<EndedCall> {
        history(&self.stop().await).await
    }
}

/// What a server left in its folder: the calls that ended, oldest first. None may be live.
pub(crate) async fn history(data_dir: &TempDir) -> Vec<EndedCall> {
    let store = Store::open(&data_dir.path().join("tincan.db")).await.unwrap();
    let (live, mut ended) = (store.live_calls().await.unwrap(), store.ended_calls(10_000).await.unwrap());
    store.close().await;
    assert!(live.is_empty(), "still live: {live:?}");
    ended.reverse();
    ended
}

pub(crate) fn config(data_dir: &TempDir, change: impl FnOnce(&mut Config)) -> Config {
    let overrides = Overrides {
        config_file: None,
        listen: Some("127.0.0.1:0".into()),
        data_dir: Some(data_dir.path().into()),
    };
    let mut config = Config::load(&overrides).unwrap();
    config.media.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    change(&mut config);
    config
}

/// Takes away the limits on how often: for stories that are about something else.
pub(crate) fn roomy(config: &mut Config) {
    let plenty = Rate { per_minute: 1_000_000, burst: 100_000 };
    config.limits.frames = plenty;
    config.limits.call_requests = plenty;
    config.limits.call_requests_pair = plenty;
    config.limits.connections = plenty;
}

/// What `device` is sent until all that it asked for so far is decided and told: one round through the call service.
pub(crate) async fn until_decided(device: &mut Device) -> Vec<Value> {
    let barrier = call_id('z');
    device.call("call-accept", &barrier, Value::Null).await.unwrap();
    let mut heard = Vec::new();
    loop {
        let frame = device.next().await.unwrap();
        if frame["type"] == "error" && frame["call"] == barrier.as_str() {
            assert_eq!(frame["data"]["code"], "no_such_call");
            return heard;
        }
        heard.push(frame);
    }
}

/// Proves that nothing waits for `device`: two rounds through the call service and back, with nothing in between.
pub(crate) async fn quiet(device: &mut Device) {
    for _ in 0..2 {
        assert_eq!(until_decided(device).await, Vec::<Value>::new());
    }
}

/// As [`quiet`], for a v1 client, whose one way through the call service is a call to itself.
pub(crate) async fn quiet_v1(client: &mut V1, id: &str) {
    for _ in 0..2 {
        client.send("call-request", id).await.unwrap();
        assert_eq!(client.expect("call-reject", id).await.unwrap(), json!({ "reason": "bad_state" }));
    }
}

/// Expects an error for the frame with this id.
pub(crate) async fn refused(device: &mut Device, re: &str, code: &str) {
    let error = device.expect("error").await.unwrap();
    assert_eq!((&error["re"], &error["data"]["code"]), (&json!(re), &json!(code)), "{error}");
}

/// Expects an end, and returns who ended it.
pub(crate) async fn end(device: &mut Device, call: &str, reason: &str) -> Value {
    device.expect_end(call, reason).await.unwrap()["data"]["by"].clone()
}

/// Two guests with one device each, `alice/web` and `bob/phone`.
pub(crate) async fn two(server: &Server) -> (Device, Device) {
    pair(server.addr).await
}

/// As [`two`], wherever the server runs.
pub(crate) async fn pair(addr: SocketAddr) -> (Device, Device) {
    let alice = Device::guest(addr, "alice", "web").await.unwrap();
    (alice, Device::guest(addr, "bob", "phone").await.unwrap())
}

/// Takes a call from request to ringing on one device.
pub(crate) async fn ringing(alice: &mut Device, bob: &mut Device, call: &str) {
    let (caller, callee) = (address(alice), address(bob));
    alice.ring(callee.split('/').next().unwrap(), call).await.unwrap();
    assert_eq!(bob.expect("call-request").await.unwrap()["from"], caller);
    assert_eq!(alice.expect("call-delivered").await.unwrap()["data"]["devices"], 1);
    bob.call("call-ringing", call, Value::Null).await.unwrap();
    assert_eq!(alice.expect("call-ringing").await.unwrap()["from"], callee);
}

/// Takes a call from request to accept.
pub(crate) async fn accepted(alice: &mut Device, bob: &mut Device, call: &str) {
    ringing(alice, bob, call).await;
    bob.call("call-accept", call, Value::Null).await.unwrap();
    assert_eq!(alice.expect("call-accept").await.unwrap()["data"]["peer"], address(bob));
    assert_eq!(bob.expect("call-accept").await.unwrap()["data"]["peer"], address(alice));
}

/// Takes a call from request to sound on both sides.
pub(crate) async fn connected(alice: &mut Device, bob: &mut Device, call: &str) {
    accepted(alice, bob, call).await;
    media(alice, bob, call, "connected").await;
}

/// Both say the same of their media, and hear it from each other.
pub(crate) async fn media(alice: &mut Device, bob: &mut Device, call: &str, media: &str) {
    alice.call("call-update", call, json!({ "media": media })).await.unwrap();
    assert_eq!(bob.expect("call-update").await.unwrap()["data"]["media"], media);
    bob.call("call-update", call, json!({ "media": media })).await.unwrap();
    assert_eq!(alice.expect("call-update").await.unwrap()["data"]["media"], media);
}

/// Two who talk while someone else misbehaves.
pub(crate) struct Neighbours {
    alice: Device,
    bob: Device,
    said: u64,
}

impl Neighbours {
    pub(crate) async fn new(server: &Server) -> Self {
        let (mut alice, mut bob) = two(server).await;
        accepted(&mut alice, &mut bob, &call_id('c')).await;
        Self { alice, bob, said: 0 }
    }

    /// Their call goes on.
    pub(crate) async fn talk(&mut self) {
        self.said += 1;
        self.alice.call("candidate", &call_id('c'), json!(self.said)).await.unwrap();
        assert_eq!(self.bob.expect("candidate").await.unwrap()["data"], self.said);
        self.bob.call("candidate", &call_id('c'), json!(self.said)).await.unwrap();
        assert_eq!(self.alice.expect("candidate").await.unwrap()["data"], self.said);
    }
}

/// `user/device`.
pub(crate) fn address(device: &Device) -> String {
    let word = |name: &str| device.welcome[name].as_str().unwrap().to_owned();
    format!("{}/{}", word("user"), word("device"))
}

/// Random numbers that a seed brings back (Vigna's SplitMix64). The seed is printed, and taken from `TINCAN_SEED` if it
/// is there.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        use std::hash::BuildHasher as _;
        let given = std::env::var("TINCAN_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| std::hash::RandomState::new().hash_one(0));
        eprintln!("TINCAN_SEED={seed}");
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }
}
