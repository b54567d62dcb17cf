//! The control node's half of the conversation: a line of the machine in, words for it or an end out. No I/O.
//!
//! ```text
//! machine                                        control node
//! key <public area> <name of the other object>   -> a credential for exactly these two, or the end
//! secret <what the credential held>              -> proven, or not
//! none | lacks TOOL | driver | failed STATION... -> the end: no TPM, or nothing is certain
//! ```
//!
//! What ends in doubt is asked again; what ends in certainty is the lifecycle's to judge. Where a key is demanded, an
//! answer that only somebody without it would give is certainty. Lines are of a stranger: bounded by the caller, decoded
//! strictly here, and shown to people as printable text alone, marked as the machine's words ([`quote_said`]).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::rand::SystemRandom;
use subtle::ConstantTimeEq as _;
use vocabulary::{EndorsementKey, quote_said};

use super::{
    Finding,
    credential::{self, ObjectName},
    public::EkPublic,
};

/// How the machine's lines begin; anything else is a login message or the like.
const MARK: &str = "roost-tpm ";
/// More of a machine's words reach no person.
const WORDS_SHOWN: usize = 200;
/// How a TPM calls a parameter that is not for it: its answer about a credential, never a passing trouble.
const NOT_FOR_IT: &str = "tpm:parameter";

/// Leads one conversation.
#[derive(Debug)]
pub struct Prover {
    known: Option<EndorsementKey>,
    secret: [u8; 32],
    random: SystemRandom,
    offered: Option<EndorsementKey>,
}

/// What comes of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on listening.
    Nothing,
    /// Send this line.
    Say(String),
    /// It is over.
    End(Result<Finding, Unsettled>),
}

/// Nothing is certain: to be asked again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// The image of the node is too old, or a person's own.
    #[error("the node has no {}", quote_said(.0))]
    Lacks(String),
    /// The firmware names a TPM that no driver took.
    #[error("the firmware names a TPM 2.0, but no driver of the kernel found it")]
    NoDriver,
    /// A command of the machine failed.
    #[error("the TPM failed at {}", quote_said(&format!("{station}: {words}")))]
    Failed {
        /// Which station of the script.
        station: String,
        /// What tpm2-tools said.
        words: String,
    },
    /// An answer that no working script gives.
    #[error("the machine's answer cannot be understood: {0}")]
    Unclear(&'static str),
    /// The connection ended before an answer.
    #[error("the machine said nothing of its TPM")]
    Silent,
}

impl Unsettled {
    /// What a person can do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Lacks(_) => "roost image build (tpm2-tools belongs to the image), then start the machine again",
            Self::NoDriver | Self::Failed { .. } => {
                "nothing, it is tried again; if it stays so: clear the TPM in the firmware's setup, or switch it off there"
            }
            Self::Unclear(_) | Self::Silent => "nothing, it is tried again; if it stays so: roost image build",
        }
    }
}

impl Prover {
    /// For a machine whose key is known, or not yet. The secret is random, and of this conversation alone.
    #[must_use]
    pub const fn new(known: Option<EndorsementKey>, secret: [u8; 32], random: SystemRandom) -> Self {
        Self { known, secret, random, offered: None }
    }

    /// Which key the machine is to make.
    #[must_use]
    pub fn asks_for(&self) -> &'static str {
        self.known.map_or("any", |known| known.kind.name())
    }

    /// The machine said a line.
    pub fn hear(&mut self, line: &str) -> Answer {
        let Some(said) = line.trim_end().strip_prefix(MARK) else { return Answer::Nothing };
        let (word, rest) = said.split_once(' ').unwrap_or((said, ""));
        match word {
            "none" => Answer::End(Ok(Finding::Absent)),
            "driver" => Answer::End(Err(Unsettled::NoDriver)),
            "lacks" => Answer::End(Err(Unsettled::Lacks(printable(rest)))),
            "failed" => Answer::End(self.failed(rest)),
            "key" => self.key(rest),
            "secret" => Answer::End(self.secret(rest)),
            _ => Answer::End(Err(Unsettled::Unclear("an unknown word"))),
        }
    }

    fn failed(&self, rest: &str) -> Result<Finding, Unsettled> {
        let (station, words) = rest.split_once(' ').unwrap_or((rest, "no reason was given"));
        if let Some(known) = self.known.filter(|_| station == "activate" && words.contains(NOT_FOR_IT)) {
            return Ok(Finding::Disproved(format!("its TPM cannot open a credential for {known}")));
        }
        Err(Unsettled::Failed { station: printable(station), words: printable(words) })
    }

    fn key(&mut self, rest: &str) -> Answer {
        let Some((ek, name)) = read_key(rest) else {
            return Answer::End(self.doubt("no endorsement key of a default template"));
        };
        let key = ek.key();
        if let Some(known) = self.known.filter(|known| *known != key) {
            let cause = format!("it has another TPM: {key} instead of {known}");
            return Answer::End(Ok(Finding::Disproved(cause)));
        }
        match credential::make(&ek, &name, &self.secret, &self.random) {
            Ok(made) => {
                self.offered = Some(key);
                Answer::Say(STANDARD.encode(made))
            }
            Err(credential::MakeError::OffCurve) => Answer::End(self.doubt("an endorsement key that is no key")),
            Err(credential::MakeError::Random) => {
                Answer::End(Err(Unsettled::Unclear("the control node has no random bytes")))
            }
        }
    }

    fn secret(&self, rest: &str) -> Result<Finding, Unsettled> {
        let opened = STANDARD.decode(rest).unwrap_or_default();
        match self.offered {
            Some(key) if bool::from(opened.ct_eq(&self.secret)) => Ok(Finding::Proven(key)),
            _ => self.doubt("a credential was opened wrongly"),
        }
    }

    /// An answer that no TPM gives: certain where a key is demanded, else to be asked again.
    fn doubt(&self, what: &'static str) -> Result<Finding, Unsettled> {
        match self.known {
            Some(known) => Ok(Finding::Disproved(format!("its TPM was to prove {known} and answered wrongly: {what}"))),
            None => Err(Unsettled::Unclear(what)),
        }
    }
}

fn read_key(rest: &str) -> Option<(EkPublic, ObjectName)> {
    let (public, name) = rest.split_once(' ')?;
    let public = STANDARD.decode(public).ok()?;
    let name = STANDARD.decode(name).ok()?;
    Some((EkPublic::read(&public).ok()?, ObjectName::read(&name)?))
}

fn printable(words: &str) -> String {
    words.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(WORDS_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vocabulary::EndorsementKind;

    use super::*;
    use crate::tpm::public::tests::{ECC_EK, RSA_EK};

    const SECRET: [u8; 32] = [7; 32];

    fn prover(known: Option<EndorsementKey>) -> Prover {
        Prover::new(known, SECRET, SystemRandom::new())
    }

    fn key_of(public: &str) -> EndorsementKey {
        EkPublic::read(&hex::decode(public).unwrap()).unwrap().key()
    }

    fn key_line(public: &str) -> String {
        let name = [&[0, 0x0b][..], &[3; 32]].concat();
        format!("roost-tpm key {} {}\n", STANDARD.encode(hex::decode(public).unwrap()), STANDARD.encode(name))
    }

    fn secret_line(secret: &[u8]) -> String {
        format!("roost-tpm secret {}", STANDARD.encode(secret))
    }

    fn finding(answer: Answer) -> Finding {
        match answer {
            Answer::End(Ok(finding)) => finding,
            other => panic!("nothing is certain: {other:?}"),
        }
    }

    fn unsettled(answer: Answer) -> Unsettled {
        match answer {
            Answer::End(Err(unsettled)) => unsettled,
            other => panic!("too certain: {other:?}"),
        }
    }

    #[test]
    fn whoever_opens_the_credential_has_the_key() {
        for (public, known) in [(RSA_EK, None), (ECC_EK, None), (RSA_EK, Some(key_of(RSA_EK)))] {
            let mut prover = prover(known);
            assert_eq!(prover.hear("Welcome to this machine"), Answer::Nothing);
            let Answer::Say(credential) = prover.hear(&key_line(public)) else { panic!("no credential") };
            assert!(!credential.contains(&STANDARD.encode(SECRET)) && !credential.contains('\n'));
            assert_eq!(finding(prover.hear(&secret_line(&SECRET))), Finding::Proven(key_of(public)));
        }
    }

    #[test]
    fn the_machine_is_asked_for_the_kind_of_key_that_it_proved_before() {
        assert_eq!(prover(None).asks_for(), "any");
        assert_eq!(prover(Some(key_of(RSA_EK))).asks_for(), "rsa2048");
        let ecc = EndorsementKey { kind: EndorsementKind::EccP256, sha256: [0; 32] };
        assert_eq!(prover(Some(ecc)).asks_for(), "ecc_p256");
    }

    #[test]
    fn another_key_is_certainty_and_gets_no_credential() {
        let Finding::Disproved(cause) = finding(prover(Some(key_of(RSA_EK))).hear(&key_line(ECC_EK))) else {
            panic!("not disproved")
        };
        assert!(cause.contains("another TPM") && cause.contains(&key_of(ECC_EK).to_string()), "{cause}");
    }

    /// The public half of a key is no secret: who shows it and cannot open what is hidden under it is a cloner.
    #[test]
    fn the_right_key_with_a_wrong_secret_is_certainty() {
        for wrong in [secret_line(&[8; 32]), secret_line(&SECRET[..31]), secret_line(&[]), "roost-tpm secret *".into()]
        {
            let mut prover = prover(Some(key_of(RSA_EK)));
            assert!(matches!(prover.hear(&key_line(RSA_EK)), Answer::Say(_)));
            assert!(matches!(finding(prover.hear(&wrong)), Finding::Disproved(_)), "{wrong}");
        }
        let mut early = prover(Some(key_of(RSA_EK)));
        assert!(matches!(finding(early.hear(&secret_line(&SECRET))), Finding::Disproved(_)));
    }

    #[test]
    fn a_tpm_that_refuses_the_credential_is_certainty_and_one_that_is_busy_is_not() {
        let refused = "roost-tpm failed activate ERROR: Esys_ActivateCredential(0x1DF) - tpm:parameter(1):integrity";
        let busy = "roost-tpm failed activate ERROR: Esys_ActivateCredential(0x922) - tpm:warn(2.0): retry";
        assert!(matches!(finding(prover(Some(key_of(RSA_EK))).hear(refused)), Finding::Disproved(_)));
        for (known, line) in [(None, refused), (Some(key_of(RSA_EK)), busy)] {
            assert!(matches!(unsettled(prover(known).hear(line)), Unsettled::Failed { .. }));
        }
    }

    #[test]
    fn wrong_answers_of_a_machine_without_a_known_key_are_asked_again() {
        for line in [secret_line(&SECRET), "roost-tpm key AAAA AAAA".into(), "roost-tpm sing".into()] {
            assert!(matches!(unsettled(prover(None).hear(&line)), Unsettled::Unclear(_)), "{line}");
        }
    }

    #[test]
    fn what_hinders_a_machine_is_told_with_its_remedy_and_without_its_control_characters() {
        let lacks = unsettled(prover(Some(key_of(RSA_EK))).hear("roost-tpm lacks tpm2_\u{1b}[31mcreatek"));
        assert_eq!(lacks, Unsettled::Lacks("tpm2_[31mcreatek".into()));
        assert!(lacks.remedy().contains("roost image build"));
        let failed = unsettled(prover(None).hear(&format!("roost-tpm failed endorsement {}", "x".repeat(5000))));
        assert!(matches!(failed, Unsettled::Failed { words, .. } if words.len() == WORDS_SHOWN));
        assert_eq!(unsettled(prover(None).hear("roost-tpm driver")), Unsettled::NoDriver);
        assert_eq!(finding(prover(None).hear("roost-tpm none\r\n")), Finding::Absent);
    }

    proptest! {
        #[test]
        fn no_line_of_a_machine_makes_it_panic(word in "(none|lacks|failed|key|secret|driver|) ?", rest: String) {
            for known in [None, Some(key_of(ECC_EK))] {
                drop(prover(known).hear(&format!("roost-tpm {word}{rest}")));
            }
        }
    }
}
