//! Where the picture comes from, and how each source stands.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::blocking::Index;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nomad's event stream.
    Events,
    /// Nomad's jobs.
    Jobs,
    /// Nomad's allocations.
    Allocations,
    /// Nomad's deployments.
    Deployments,
    /// Nomad's evaluations.
    Evaluations,
    /// Nomad's nodes.
    Nodes,
    /// Services that are registered in Nomad.
    NomadServices,
    /// Services that are registered in Consul.
    ConsulServices,
    /// Consul's checks, those of its nodes among them.
    ConsulChecks,
}

/// Whether what a source said still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It never answered: nothing is known.
    Unread,
    /// It answers.
    Current,
    /// It does not answer now; what it said last stands.
    Stale,
}

/// How a source stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// Which.
    pub source: Source,
    /// Whether it answers.
    pub standing: Standing,
    /// How long ago it answered last; the picture is at most so old.
    pub age: Option<Duration>,
    /// Where its state was then.
    pub index: Index,
    /// How many entries it gave.
    pub entries: usize,
    /// What is in the way now, in words.
    pub trouble: Option<String>,
    /// How often in a row.
    pub failures: u32,
    /// Requests so far.
    pub requests: u64,
}

impl Source {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Events,
        Self::Jobs,
        Self::Allocations,
        Self::Deployments,
        Self::Evaluations,
        Self::Nodes,
        Self::NomadServices,
        Self::ConsulServices,
        Self::ConsulChecks,
    ];

    /// Its name in JSON and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Jobs => "jobs",
            Self::Allocations => "allocations",
            Self::Deployments => "deployments",
            Self::Evaluations => "evaluations",
            Self::Nodes => "nodes",
            Self::NomadServices => "nomad_services",
            Self::ConsulServices => "consul_services",
            Self::ConsulChecks => "consul_checks",
        }
    }

    /// Whether Consul answers it.
    #[must_use]
    pub const fn is_consul(self) -> bool {
        matches!(self, Self::ConsulServices | Self::ConsulChecks)
    }

    /// Whether the event stream carries its objects.
    pub(super) const fn is_streamed(self) -> bool {
        matches!(self, Self::Jobs | Self::Allocations | Self::Deployments | Self::Evaluations | Self::Nodes)
    }

    /// Its place in an array of all.
    pub(super) const fn place(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_place_and_its_name() {
        for (place, source) in Source::ALL.into_iter().enumerate() {
            assert_eq!(source.place(), place);
            assert_eq!(serde_json::to_value(source).unwrap(), source.name());
        }
    }
}
