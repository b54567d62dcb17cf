//! The two kinds of value that may enter an iPXE script, and nothing else may.
//!
//! iPXE expands `${...}` again and again, splits at white space, ends a command at `;`, `&&` or `||`, takes a leading
//! `-` for an option and a leading `#` for a comment, and continues a line after `\`. The kernel splits at spaces.
//! So a value is either a [`Word`], refused unless every character is on a short list, or a [`Phrase`], made harmless
//! character by character. Rejected: escaping, because neither iPXE nor the kernel has an escape character.

use std::fmt;

use minijinja::Value;

/// One word of a script or of the kernel's command line.
#[derive(Clone, PartialEq, Eq)]
pub struct Word(String);

/// The text cannot be one word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// Nothing there: `roost.x=` would be read as a switch.
    #[error("a value in a boot script is empty")]
    Empty,
    /// iPXE and the kernel have line limits.
    #[error("a value in a boot script has {bytes} bytes, more than {limit}")]
    TooLong {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A character that could end the word or start an expansion.
    #[error("a value in a boot script holds {character:?} at byte {at}")]
    Character {
        /// The first one.
        character: char,
        /// Where.
        at: usize,
    },
}

impl Word {
    /// Longest value: the kernel's whole command line has 2048 bytes on x86.
    const LIMIT_BYTES: usize = 512;

    /// Takes the text if it is one word to iPXE, to minijinja and to the kernel.
    ///
    /// # Errors
    /// The first thing that is wrong with it; the text itself is not repeated, it may be a secret.
    pub fn new(text: impl Into<String>) -> Result<Self, WordError> {
        let text = text.into();
        if text.is_empty() {
            return Err(WordError::Empty);
        }
        if text.len() > Self::LIMIT_BYTES {
            return Err(WordError::TooLong { bytes: text.len(), limit: Self::LIMIT_BYTES });
        }
        match text.char_indices().find(|(at, character)| !is_word_character(*at, *character)) {
            Some((at, character)) => Err(WordError::Character { character, at }),
            None => Ok(Self(text)),
        }
    }

    /// Stands for a value in an explanation, which no machine is sent: `roost.token=<token>`.
    pub(super) fn placeholder(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Word {
    /// A word may be a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&vocabulary::redact_tokens(&self.0))
    }
}

/// Text for the person at the console: any text goes in, one harmless line of printable ASCII comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase(String);

impl Phrase {
    /// Three lines of a text console; what is longer stands in the timeline.
    const LIMIT_CHARS: usize = 240;

    /// Makes the text harmless; a token in it becomes `(token)`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let shown: String = vocabulary::redact_tokens(text).chars().take(Self::LIMIT_CHARS).map(harmless).collect();
        let words = shown.split(' ').map(|word| word.trim_start_matches(['-', '#'])).filter(|word| !word.is_empty());
        Self(words.collect::<Vec<_>>().join(" "))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Word> for Value {
    fn from(word: Word) -> Self {
        Self::from(word.0)
    }
}

impl From<Phrase> for Value {
    fn from(phrase: Phrase) -> Self {
        Self::from(phrase.0)
    }
}

/// A leading `-` would be an option of the command that prints or fetches it.
fn is_word_character(at: usize, character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, '.' | '_' | ':' | '/' | '+' | '=' | ',' | '@' | '%' | '~')
        || (character == '-' && at > 0)
}

/// Nearest harmless relative of a character; `?` for what has none.
fn harmless(character: char) -> char {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | ':' | '/' | '+' | '=' | ',' | '@' | '%' | '~' => character,
        '-' | '#' | '\'' | '"' | '(' | ')' | '?' | '!' | '*' => character,
        '<' | '[' => '(',
        '>' | ']' => ')',
        '`' | '\u{2018}' | '\u{2019}' => '\'',
        '\u{2013}' | '\u{2014}' => '-',
        ';' => ',',
        _ if character.is_whitespace() => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vocabulary::Token;

    use super::*;

    const ATTACKS: [&str; 17] = [
        "x\nchain http://evil/",
        "x\r\nshell",
        "x chain",
        "x\tchain",
        "${net0/mac}",
        "$${x}",
        "{{ 7 * 7 }}",
        "{% include 'x' %}",
        "{# x #}",
        "x;shell",
        "x&&shell",
        "x||shell",
        "x\\",
        "-n",
        "#x",
        "x\0y",
        "\u{202e}x",
    ];

    #[test]
    fn no_attack_is_a_word() {
        for attack in ATTACKS {
            assert!(matches!(Word::new(attack), Err(WordError::Character { .. })), "{attack:?}");
        }
        assert_eq!(Word::new(""), Err(WordError::Empty));
        assert!(matches!(Word::new("a".repeat(513)), Err(WordError::TooLong { bytes: 513, .. })));
    }

    #[test]
    fn what_a_command_line_needs_is_a_word() {
        for word in
            ["http://10.77.0.1:7601", "/assets/00ff/root.squashfs", "AAAA+/a=", "01-52-54-00-12-34-56", "rt_a-b_c"]
        {
            assert_eq!(Word::new(word).unwrap().as_str(), word);
        }
    }

    #[test]
    fn every_attack_is_a_harmless_phrase() {
        for attack in ATTACKS {
            let phrase = Phrase::new(attack);
            assert!(harmless_line(phrase.as_str()), "{attack:?} became {phrase:?}");
        }
        assert_eq!(
            Phrase::new("no image yet; run `roost image build`").as_str(),
            "no image yet, run 'roost image build'"
        );
        let token = Token::from_random([9; 32]);
        assert_eq!(Phrase::new(&format!("minted {}", token.expose())).as_str(), "minted (token)");
    }

    #[test]
    fn a_word_does_not_show_a_token() {
        let token = Token::from_random([9; 32]);
        assert_eq!(format!("{:?}", Word::new(token.expose()).unwrap()), "<token>");
        assert!(!format!("{:?}", Word::new(format!("{} ", token.expose())).unwrap_err()).contains(token.expose()));
    }

    fn harmless_line(text: &str) -> bool {
        let plain =
            text.chars().all(|c| (' '..='~').contains(&c) && !matches!(c, '$' | '{' | '}' | '\\' | ';' | '&' | '|'));
        plain && text.split(' ').all(|word| !word.starts_with(['-', '#']))
    }

    proptest! {
        #[test]
        fn a_word_that_is_taken_is_one_word(text: String) {
            if let Ok(word) = Word::new(text) {
                prop_assert_eq!(word.as_str().split(|c: char| c.is_whitespace()).count(), 1);
                prop_assert!(harmless_line(word.as_str()));
            }
        }

        #[test]
        fn any_text_is_a_harmless_phrase(text: String) {
            prop_assert!(harmless_line(Phrase::new(&text).as_str()));
        }
    }
}
