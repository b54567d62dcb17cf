//! What must hold for any value in a boot script; shared by the fuzz target and the test that replays the seeds.

use std::sync::LazyLock;

use pxe::ipxe::{Addressee, Phrase, Scripts, Word};
use vocabulary::{Mac, Reason};

static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts::new().expect("the templates are tested"));
static USUAL: LazyLock<usize> = LazyLock::new(|| wait("waits").lines().count());

/// A word is one word, a phrase one harmless line, and a script keeps its shape around it.
pub(crate) fn value(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(word) = Word::new(text.clone()) {
        assert!(!word.as_str().contains(|c: char| c.is_whitespace() || "${};|&#\\\"'`".contains(c)), "{text:?}");
        assert!(!word.as_str().starts_with('-'), "{text:?}");
    }
    let phrase = Phrase::new(&text);
    assert!(!phrase.as_str().contains(|c: char| !(' '..='~').contains(&c) || "${};|&\\".contains(c)), "{text:?}");
    let script = wait(&text);
    assert_eq!(script.lines().count(), *USUAL, "{text:?} changed the script's lines");
    assert_eq!(script.matches("${").count(), 3, "{text:?} added an expansion");
}

fn wait(cause: &str) -> String {
    let base = "10.77.0.1:7601".parse().expect("an address");
    let to = Addressee { mac: Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]), base };
    let reason = Reason { cause: cause.to_owned(), remedy: cause.to_owned() };
    SCRIPTS.wait(to, &reason, 10).expect("any reason can be shown").shown()
}
