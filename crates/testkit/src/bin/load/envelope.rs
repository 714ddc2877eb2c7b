//! Reads the members of a delivered JSON object without building it.
//!
//! Only as strict as the load needs: it finds members in any order and spacing; that `data` arrived whole is checked
//! elsewhere, on a sample, with a real parser.

use std::ops::ControlFlow;

/// Not a JSON object, as far as it was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a JSON object")]
pub(crate) struct Malformed;

/// Calls `each` with every member's key (without its quotes) and raw value, until it breaks.
///
/// # Errors
/// [`Malformed`], possibly after some members were seen.
pub(crate) fn members<'a>(
    text: &'a [u8],
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> ControlFlow<()>,
) -> Result<(), Malformed> {
    let mut at = expect(text, blank(text, 0), b'{')?;
    at = blank(text, at);
    if text.get(at) == Some(&b'}') {
        return Ok(());
    }
    loop {
        at = blank(text, at);
        let key = at..value_end(text, expect(text, at, b'"')? - 1)?;
        at = blank(text, expect(text, blank(text, key.end), b':')?);
        let value = at..value_end(text, at)?;
        at = blank(text, value.end);
        if each(&text[key.start + 1..key.end - 1], &text[value]).is_break() {
            return Ok(());
        }
        match text.get(at) {
            Some(b',') => at += 1,
            Some(b'}') => return Ok(()),
            _ => return Err(Malformed),
        }
    }
}

/// The raw value of the member `key`, if `text` is an object that has it.
pub(crate) fn member<'a>(text: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let mut found = None;
    members(text, |name, value| {
        if name != key.as_bytes() {
            return ControlFlow::Continue(());
        }
        found = Some(value);
        ControlFlow::Break(())
    })
    .ok()?;
    found
}

/// The inside of a raw string value; escapes stay as they are.
pub(crate) fn inside(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// The number that a string or number of decimal digits spells.
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(inside(value).unwrap_or(value)).ok()?.parse().ok()
}

fn blank(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn expect(text: &[u8], at: usize, byte: u8) -> Result<usize, Malformed> {
    if text.get(at) == Some(&byte) { Ok(at + 1) } else { Err(Malformed) }
}

/// Where the value that starts at `at` ends.
fn value_end(text: &[u8], mut at: usize) -> Result<usize, Malformed> {
    let mut depth = 0_u32;
    loop {
        match *text.get(at).ok_or(Malformed)? {
            b'"' => at = string_end(text, at + 1)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1).ok_or(Malformed)?;
                at += 1;
            }
            b',' | b':' if depth > 0 => at += 1,
            b',' | b':' => return Err(Malformed),
            byte if byte.is_ascii_whitespace() && depth > 0 => at += 1,
            _ => at += scalar(text.get(at..).unwrap_or_default())?,
        }
        if depth == 0 {
            return Ok(at);
        }
    }
}

fn scalar(text: &[u8]) -> Result<usize, Malformed> {
    match text
        .iter()
        .take_while(|byte| matches!(byte, b'a'..=b'z' | b'E' | b'0'..=b'9' | b'+' | b'-' | b'.'))
        .count()
    {
        0 => Err(Malformed),
        length => Ok(length),
    }
}

fn string_end(text: &[u8], mut at: usize) -> Result<usize, Malformed> {
    loop {
        let rest = text.get(at..).ok_or(Malformed)?;
        at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).ok_or(Malformed)?;
        if text[at] == b'"' {
            return Ok(at + 1);
        }
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<(String, String)>, Malformed> {
        let mut seen = Vec::new();
        members(text.as_bytes(), |key, value| {
            let string = |bytes| String::from_utf8_lossy(bytes).into_owned();
            seen.push((string(key), string(value)));
            ControlFlow::Continue(())
        })?;
        Ok(seen)
    }

    #[test]
    fn members_are_found_in_any_order_and_spacing() {
        let text = r#" { "data" : {"n":"07","list":[1, {"x":"}"}],"s":"a\"b\\"} ,"seq":   12,"to":"bob","on":true } "#;
        let seen = all(text).unwrap();
        let keys: Vec<_> = seen.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["data", "seq", "to", "on"]);
        assert_eq!(seen[0].1, r#"{"n":"07","list":[1, {"x":"}"}],"s":"a\"b\\"}"#);
        assert_eq!(number(seen[1].1.as_bytes()), Some(12));
        assert_eq!(member(seen[0].1.as_bytes(), "n").and_then(number), Some(7));
        assert_eq!(inside(seen[2].1.as_bytes()), Some(&b"bob"[..]));
        assert_eq!(all("{}"), Ok(vec![]));
    }

    #[test]
    fn what_is_cut_or_not_an_object_is_malformed() {
        let text = r#"{"type":"offer","data":{"sdp":"v=0\r\n","list":[1,2]},"n":5}"#;
        for cut in 0..text.len() {
            assert_eq!(all(&text[..cut]), Err(Malformed), "{}", &text[..cut]);
        }
        for text in ["", "[]", "5", r#"{"a" 1}"#, r#"{"a":}"#, r#"{"a":1,,}"#, r#"{a:1}"#, r#"{"a":]}"#] {
            assert_eq!(all(text), Err(Malformed), "{text}");
        }
    }
}
