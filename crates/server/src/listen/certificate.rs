//! When a certificate ends: just enough DER to find one date (RFC 5280 §4.1).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of the validity of an X.509 certificate, DER. `None` if it is none, or ends before 1970.
#[must_use]
pub fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let mut certificate = Der(certificate).inside(SEQUENCE)?;
    let mut to_be_signed = certificate.inside(SEQUENCE)?;
    if to_be_signed.0.first() == Some(&VERSION) {
        to_be_signed.next()?;
    }
    for _serial_algorithm_issuer in 0..3 {
        to_be_signed.next()?;
    }
    let mut validity = to_be_signed.inside(SEQUENCE)?;
    let _not_before = validity.next()?;
    match validity.next()? {
        (UTC_TIME, text) => date(text, 2),
        (GENERALIZED_TIME, text) => date(text, 4),
        (_, _) => None,
    }
}

/// What is left of a series of values.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value: its tag and its content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.len() > 4 {
                return None;
            }
            (bytes.iter().fold(0, |length, &byte| (length << 8) | usize::from(byte)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    fn inside(&mut self, tag: u8) -> Option<Self> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| Self(content))
    }
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn date(text: &[u8], year_digits: usize) -> Option<SystemTime> {
    let (year, rest) = text.strip_suffix(b"Z")?.split_at_checked(year_digits)?;
    let year = match (number(year)?, year_digits) {
        (year, 2) if year < 50 => 2000 + year,
        (year, 2) => 1900 + year,
        (year, _) => year,
    };
    if rest.len() != 10 {
        return None;
    }
    let mut fields = rest.chunks(2).map(number);
    let mut field = |most: u64| fields.next().flatten().filter(|value| *value <= most);
    let (month, day) = (field(12)?, field(31)?);
    let (hour, minute, second) = (field(23)?, field(59)?, field(60)?);
    let seconds = days_since_1970(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// Of the Gregorian calendar. Counts years from March, so that the leap day is the last.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || month == 0 || day == 0 {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn ends(year: i32, month: u8, day: u8) -> Option<u64> {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, month, day);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        not_after(certificate.der()).map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn the_end_of_a_certificate_is_read_from_it() {
        assert_eq!(ends(1999, 12, 31), Some(946_598_400));
        assert_eq!(ends(2024, 2, 29), Some(1_709_164_800));
        assert_eq!(ends(2038, 1, 19), Some(2_147_472_000));
        assert_eq!(ends(2100, 3, 1), Some(4_107_542_400), "a GeneralizedTime");
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        for cut in 0..certificate.der().len() {
            assert_eq!(not_after(&certificate.der()[..cut]), None);
        }
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(date(b"260231250000Z", 2), None);
    }
}
