//! What stands in the way of work on the cluster, each with what to do about it.

use ::jobs::{
    CallError,
    nomad::{ParseError, RegisterError, VariableError},
    told::{Conflict, one_line},
};

use crate::{cluster::Away, http::desks::BoxError};

/// Work on the cluster failed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no cluster to work on.
    #[error(transparent)]
    Away(#[from] Away),
    /// The job is not one.
    #[error("{said}")]
    Invalid {
        /// In Nomad's words, with the line where there is one.
        said: String,
    },
    /// Somebody changed the job since it was planned.
    #[error("{job} was changed since it was planned: {}", both.in_words())]
    Changed {
        /// Which.
        job: String,
        /// What stands against each other.
        both: Box<Conflict>,
    },
    /// Somebody changed something else meanwhile.
    #[error("{what} was changed meanwhile: {said}")]
    Moved {
        /// Which.
        what: String,
        /// In the agent's words.
        said: String,
    },
    /// A deployment is under way.
    #[error("{said}")]
    Deploying {
        /// In Nomad's words.
        said: String,
    },
    /// There is no such thing.
    #[error("there is no {what}")]
    Unknown {
        /// The thing: `job web`.
        what: String,
        /// How to see those that exist.
        hint: &'static str,
    },
    /// It makes no sense for this thing.
    #[error("{reason}")]
    Refused {
        /// What stands against it.
        reason: String,
        /// What to do instead.
        hint: String,
    },
    /// Longer than Roost takes.
    #[error("the job is longer than {limit_bytes} bytes")]
    TooLong {
        /// `[limits] body`.
        limit_bytes: usize,
    },
    /// Looking at something failed.
    #[error(transparent)]
    Look(#[from] CallError),
    /// Changing something failed.
    #[error(transparent)]
    Act(CallError),
    /// Some of it is done, and then it failed.
    #[error("{done}, and then: {source}")]
    Halfway {
        /// What is done, in words.
        done: String,
        /// Why not the rest.
        source: CallError,
    },
    /// A stream of output ended before its time.
    #[error("the output broke off")]
    Output(#[source] ::jobs::nomad::StreamError),
    /// It could not be noted down, and so was not begun.
    #[error("the store failed")]
    Store(#[source] BoxError),
}

impl From<ParseError> for ClusterError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Invalid { said } => Self::Invalid { said: one_line(&said) },
            ParseError::Call(error) => Self::Look(error),
        }
    }
}

impl ClusterError {
    /// A plan, which changes nothing, failed.
    #[must_use]
    pub fn of_plan(error: RegisterError) -> Self {
        match error {
            RegisterError::Call(error) => Self::Look(error),
            other => Self::of_change("the job", other),
        }
    }

    /// A change of `what` failed.
    #[must_use]
    pub fn of_change(what: &str, error: RegisterError) -> Self {
        match error {
            RegisterError::Conflict { said } => Self::Moved { what: what.to_owned(), said: one_line(&said) },
            RegisterError::Deploying { said } => Self::Deploying { said: one_line(&said) },
            RegisterError::Invalid { said } => Self::Invalid { said: one_line(&said) },
            RegisterError::Call(CallError::Refused { status: 400, said, .. }) => {
                Self::Invalid { said: one_line(&said) }
            }
            RegisterError::Call(error) => Self::Act(error),
        }
    }

    /// A variable was not written.
    #[must_use]
    pub fn of_variable(error: VariableError) -> Self {
        match error {
            VariableError::Conflict { path, found } => {
                Self::Moved { what: format!("the secret {path}"), said: format!("it is at index {found}") }
            }
            VariableError::Call { source: CallError::Refused { status: 400, said, .. }, .. } => {
                Self::Invalid { said: one_line(&said) }
            }
            VariableError::Call { source, .. } => Self::Act(source),
        }
    }
}
