//! A server for a test: its own port, its own data folder, gone at the end.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::TempDir;
use tincan_server::config::{Config, Overrides};
use tincan_server::node::Node;
use tincan_testkit::device::Device;

/// A call id made of one letter.
pub fn call_id(letter: char) -> String {
    format!("{}A", letter.to_string().repeat(21))
}

/// A server in this process.
pub struct Server {
    pub addr: SocketAddr,
    pub data_dir: TempDir,
    node: Node,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A server with a configuration of its own.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change).await
    }

    pub async fn start_in(data_dir: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let node = Node::start(config(&data_dir, change)).await.unwrap();
        Self { addr: node.addr, data_dir, node }
    }

    /// Stops it in good order. The data folder stays.
    pub async fn stop(self) -> TempDir {
        self.node.stop().await;
        self.data_dir
    }
}

pub fn config(data_dir: &TempDir, change: impl FnOnce(&mut Config)) -> Config {
    let overrides = Overrides {
        config_file: None,
        listen: Some("127.0.0.1:0".into()),
        data_dir: Some(data_dir.path().into()),
    };
    let mut config = Config::load(&overrides).unwrap();
    change(&mut config);
    config
}

/// Proves that nothing waits for `device`: two rounds through the call service and back, with nothing in between.
pub async fn quiet(device: &mut Device) {
    for _ in 0..2 {
        device.call("call-accept", &call_id('z'), json!(null)).await.unwrap();
        let error = device.expect("error").await.unwrap();
        assert_eq!((&error["call"], &error["data"]["code"]), (&json!(call_id('z')), &json!("no_such_call")));
    }
}

/// Two guests with one device each, `alice/web` and `bob/phone`.
pub async fn two(server: &Server) -> (Device, Device) {
    let alice = Device::guest(server.addr, "alice", "web").await.unwrap();
    let bob = Device::guest(server.addr, "bob", "phone").await.unwrap();
    (alice, bob)
}

/// Takes a call from request to accept.
pub async fn accepted(alice: &mut Device, bob: &mut Device, call: &str) {
    alice.ring("bob", call).await.unwrap();
    assert_eq!(bob.expect("call-request").await.unwrap()["from"], "alice/web");
    assert_eq!(alice.expect("call-delivered").await.unwrap()["data"]["devices"], 1);
    bob.call("call-ringing", call, Value::Null).await.unwrap();
    assert_eq!(alice.expect("call-ringing").await.unwrap()["from"], "bob/phone");
    bob.call("call-accept", call, Value::Null).await.unwrap();
    assert_eq!(alice.expect("call-accept").await.unwrap()["data"]["peer"], "bob/phone");
    assert_eq!(bob.expect("call-accept").await.unwrap()["data"]["peer"], "alice/web");
}
