//! How single values are written: durations as numbers with a unit in the key, lists with commas, empty for none.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer as _, SeqAccess, Visitor};

/// A whole number of seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(de: D) -> Result<Duration, D::Error> {
    u32::deserialize(de).map(|s| Duration::from_secs(s.into()))
}

/// A whole number of milliseconds.
pub(super) fn millis<'de, D: Deserializer<'de>>(de: D) -> Result<Duration, D::Error> {
    u32::deserialize(de).map(|ms| Duration::from_millis(ms.into()))
}

/// A whole number of hours.
pub(super) fn hours<'de, D: Deserializer<'de>>(de: D) -> Result<Duration, D::Error> {
    u32::deserialize(de).map(|h| Duration::from_secs(u64::from(h) * 3600))
}

/// A path, or `None` if it is empty.
pub(super) fn optional_path<'de, D: Deserializer<'de>>(de: D) -> Result<Option<PathBuf>, D::Error> {
    PathBuf::deserialize(de).map(|path| (!path.as_os_str().is_empty()).then_some(path))
}

/// A text, or `None` if it is empty.
pub(super) fn optional_text<'de, D: Deserializer<'de>>(de: D) -> Result<Option<String>, D::Error> {
    String::deserialize(de).map(|text| (!text.is_empty()).then_some(text))
}

/// As [`listen_address`], or `None` if it is empty.
pub(super) fn optional_listen_address<'de, D: Deserializer<'de>>(
    de: D,
) -> Result<Option<SocketAddr>, D::Error> {
    match optional_text(de)? {
        Some(text) => listen_address(text.into_deserializer()).map(Some),
        None => Ok(None),
    }
}

/// `FIRST-LAST`.
pub(super) fn ports<'de, D: Deserializer<'de>>(de: D) -> Result<RangeInclusive<u16>, D::Error> {
    let text = String::deserialize(de)?;
    let ends = text.split_once('-').and_then(|(first, last)| {
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        Some((port(first)?, port(last)?)).filter(|(first, last)| first <= last)
    });
    let (first, last) = ends.ok_or_else(|| {
        Error::custom(format!("\"{text}\" is no range of ports; write FIRST-LAST, such as 49152-65535"))
    })?;
    Ok(first..=last)
}

/// `IP:PORT`, where the IP may be `localhost`.
pub(super) fn listen_address<'de, D: Deserializer<'de>>(de: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(de)?;
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.clone(),
    };
    numeric.parse().map_err(|_| {
        Error::custom(format!(
            "\"{text}\" is no address to listen on; write IP:PORT, such as 127.0.0.1:8080 or 0.0.0.0:443"
        ))
    })
}

/// A list, or one text with commas between the items, as an environment variable has it.
pub(super) fn list<'de, D, T>(de: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + FromStr<Err: fmt::Display>,
{
    de.deserialize_any(ListVisitor(PhantomData))
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T> Visitor<'de> for ListVisitor<T>
where
    T: Deserialize<'de> + FromStr<Err: fmt::Display>,
{
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or one text with commas")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| item.parse().map_err(E::custom)).collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(seq))
    }
}
