//! Who a call-home comes from: the pure decision about a token, a machine and the claims it makes.
//!
//! The token says which boot of which machine this is; the claims must agree with what that boot was and with what
//! the machine was before. The source address decides nothing. A repeat of the very same call-home gets the very
//! same answer, whatever else moved; any other second use of a token is an alarm, because either the machine or the
//! wire between us is not what it was.

use sha2::{Digest as _, Sha256};
use vocabulary::{CallHome, Identity, RunId, SmbiosUuid, Timestamp, TokenHash};

use super::{keeping, lifecycle::Tracked};

/// What to do with a call-home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The first of this boot: pin the identity, queue the run.
    Accept,
    /// Said before in the same words: the same run.
    Repeat(RunId),
    /// Refuse; the machine is told why and the node stays as it is.
    Refuse(Refusal),
    /// Refuse, raise the alarm and park the node.
    Park(&'static str),
}

/// Why a call-home is refused without suspicion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No boot ever had this token.
    #[error("this token was never minted here")]
    UnknownToken,
    /// Its boot was not finished in time.
    #[error("this token expired: the boot took too long")]
    Expired,
    /// The machine has fetched another script since.
    #[error("this token belongs to an earlier boot of this machine")]
    Superseded,
    /// A person has taken the node out.
    #[error("this machine is not admitted")]
    NotAdmitted,
    /// It is parked.
    #[error("this machine is parked as suspect until a person decides")]
    Parked,
}

/// Decides on a call-home whose token was found to belong to `tracked`.
#[must_use]
pub fn decide(now: Timestamp, tracked: &Tracked, token: TokenHash, call: &CallHome) -> Decision {
    if tracked.is_leaving() {
        return Decision::Refuse(Refusal::NotAdmitted);
    }
    let Some(boot) = tracked.boot_of(token) else {
        return Decision::Refuse(Refusal::Superseded);
    };
    if tracked.node.state == vocabulary::NodeState::Suspect {
        return Decision::Refuse(Refusal::Parked);
    }
    if let Some(accepted) = boot.accepted {
        let same = accepted.digest == digest(call);
        return if same {
            Decision::Repeat(accepted.run)
        } else {
            Decision::Park("its token was used again with another identity")
        };
    }
    if !tracked.node.approved {
        return Decision::Refuse(Refusal::NotAdmitted);
    }
    if boot.expires.is_none_or(|expires| now > expires) {
        return Decision::Refuse(Refusal::Expired);
    }
    judge_claims(tracked, boot.uuid, call)
}

fn judge_claims(tracked: &Tracked, asked_with: Option<SmbiosUuid>, call: &CallHome) -> Decision {
    if call.mac != tracked.node.mac {
        return Decision::Park("its token was used by another MAC");
    }
    let claimed = call.smbios_uuid.and_then(SmbiosUuid::identifying);
    let asked = asked_with.and_then(SmbiosUuid::identifying);
    if matches!((claimed, asked), (Some(claimed), Some(asked)) if claimed != asked) {
        return Decision::Park("it calls home with another SMBIOS UUID than it booted with");
    }
    match &tracked.node.identity {
        Some(known) if tracked.pardoned.is_none() && known.smbios_uuid != claimed => {
            Decision::Park("its MAC is known with another SMBIOS UUID")
        }
        Some(known) if tracked.pardoned.is_none() => {
            keeping::strays(known, call).map_or(Decision::Accept, Decision::Park)
        }
        _ => Decision::Accept,
    }
}

/// What is pinned once a call-home is accepted, without what is carried over: the TPM, and the disk that keeps it.
#[must_use]
pub fn identity(call: &CallHome) -> Identity {
    let mut host_keys = call.ssh_host_keys.clone();
    host_keys.sort();
    Identity {
        mac: call.mac,
        smbios_uuid: call.smbios_uuid.and_then(SmbiosUuid::identifying),
        machine_id: Some(call.machine_id.clone()),
        host_keys,
        answered: None,
        tpm: None,
        kept: None,
    }
}

/// Digest of what must be the same for two call-homes to be one: MAC, UUID, machine id, host keys in any order.
#[must_use]
pub fn digest(call: &CallHome) -> [u8; 32] {
    let identity = identity(call);
    let mut hasher = Sha256::new();
    hasher.update(identity.mac.0);
    hasher.update(call.smbios_uuid.map_or([0; 16], |uuid| *uuid.0.as_bytes()));
    hasher.update(call.machine_id.to_string());
    for key in &identity.host_keys {
        hasher.update([0]);
        hasher.update(key.to_string());
    }
    hasher.finalize().into()
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
