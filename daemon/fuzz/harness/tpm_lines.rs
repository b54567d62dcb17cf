//! What must hold for any conversation with a machine; shared by the fuzz target and the test that replays the seeds.

use daemon::tpm::{
    Finding,
    prover::{Answer, Prover, Unsettled},
};
use ring::rand::SystemRandom;
use vocabulary::{EndorsementKey, EndorsementKind};

/// Nobody proves a key without the secret, and a person is shown printable words alone, few of them.
pub(crate) fn lines(bytes: &[u8]) {
    let known = EndorsementKey { kind: EndorsementKind::Rsa2048, sha256: [7; 32] };
    let text = String::from_utf8_lossy(bytes);
    for known in [None, Some(known)] {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        let mut prover = Prover::new(known, secret, SystemRandom::new());
        for line in text.split('\n') {
            match prover.hear(line) {
                Answer::Nothing | Answer::Say(_) => {}
                Answer::End(end) => {
                    check(&end);
                    break;
                }
            }
        }
    }
}

fn check(end: &Result<Finding, Unsettled>) {
    assert!(!matches!(end, Ok(Finding::Proven(_))), "proven without the secret");
    let words = match end {
        Ok(Finding::Disproved(words)) | Err(Unsettled::Lacks(words)) => vec![words],
        Err(Unsettled::Failed { station, words }) => vec![station, words],
        _ => Vec::new(),
    };
    for words in words {
        assert!(words.len() <= 400, "{} bytes for a person", words.len());
        assert!(words.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{words:?}");
    }
}
