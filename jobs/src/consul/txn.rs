//! Several keys at once, or none of them.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Client, Entry, SessionId, generated::types};
use crate::{blocking::Index, transport::CallError};

/// Consul takes no more in one transaction.
const OPERATIONS_MAX: usize = 128;

/// One operation of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Writes whatever is there.
    Set {
        /// The key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Writes if this is its index; 0 means that it is not there.
    SetAt {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// Its index.
        index: Index,
    },
    /// Fails the transaction unless this is its index.
    Require {
        /// The key.
        key: String,
        /// Its index.
        index: Index,
    },
    /// Fails the transaction unless the session holds the key.
    RequireHeld {
        /// The key.
        key: String,
        /// The holder.
        session: SessionId,
    },
    /// Deletes whatever is there.
    Delete {
        /// The key.
        key: String,
    },
    /// Deletes if this is its index.
    DeleteAt {
        /// The key.
        key: String,
        /// Its index.
        index: Index,
    },
}

/// Nothing of it was done, or it is not known.
#[derive(Debug, thiserror::Error)]
pub enum TxnError {
    /// An operation could not be done, so none was.
    #[error("nothing was written: operation {} of the transaction failed ({said})", at + 1)]
    RolledBack {
        /// Which, counted from 0.
        at: usize,
        /// In Consul's words.
        said: String,
    },
    /// The call failed.
    #[error("cannot carry the transaction out")]
    Call(#[from] CallError),
}

impl Client {
    /// All of these or none; the answer has what was written.
    pub async fn transaction(&self, operations: &[Operation]) -> Result<Vec<Entry>, TxnError> {
        if operations.len() > OPERATIONS_MAX {
            let said = format!("{} operations, {OPERATIONS_MAX} are allowed", operations.len());
            return Err(TxnError::RolledBack { at: OPERATIONS_MAX, said });
        }
        let body: Vec<_> = operations.iter().map(Operation::as_sent).collect();
        let answer = match self.ask(Box::pin(self.api.transaction(&body))).await {
            Ok(answer) => answer,
            Err(CallError::Refused { status: 409, said, .. }) => return Err(rolled_back(&said)),
            Err(error) => return Err(error.into()),
        };
        let written = answer.results.unwrap_or_default().into_iter().filter_map(|item| item.kv);
        Ok(written.filter_map(|raw| Entry::from_raw(&raw).ok()).collect())
    }
}

impl Operation {
    fn as_sent(&self) -> types::TransactionOperation {
        let (verb, key) = match self {
            Self::Set { key, .. } => ("set", key),
            Self::SetAt { key, .. } => ("cas", key),
            Self::Require { key, .. } => ("check-index", key),
            Self::RequireHeld { key, .. } => ("check-session", key),
            Self::Delete { key } => ("delete", key),
            Self::DeleteAt { key, .. } => ("delete-cas", key),
        };
        let mut kv = types::KvOperation {
            verb: verb.to_owned(),
            key: key.clone(),
            value: None,
            flags: None,
            index: None,
            session: None,
        };
        if let Self::Set { value, .. } | Self::SetAt { value, .. } = self {
            kv.value = Some(STANDARD.encode(value));
        }
        if let Self::SetAt { index, .. } | Self::Require { index, .. } | Self::DeleteAt { index, .. } = self {
            kv.index = Some(index.0);
        }
        if let Self::RequireHeld { session, .. } = self {
            kv.session = Some(session.as_str().to_owned());
        }
        types::TransactionOperation { kv: Some(kv) }
    }
}

/// Consul's answer to a failed transaction names the first operation that failed.
fn rolled_back(said: &str) -> TxnError {
    let answer: Option<types::TransactionResult> = serde_json::from_str(said).ok();
    match answer.and_then(|answer| answer.errors.unwrap_or_default().into_iter().next()) {
        Some(error) => {
            TxnError::RolledBack { at: usize::try_from(error.op_index).unwrap_or_default(), said: error.what }
        }
        None => TxnError::RolledBack { at: 0, said: said.to_owned() },
    }
}
