//! Whether a description or a candidate tells more than a relay's address.
//!
//! The server reads nothing in the `data` of offers, answers and candidates, but for this one question, and only in a
//! call in which addresses are to stay private.

use serde_json::Value;

/// Whether any text in `data`, a JSON text, names a candidate that is not a relay's, or behind a relay's the address that
/// it was made for (RFC 8839 §5.1, `raddr`). What is not JSON tells nothing: no client can read it.
#[must_use]
pub fn tells_an_address(data: &str) -> bool {
    serde_json::from_str(data).is_ok_and(|value| any_text(&value, &tells))
}

fn any_text(value: &Value, is: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is(text),
        Value::Array(list) => list.iter().any(|value| any_text(value, is)),
        Value::Object(members) => members.values().any(|value| any_text(value, is)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn tells(text: &str) -> bool {
    text.lines().filter_map(candidate).any(|candidate| {
        let mut words = candidate.split_ascii_whitespace();
        let is_relay = words.by_ref().find(|word| *word == "typ").and_then(|_| words.next()) == Some("relay");
        let related = words.by_ref().find(|word| *word == "raddr").and_then(|_| words.next());
        !is_relay || related.is_some_and(|address| !matches!(address, "0.0.0.0" | "::"))
    })
}

/// What follows `candidate:` in a line of a description, or in a candidate by itself.
fn candidate(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("a=").unwrap_or(line).strip_prefix("candidate:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: &str = "candidate:1 1 udp 41885439 203.0.113.1 50000 typ relay raddr 0.0.0.0 rport 0";

    #[test]
    fn only_a_relay_s_address_is_nobody_s_own() {
        for told in [
            "candidate:1 1 udp 2122260223 192.168.1.2 54400 typ host",
            "candidate:1 1 udp 1686052607 203.0.113.9 54400 typ srflx raddr 192.168.1.2 rport 54400",
            "candidate:1 1 udp 41885439 203.0.113.1 50000 typ relay raddr 203.0.113.9 rport 54400",
            "candidate:1 1 udp 1 x.local 1 typ host",
            "candidate:1 1 udp 1 192.0.2.1 1",
        ] {
            let one = serde_json::json!({ "candidate": told, "sdpMid": "0" });
            assert!(tells_an_address(&one.to_string()), "{told}");
            assert!(tells_an_address(&serde_json::json!([{ "candidate": RELAY }, one, null]).to_string()));
            let sdp = format!("v=0\r\na={RELAY}\r\na={told}\r\n");
            assert!(tells_an_address(&serde_json::json!({ "type": "offer", "sdp": sdp }).to_string()));
        }
        let sdp = format!("v=0\r\nc=IN IP4 203.0.113.1\r\na={RELAY}\r\na=end-of-candidates\r\n");
        for silent in [
            serde_json::json!({ "candidate": RELAY }),
            serde_json::json!({ "candidate": "candidate:1 1 udp 1 203.0.113.1 1 typ relay" }),
            serde_json::json!([null]),
            serde_json::json!({ "candidate": "" }),
            serde_json::json!({ "type": "offer", "sdp": sdp }),
        ] {
            assert!(!tells_an_address(&silent.to_string()), "{silent}");
        }
    }

    #[test]
    fn an_escaped_word_is_the_same_word() {
        let data = r#"{"candidate":"\u0063andidate:1 1 udp 1 192.168.1.2 1 \u0074yp host"}"#;
        assert!(tells_an_address(data));
    }
}
