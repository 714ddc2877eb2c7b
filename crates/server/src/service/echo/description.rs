//! The `data` of an offer and of its answer (PROTOCOL.md, "Negotiating").

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use str0m::change::{SdpAnswer, SdpOffer};

/// Why an offer cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum OfferError {
    /// Not of that shape.
    #[error("its data is no description: {0}")]
    Shape(#[from] serde_json::Error),
    /// SDP that cannot be read.
    #[error("its SDP cannot be read: {0}")]
    Sdp(#[from] str0m::error::SdpError),
    /// SDP that asks for something else than one can have here.
    #[error("it cannot be met: {0}")]
    Rtc(#[from] str0m::RtcError),
}

#[derive(Deserialize)]
struct Offer<'a> {
    sdp: String,
    /// Its number, which the answer repeats. v1 has none.
    #[serde(borrow)]
    n: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Answer<'a> {
    r#type: &'static str,
    sdp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<&'a RawValue>,
}

/// Reads the data of an offer, has it answered, and writes the data of the answer.
///
/// # Errors
/// [`OfferError`]: what is wrong with the offer.
pub(super) fn answered(
    data: &str,
    answer: impl FnOnce(SdpOffer) -> Result<SdpAnswer, str0m::RtcError>,
) -> Result<Box<str>, OfferError> {
    let Offer { sdp, n } = serde_json::from_str(data)?;
    let offer = SdpOffer::from_sdp_string(&without_candidates(&sdp))?;
    let answer = Answer { r#type: "answer", sdp: answer(offer)?.to_sdp_string(), n };
    Ok(serde_json::to_string(&answer)?.into())
}

/// A candidate in an offer may be a name that only its sender's network knows. None is needed: the other side's checks
/// come from where it is (RFC 8445 §2.5).
fn without_candidates(sdp: &str) -> String {
    sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=candidate:")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_offer_is_refused_with_a_reason() {
        let refused = |data: &str| answered(data, |_| unreachable!()).unwrap_err().to_string();
        assert!(refused("[]").starts_with("its data is no description"));
        assert!(refused(r#"{"type":"offer"}"#).starts_with("its data is no description"));
        assert!(refused(r#"{"type":"offer","sdp":"hello"}"#).starts_with("its SDP cannot be read"));
    }

    #[test]
    fn only_candidates_are_taken_out() {
        let sdp = "v=0\r\na=candidate:1 1 udp 1 x.local 9 typ host\r\na=mid:0\r\n";
        assert_eq!(without_candidates(sdp), "v=0\r\na=mid:0\r\n");
    }
}
