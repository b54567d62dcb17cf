//! What a value may be, and how it is read from TOML.
//!
//! Text forms follow what operators write elsewhere: durations as in systemd (`90s`, `1h 30m`), sizes with binary
//! units (`64MiB`), pools as `first-last`. A bare number for a duration or a size is a mistake: its unit would be a
//! guess.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    num::NonZeroU32,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use ipnet::Ipv4Net;
use jobs::bootstrap::Label;
use store::Recipient;
use toml_edit::Value;
use vocabulary::Mac;

use super::{
    reader::{Place, Reader},
    schema::Word,
};

/// A type that a key may have.
pub(super) trait Setting: Sized {
    /// In words: `duration such as "1h"`.
    fn kind() -> String;

    /// Its words, where it takes words.
    fn words() -> Vec<Word> {
        Vec::new()
    }

    /// Reads it, or reports why it cannot.
    fn read(value: &Value, at: &Place, reader: &mut Reader<'_>) -> Option<Self>;
}

/// A size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// Addresses from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolRange {
    /// The lowest address.
    pub first: Ipv4Addr,
    /// The highest address.
    pub last: Ipv4Addr,
}

/// SHA-256 of an API key, as `roost key create` and `sha256sum` print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(pub [u8; 32]);

/// A program and its arguments, never a shell line; the [`PLACEHOLDERS`] are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandTemplate(pub Vec<String>);

/// What a [`CommandTemplate`] may ask for.
pub const PLACEHOLDERS: [&str; 4] = ["{node}", "{mac}", "{address}", "{action}"];

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
        let factor: u64 = match &text[digits.len()..].trim_start().to_ascii_lowercase()[..] {
            "b" => 1,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            _ => return Err("no unit that is known here (B, KiB, MiB, GiB)".to_owned()),
        };
        let count: u64 = digits.parse().map_err(|_| "no whole number before its unit".to_owned())?;
        count.checked_mul(factor).map(Self).ok_or_else(|| "more than 64 bits".to_owned())
    }
}

impl FromStr for PoolRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once('-').ok_or_else(|| "no `-` between two addresses".to_owned())?;
        let address = |text: &str| text.trim().parse().map_err(|_| format!("{:?} is no IPv4 address", text.trim()));
        let (first, last) = (address(first)?, address(last)?);
        if first > last { Err("the first address is above the last".to_owned()) } else { Ok(Self { first, last }) }
    }
}

impl FromStr for KeyHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|error| error.to_string())?;
        Ok(Self(bytes))
    }
}

/// The name of a value's type, with its article.
pub(super) const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a number",
        Value::Float(_) => "a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::InlineTable(_) => "a section",
    }
}

/// Reads text and lets a type judge it.
fn text<T: Setting>(
    value: &Value,
    at: &Place,
    reader: &mut Reader<'_>,
    judge: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let Some(given) = value.as_str() else {
        reader.mistake(at, format!("expected {}, found {}", T::kind(), type_name(value)), None);
        return None;
    };
    judge(given)
        .map_err(|why| reader.mistake(at, format!("{given:?} is not right: {why}"), format!("expected {}", T::kind())))
        .ok()
}

macro_rules! text_setting {
    ($($type:ty, $kind:literal, $judge:expr;)+) => { $(
        impl Setting for $type {
            fn kind() -> String {
                $kind.to_owned()
            }

            fn read(value: &Value, at: &Place, reader: &mut Reader<'_>) -> Option<Self> {
                text(value, at, reader, $judge)
            }
        }
    )+ };
}

text_setting! {
    Duration, r#"duration such as "90s" or "1h 30m""#, duration;
    Bytes, r#"size such as "64MiB""#, Bytes::from_str;
    SocketAddr, r#"address and port such as "127.0.0.1:7600" or "[::1]:7600""#, parsed;
    SocketAddrV4, r#"IPv4 address and port such as "10.77.0.1:7601""#, parsed;
    IpAddr, r#"IP address such as "10.77.0.1""#, parsed;
    Ipv4Addr, r#"IPv4 address such as "10.77.0.1""#, parsed;
    Ipv4Net, r#"IPv4 network such as "10.77.0.0/16""#, network;
    PoolRange, r#"pool such as "10.77.1.0-10.77.255.250""#, PoolRange::from_str;
    Mac, r#"MAC address such as "52:54:00:12:34:56""#, parsed;
    Recipient, "recipient of age, which begins with age1", parsed;
    Label, r#"name such as "dc1""#, parsed;
    KeyHash, "SHA-256 in 64 hex digits", KeyHash::from_str;
    String, "text", one_line;
}

impl Setting for bool {
    fn kind() -> String {
        "`true` or `false`".to_owned()
    }

    fn read(value: &Value, at: &Place, reader: &mut Reader<'_>) -> Option<Self> {
        if value.as_bool().is_none() {
            reader.mistake(at, format!("expected true or false, found {}", type_name(value)), None);
        }
        value.as_bool()
    }
}

impl Setting for NonZeroU32 {
    fn kind() -> String {
        "whole number, at least 1".to_owned()
    }

    fn read(value: &Value, at: &Place, reader: &mut Reader<'_>) -> Option<Self> {
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok()).and_then(Self::new);
        if number.is_none() {
            reader.mistake(at, "expected a whole number, at least 1 and at most 4294967295", None);
        }
        number
    }
}

impl Setting for PathBuf {
    fn kind() -> String {
        "path".to_owned()
    }

    /// A relative path lies under `data_dir`.
    fn read(value: &Value, at: &Place, reader: &mut Reader<'_>) -> Option<Self> {
        let path = text(value, at, reader, |text| match text {
            "" => Err("empty".to_owned()),
            text if text.contains('\0') => Err("it holds a NUL".to_owned()),
            text => Ok(Self::from(text)),
        })?;
        Some(reader.base.join(path))
    }
}

impl Setting for CommandTemplate {
    fn kind() -> String {
        format!(
            "program and arguments as a list of texts, where {} are filled in",
            PLACEHOLDERS.map(|name| format!("`{name}`")).join(", ")
        )
    }

    fn read(value: &Value, at: &Place, reader: &mut Reader<'_>) -> Option<Self> {
        let words: Vec<String> = Vec::read(value, at, reader)?;
        if words.is_empty() {
            reader.mistake(at, "no program", format!("expected {}", Self::kind()));
            return None;
        }
        for word in &words {
            let unknown = PLACEHOLDERS.iter().fold(word.clone(), |rest, known| rest.replace(known, ""));
            if unknown.contains(['{', '}']) {
                reader.mistake(
                    at,
                    format!("{word:?} has a placeholder that is unknown"),
                    format!("known: {}", PLACEHOLDERS.join(", ")),
                );
                return None;
            }
        }
        Some(Self(words))
    }
}

impl<T: Setting> Setting for Option<T> {
    fn kind() -> String {
        T::kind()
    }

    fn words() -> Vec<Word> {
        T::words()
    }

    fn read(value: &Value, at: &Place, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(value, at, reader).map(Some)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn kind() -> String {
        format!("list; each: {}", T::kind())
    }

    fn words() -> Vec<Word> {
        T::words()
    }

    /// Every wrong element is reported, not the first alone.
    fn read(value: &Value, at: &Place, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(array) = value.as_array() else {
            reader.mistake(
                at,
                format!("expected a list, found {}", type_name(value)),
                "write it as [ ... ]".to_owned(),
            );
            return None;
        };
        let mut all = Some(Self::with_capacity(array.len()));
        for (index, element) in array.iter().enumerate() {
            let line = reader.line_of(element.span()).filter(|_| at.line.is_some());
            let at = Place { path: format!("{}[{index}]", at.path), line };
            match (T::read(element, &at, reader), &mut all) {
                (Some(element), Some(all)) => all.push(element),
                _ => all = None,
            }
        }
        all
    }
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("no time at all".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

/// `10.77.0.1/16` names a host: taken as a network it would hide a slip.
fn network(text: &str) -> Result<Ipv4Net, String> {
    let net: Ipv4Net = parsed(text)?;
    if net.trunc() == net { Ok(net) } else { Err(format!("the network is {}", net.trunc())) }
}

fn one_line(text: &str) -> Result<String, String> {
    match text {
        "" => Err("empty".to_owned()),
        text if text.contains(char::is_control) => Err("it holds a control character".to_owned()),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        for (text, bytes) in [("0B", 0), ("512 B", 512), ("64KiB", 65_536), ("2 mib", 2 << 20), ("3GiB", 3 << 30)] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for text in ["", "64", "64MB", "MiB", "-1B", "1.5GiB", "99999999999999999999B", "18446744073709551615GiB"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn pools_run_upwards() {
        let pool: PoolRange = "10.0.0.5-10.0.0.9".parse().unwrap();
        assert_eq!((pool.first.octets()[3], pool.last.octets()[3]), (5, 9));
        for text in ["", "10.0.0.5", "10.0.0.9-10.0.0.5", "10.0.0.5-x", "fe80::1-fe80::2"] {
            assert!(text.parse::<PoolRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_is_no_host() {
        assert!(network("10.77.0.0/16").is_ok());
        assert_eq!(network("10.77.0.1/16"), Err("the network is 10.77.0.0/16".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text: String) {
            let _ = (text.parse::<Bytes>(), text.parse::<PoolRange>(), text.parse::<KeyHash>(), duration(&text));
        }
    }
}
