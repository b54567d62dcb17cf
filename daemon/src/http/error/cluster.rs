//! Which status work on the cluster fails with, and what the client is told to do.
//!
//! The agents' words are the message; the hint is ours. An answer that was lost is told apart from a refusal: what may
//! have happened is looked at before it is tried again.

use std::time::Duration;

use ::jobs::CallError;
use axum::http::StatusCode;

use super::{SEE_LOG, Verdict, verdict};
use crate::{
    cluster::{Away, certificate_remedy},
    workload::ClusterError,
};

/// Lost leaders are elected anew within seconds.
const SOON: Duration = Duration::from_secs(5);

const LOOK_FIRST: &str = "it may have been carried out: look first (roost job show), then repeat what is missing";

pub(super) fn verdict_of(error: &ClusterError) -> Verdict {
    match error {
        ClusterError::Away(Away::NotConfigured) => verdict(
            StatusCode::CONFLICT,
            "no_cluster",
            "set [cluster] mode to \"own\" (then: roost cluster init) or \"join\", and restart the daemon",
        ),
        ClusterError::Away(Away::NotMade | Away::HalfMade) => {
            verdict(StatusCode::CONFLICT, "cluster_not_made", "make it, on the control node: roost cluster init")
        }
        ClusterError::Invalid { .. } => verdict(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_job",
            "mend what Nomad names (line and column, where it gives them), then: roost job plan FILE",
        ),
        ClusterError::Changed { .. } => {
            verdict(StatusCode::CONFLICT, "job_changed", "take over what you want of theirs, then: roost job plan FILE")
        }
        ClusterError::Moved { .. } => {
            verdict(StatusCode::CONFLICT, "changed_meanwhile", "look at it again, then repeat")
        }
        ClusterError::Deploying { .. } => {
            verdict(StatusCode::CONFLICT, "deploying", "wait for the deployment's end: roost job events -f JOB")
        }
        ClusterError::Unknown { hint, .. } => verdict(StatusCode::NOT_FOUND, "unknown", *hint),
        ClusterError::Refused { hint, .. } => verdict(StatusCode::UNPROCESSABLE_ENTITY, "refused", hint),
        ClusterError::TooLong { .. } => verdict(
            StatusCode::PAYLOAD_TOO_LARGE,
            "job_too_long",
            "every server keeps each version of a job: put data into an artifact, an image or a secret; or raise [limits] body",
        ),
        ClusterError::Look(error) => {
            call(error, "nothing was changed; try again when the cluster answers: roost cluster status")
        }
        ClusterError::Act(error) if error.may_have_happened() => call(error, LOOK_FIRST),
        ClusterError::Act(error) => {
            call(error, "nothing was changed; repeat it when the cluster answers: roost cluster status")
        }
        ClusterError::Halfway { .. } => verdict(
            StatusCode::BAD_GATEWAY,
            "halfway",
            "what was done stands: look first (roost job show), then repeat for what is missing",
        ),
        ClusterError::Output(_) => {
            verdict(StatusCode::BAD_GATEWAY, "output_broken", "read it again: roost job logs JOB")
        }
        ClusterError::Store(_) => verdict(StatusCode::SERVICE_UNAVAILABLE, "store_failed", SEE_LOG),
    }
}

fn call(error: &CallError, hint: &str) -> Verdict {
    let passing = |code| Verdict { retry_after: Some(SOON), ..verdict(StatusCode::SERVICE_UNAVAILABLE, code, hint) };
    match error {
        CallError::NoLeader { .. } => passing("no_leader"),
        CallError::Unreachable { .. } | CallError::Cut { .. } => passing("cluster_unreachable"),
        CallError::TimedOut { .. } => passing("cluster_slow"),
        CallError::Certificate { bad, .. } => {
            verdict(StatusCode::BAD_GATEWAY, "cluster_certificate", certificate_remedy(bad))
        }
        CallError::Denied { .. } => verdict(
            StatusCode::BAD_GATEWAY,
            "cluster_denied",
            "the daemon's own token was revoked or may not do this: roost cluster status; renew it ([cluster] nomad_token)",
        ),
        CallError::NotFound { .. } => verdict(StatusCode::NOT_FOUND, "unknown", "roost job list shows every job"),
        CallError::Refused { status: 400..=499, .. } | CallError::Request { .. } => {
            verdict(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Nomad's words say what it does not take")
        }
        CallError::Refused { .. } => verdict(StatusCode::BAD_GATEWAY, "cluster_failed", hint),
        CallError::Unreadable { .. } => verdict(StatusCode::BAD_GATEWAY, "cluster_not_understood", hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_nothing_was_changed_is_said_only_where_that_is_certain() {
        let hint = |status, said: &str| {
            let error = CallError::Refused { service: "Nomad", status, said: said.to_owned() };
            verdict_of(&ClusterError::Act(error)).hint
        };
        assert!(hint(500, "rpc error: EOF").starts_with("it may have been carried out"));
        let no_leader = |said: &str| {
            let error = CallError::NoLeader { service: "Nomad", said: said.to_owned() };
            verdict_of(&ClusterError::Act(error)).hint
        };
        assert!(
            no_leader("rpc error: leadership lost while committing log").starts_with("it may have been carried out")
        );
        assert!(no_leader("No cluster leader").starts_with("nothing was changed"));
    }
}
