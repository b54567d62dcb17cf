//! Nomad's ids, told apart by type: all of them are texts, and a job's where a deployment's belongs is a 404 that
//! nobody understands.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Any text: Nomad alone knows which ids exist.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// As Nomad writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A job, unique in its namespace.
    JobId;
    /// An allocation.
    AllocationId;
    /// A deployment.
    DeploymentId;
    /// An evaluation.
    EvaluationId;
    /// A node as Nomad knows it (not a machine of Roost's).
    NodeId;
}
