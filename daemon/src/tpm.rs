//! A machine's TPM: proof over pinned SSH that it holds the endorsement key (EK) that its identity rests on.
//!
//! The EK cannot sign; it can only decrypt. So the control node hides a secret under the EK, bound to the name of
//! another object of the same TPM (`TPM2_MakeCredential`), and only the TPM that has both gives the secret back
//! (`TPM2_ActivateCredential`). [`credential`] hides, [`prover`] leads the conversation, both without I/O; [`ask`] carries
//! it over one SSH connection to `ask.sh` on the node. What a finding means for the node is decided in
//! `nodes/endorsement.rs`.
//!
//! Making a credential needs no TPM and no program on the control node (docs/decisions/0006-make-credential-in-rust.md).
//! The EK's certificate is not looked at: the first proof is trusted as the first host key is, the same TPM is demanded
//! from then on.

pub mod credential;
pub mod prover;
pub mod public;

use std::time::Duration;

use ring::rand::SystemRandom;
use vocabulary::{EndorsementKey, Reason};

use crate::ssh::{self, FleetKey, Pinned, SshError};
use prover::{Answer, Prover, Unsettled};

/// How long the whole conversation may take: a discrete TPM needs up to half a minute to derive an RSA key.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The machine's half, a POSIX shell script over tpm2-tools.
const SCRIPT: &str = include_str!("tpm/ask.sh");

/// What was found out for certain about a machine's TPM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It holds this key: the one that was demanded, or any where none was.
    Proven(EndorsementKey),
    /// The machine has no TPM 2.0.
    Absent,
    /// It does not hold the key that was demanded.
    Disproved(String),
}

/// Asks the machine to prove `known`, or its own endorsement key where none is known yet.
///
/// # Errors
/// Nothing is certain: nobody answered, or the machine could not use its TPM. To be asked again.
pub async fn ask(key: &FleetKey, node: &Pinned, known: Option<EndorsementKey>) -> Result<Finding, Reason> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)
        .map_err(|error| because(format!("no randomness to ask its TPM: {error}"), "roost status says more"))?;
    let mut prover = Prover::new(known, secret, SystemRandom::new());
    let command = format!("kind={}\n{SCRIPT}", prover.asks_for());
    let mut answer = None;
    let talk = ssh::converse(key, node, &command, PATIENCE, |line| match prover.hear(line) {
        Answer::Nothing => ssh::Turn::Listen,
        Answer::Say(words) => ssh::Turn::Say(words),
        Answer::End(end) => {
            answer = Some(end);
            ssh::Turn::End
        }
    });
    let ended = talk.await;
    match (answer, ended) {
        (Some(end), _) => end.map_err(|doubt| unsettled(&doubt)),
        (None, Err(error)) => Err(silent(&error)),
        (None, Ok(())) => Err(unsettled(&Unsettled::Silent)),
    }
}

fn silent(error: &SshError) -> Reason {
    because(
        format!("its TPM is not proven yet: {}", tasks::chain(error)),
        "nothing, it is tried again; its console and its timeline show how far it is",
    )
}

fn unsettled(unsettled: &Unsettled) -> Reason {
    because(format!("its TPM is not proven yet: {unsettled}"), unsettled.remedy())
}

fn because(cause: String, remedy: &str) -> Reason {
    Reason { cause, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Through the real listener and the real reasons: everything between `roost-tpm` and the end of the line is the node's.
    #[test]
    fn what_a_node_said_of_its_tpm_is_marked_as_its_own() {
        for line in ["failed activate hunter2", "failed hunter2 words", "failed hunter2", "lacks hunter2"] {
            let mut prover = Prover::new(None, [7; 32], SystemRandom::new());
            let Answer::End(Err(doubt)) = prover.hear(&format!("roost-tpm {line}")) else { panic!("{line}") };
            let Reason { cause, remedy } = unsettled(&doubt);
            assert!(cause.contains("hunter2"), "{cause}");
            let shown = vocabulary::leave_out_said(&format!("{cause} {remedy}"));
            assert!(shown.starts_with("its TPM is not proven yet: ") && !shown.contains("hunter2"), "{shown}");
        }
        let said = SshError::Failed { address: [10, 77, 1, 1].into(), message: "hunter2".to_owned() };
        let shown = vocabulary::leave_out_said(&silent(&said).cause);
        assert!(shown.contains("10.77.1.1") && !shown.contains("hunter2"), "{shown}");
    }
}
