//! Values that must not reach a log: secrets in general, and the call-home token in particular.
//!
//! `Debug` shows `<secret>` and there is no `Display`; whoever needs the bytes says [`Secret::expose`], which a
//! reviewer can search for. The token's written form is recognisable (`rt_` and 43 characters), so that one
//! function can take it out of consoles, captures and logs that other programs wrote.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// A value that is shown as `<secret>`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value as soon as it is read.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that uses it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

const TOKEN_PREFIX: &str = "rt_";
/// 32 bytes in base64 without padding.
const TOKEN_BODY_CHARS: usize = 43;

/// The single-use call-home token that is minted into one boot's script.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Token(Secret<String>);

impl Token {
    /// A token from 32 random bytes; the caller brings the randomness.
    #[must_use]
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// What is stored and compared: the token itself is never kept.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.expose().as_bytes()).into())
    }

    /// The written form, for the boot script alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<token>")
    }
}

impl TryFrom<String> for Token {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let body = text.strip_prefix(TOKEN_PREFIX).unwrap_or_default();
        let well_formed = body.len() == TOKEN_BODY_CHARS && body.bytes().all(is_token_byte);
        if well_formed { Ok(Self(Secret::new(text))) } else { Err("not a call-home token") }
    }
}

/// SHA-256 of a [`Token`], as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// The text with every call-home token replaced by `<token>`.
#[must_use]
pub fn redact_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(TOKEN_PREFIX) {
        let (before, candidate) = rest.split_at(start);
        shown.push_str(before);
        let body = candidate[TOKEN_PREFIX.len()..].bytes().take_while(|byte| is_token_byte(*byte)).count();
        let whole = &candidate[..TOKEN_PREFIX.len() + body];
        shown.push_str(if body >= TOKEN_BODY_CHARS { "<token>" } else { whole });
        rest = &candidate[whole.len()..];
    }
    shown.push_str(rest);
    shown
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_itself_to_nobody() {
        let token = Token::from_random([7; 32]);
        assert_eq!(format!("{token:?} {:?}", Secret::new("x")), "<token> <secret>");
        assert_eq!(Token::try_from(token.expose().to_owned()).unwrap().hash(), token.hash());
        assert_ne!(Token::from_random([8; 32]).hash(), token.hash());
    }

    #[test]
    fn tokens_are_taken_out_of_any_text() {
        let token = Token::from_random([0xff; 32]);
        let line = format!("BOOT_IMAGE=x roost.token={} quiet rt_short", token.expose());
        assert_eq!(redact_tokens(&line), "BOOT_IMAGE=x roost.token=<token> quiet rt_short");
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "rt_", "rt_short", &format!("rt_{}", "a".repeat(44)), &format!("rt_{}\n", "a".repeat(42))] {
            assert!(Token::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_shown_to_whoever_asks_by_name_alone() {
        let secret: Secret<u32> = serde_json::from_str("4711").unwrap();
        assert_eq!(secret.expose(), &4711);
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "<secret> Some(<secret>)");
    }

    #[test]
    fn a_token_is_written_and_stored_as_it_always_was() {
        let token = Token::from_random([0; 32]);
        let of_the_written_form = "619682011001d94f7385b7c459e6e3b08711d130160b5e9cf037095c78f7016f";
        assert_eq!(token.expose(), format!("rt_{}", "A".repeat(43)));
        assert_eq!(format!("{token:?}"), "<token>");
        assert_eq!(hex::encode(token.hash().0), of_the_written_form);
        assert_eq!(serde_json::from_value::<Token>(token.expose().into()).unwrap(), token);
    }

    #[test]
    fn a_token_is_its_prefix_and_forty_three_characters() {
        for (text, well_formed) in [
            (format!("rt_{}", "a".repeat(42)), false),
            (format!("rt_{}", "a".repeat(43)), true),
            (format!("rt_{}", "a".repeat(44)), false),
            (format!("rt-{}", "a".repeat(43)), false),
            (format!("RT_{}", "a".repeat(43)), false),
            (format!(" rt_{}", "a".repeat(43)), false),
            ("a".repeat(43), false),
            ("a".repeat(46), false),
        ] {
            assert_eq!(Token::try_from(text.clone()).is_ok(), well_formed, "{text:?}");
        }
    }

    #[test]
    fn a_token_holds_the_characters_of_base64_for_urls_alone() {
        for byte in 0..=0x7f_u8 {
            let expected = matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
            let text = format!("rt_{}{}", "a".repeat(42), char::from(byte));
            assert_eq!(Token::try_from(text.clone()).is_ok(), expected, "{text:?}");
        }
        assert!(Token::try_from(format!("rt_{}é", "a".repeat(41))).is_err());
    }

    #[test]
    fn redaction_takes_out_what_is_long_enough_and_every_one_of_it() {
        for (body, shown) in [(42, format!("rt_{}", "a".repeat(42))), (43, "<token>".into()), (44, "<token>".into())] {
            let text = format!("rt_{}", "a".repeat(body));
            assert_eq!(redact_tokens(&format!("{text} é {text}")), format!("{shown} é {shown}"), "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn redaction_leaves_no_token_and_loses_nothing_else(before in "[^r]*", after in "[^a-zA-Z0-9_-][^r]*", bytes: [u8; 32]) {
            let token = Token::from_random(bytes);
            let shown = redact_tokens(&format!("{before}{}{after}", token.expose()));
            proptest::prop_assert_eq!(shown, format!("{before}<token>{after}"));
        }
    }
}
