//! Ethernet hardware addresses: six bytes, written `52:54:00:12:34:56`.
//!
//! Six bytes and no more: InfiniBand's 8- and 20-byte addresses never reach the lifecycle, the DHCP part answers
//! them by client id and reports them as unsupported. Parsing takes `:`, `-`, `.` (Cisco) and bare hex, because
//! people paste what their switch prints; there is one way of writing.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A 48-bit Ethernet address (IEEE 802, EUI-48).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

/// The text is no Ethernet address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a MAC address (expected six bytes such as 52:54:00:12:34:56)")]
pub struct ParseMacError {
    /// What was given, for the error message.
    pub text: String,
}

impl Mac {
    /// The form that iPXE's `${mac:hexhyp}` writes, safe in URLs and file names: `52-54-00-12-34-56`.
    #[must_use]
    pub fn hyphenated(self) -> String {
        self.0.map(|byte| format!("{byte:02x}")).join("-")
    }

    /// Twelve hex digits without separators.
    #[must_use]
    pub fn bare(self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseMacError { text: text.chars().take(64).collect() };
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
        let mut bytes = [0; 6];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| error())?;
        let separators = text.len() - 12;
        if matches!(separators, 0 | 2 | 5) { Ok(Self(bytes)) } else { Err(error()) }
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_people_paste() {
        let mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        for text in ["52:54:00:12:34:56", "52-54-00-12-34-56", "5254.0012.3456", "525400123456"] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        assert_eq!(mac.to_string(), "52:54:00:12:34:56");
        assert_eq!(mac.hyphenated(), "52-54-00-12-34-56");
        assert_eq!(mac.bare(), "525400123456");
    }

    #[test]
    fn refuses_everything_else() {
        for text in
            ["", "52:54", "52:54:00:12:34:5g", "52:54:00:12:34:56:78", "52:54:00:12:34:56\n", "::::::525400123456"]
        {
            assert!(text.parse::<Mac>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn is_written_in_one_way() {
        let mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0xab]);
        assert_eq!(format!("{mac:?}"), "52:54:00:12:34:ab");
        assert_eq!(serde_json::to_value(mac).unwrap(), "52:54:00:12:34:ab");
        assert_eq!(serde_json::from_str::<Mac>("\"5254.0012.34AB\"").unwrap(), mac);
    }

    #[test]
    fn json_holds_it_as_text_alone() {
        for json in ["\"\"", "\"localhost\"", "525400123456", "[82,84,0,18,52,86]", "null"] {
            assert!(serde_json::from_str::<Mac>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn refuses_a_number_of_separators_that_nobody_writes() {
        for text in ["525400-123456", "52:54:00:123456", "52:54:00:12:3456", "52:54:00:12:34:56:"] {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_shows_the_beginning_of_what_was_given() {
        let said = "\"eth0\" is not a MAC address (expected six bytes such as 52:54:00:12:34:56)";
        assert_eq!("eth0".parse::<Mac>().unwrap_err().to_string(), said);
        assert_eq!("é".repeat(1000).parse::<Mac>().unwrap_err().text, "é".repeat(64));
    }

    proptest::proptest! {
        #[test]
        fn text_round_trips(bytes: [u8; 6]) {
            let mac = Mac(bytes);
            proptest::prop_assert_eq!(mac.to_string().parse(), Ok(mac));
            proptest::prop_assert_eq!(mac.hyphenated().parse(), Ok(mac));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = text.parse::<Mac>();
        }
    }
}
