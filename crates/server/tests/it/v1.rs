//! Story: the original pages keep working, unmodified.

use serde_json::{Value, json};
use tincan_testkit::v1::V1;

use crate::util::Server;

#[tokio::test]
async fn the_original_pages_call_talk_and_hang_up() {
    let server = Server::start().await;
    let mut a = V1::connect(server.addr, "clientA").await.unwrap();
    let mut b = V1::connect(server.addr, "clientB").await.unwrap();
    for round in 0..3 {
        a.send("call-request", "clientB").await.unwrap();
        b.expect("call-request", "clientA").await.unwrap();
        b.send("call-accept", "clientA").await.unwrap();
        assert_eq!(a.expect("call-accept", "clientB").await.unwrap(), Value::Null);
        let offer = json!({ "type": "offer", "sdp": format!("{round}") });
        a.send_data("offer", "clientB", &offer).await.unwrap();
        assert_eq!(b.expect("offer", "clientA").await.unwrap(), offer);
        a.send_data("candidate", "clientB", &json!({ "candidate": "a" })).await.unwrap();
        b.send_data("answer", "clientA", &json!({ "type": "answer" })).await.unwrap();
        a.expect("answer", "clientB").await.unwrap();
        b.expect("candidate", "clientA").await.unwrap();
        b.send_data("candidate", "clientA", &json!({ "candidate": "b" })).await.unwrap();
        assert_eq!(a.expect("candidate", "clientB").await.unwrap(), json!({ "candidate": "b" }));
        a.send("hangup", "clientB").await.unwrap();
        b.expect("hangup", "clientA").await.unwrap();
    }
    server.stop().await;
}
