//! What is true of the cluster now: asked of both agents, one failure hiding no other.

use jobs::{
    CallError,
    bootstrap::Clients,
    consul::{self, Catalog as _},
    nomad,
    pki::renew_at,
};
use serde::Serialize;
use vocabulary::Timestamp;

use super::{
    kept::{Sealing, StartedBy, State},
    servers::Server,
};

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `own` or `join`.
    pub mode: &'static str,
    /// What Roost made, where it did.
    pub own: Option<OwnReport>,
    /// Consul.
    pub consul: AgentReport,
    /// Nomad.
    pub nomad: AgentReport,
}

/// A cluster of Roost's own.
#[derive(Debug, Clone, Serialize)]
pub struct OwnReport {
    /// What everybody may know.
    #[serde(flatten)]
    pub state: State,
    /// Nodes that are servers too.
    pub servers: Vec<Server>,
    /// How the secrets are kept.
    pub secrets: Sealing,
    /// When the first server's certificates are renewed.
    pub certificates_renew_at: Option<Timestamp>,
    /// Whether that is past: then the daemon does not run, or can't write.
    pub is_renewal_late: bool,
}

/// One agent and what it says of its servers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AgentReport {
    /// The leading server.
    pub leader: Option<String>,
    /// The voting servers.
    pub peers: Vec<String>,
    /// Its version.
    pub version: Option<String>,
    /// Whether access is controlled: a stranger is refused and we are not.
    pub acl: Acl,
    /// Nodes that it knows.
    pub nodes: Option<usize>,
    /// What could not be found out, and what to do.
    pub problems: Vec<Problem>,
}

/// Access control, as it shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Acl {
    /// Nobody could be asked.
    #[default]
    Unknown,
    /// Our token is known.
    TokenAccepted,
    /// Our token is refused.
    TokenRefused,
    /// It is off: everybody may do everything.
    Off,
}

/// Something that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Why.
    pub cause: String,
    /// What to do.
    pub next: String,
}

impl OwnReport {
    /// Of what is kept.
    #[must_use]
    pub fn new(state: State, servers: Vec<Server>, secrets: Sealing, now: Timestamp) -> Self {
        let lifetime = state.facts.certificate_lifetime;
        let renew = state.certificates_expire_at.map(|at| renew_at(at, lifetime));
        Self {
            state,
            servers,
            secrets,
            certificates_renew_at: renew,
            is_renewal_late: renew.is_some_and(|at| at < now),
        }
    }

    /// What to do to an agent that does not answer.
    #[must_use]
    pub fn start(&self, agent: &str) -> String {
        match self.state.started_by {
            StartedBy::Systemd => format!("systemctl status {agent}; journalctl -u {agent} -n 50"),
            StartedBy::Hand => {
                format!("start it: roost cluster init --no-start prints the command ({agent} agent ...)")
            }
        }
    }
}

/// Asks Consul.
pub async fn consul(clients: &Clients, start: &str) -> AgentReport {
    let mut report = AgentReport::default();
    let client = &clients.consul;
    report.leader = note(&mut report.problems, start, client.leader().await).flatten();
    if !report.problems.is_empty() {
        return report;
    }
    report.peers = note(&mut report.problems, start, client.peers().await).unwrap_or_default();
    report.acl = acl(&client.own_token().await.map(drop));
    let own = note(&mut report.problems, start, client.agent_self().await);
    report.version = own.as_ref().and_then(consul_version);
    let nodes = client.nodes(&jobs::Query::default()).await;
    report.nodes = note(&mut report.problems, start, nodes).map(|nodes| nodes.value.len());
    leaderless(&mut report, start);
    report
}

/// Asks Nomad.
pub async fn nomad(clients: &Clients, start: &str) -> AgentReport {
    let mut report = AgentReport::default();
    let client = &clients.nomad;
    report.leader = note(&mut report.problems, start, client.leader().await).flatten();
    if !report.problems.is_empty() {
        return report;
    }
    report.peers = note(&mut report.problems, start, client.peers().await).unwrap_or_default();
    report.acl = acl(&client.own_token().await.map(drop));
    let own = note(&mut report.problems, start, client.agent_self().await);
    report.version = own.as_ref().and_then(nomad_version);
    let nodes = client.nodes(&jobs::Query::default()).await;
    report.nodes = note(&mut report.problems, start, nodes).map(|nodes| nodes.value.len());
    leaderless(&mut report, start);
    report
}

fn acl(own: &Result<(), CallError>) -> Acl {
    match own {
        Ok(()) => Acl::TokenAccepted,
        Err(error) if error.said().is_some_and(|said| said.contains("support disabled")) => Acl::Off,
        Err(CallError::Denied { .. } | CallError::NotFound { .. }) => Acl::TokenRefused,
        Err(_) => Acl::Unknown,
    }
}

fn leaderless(report: &mut AgentReport, start: &str) {
    if report.leader.is_none() && report.problems.is_empty() {
        let cause = format!("no leader among {} servers", report.peers.len());
        let next = format!("most of the servers must be up and see each other; {start}");
        report.problems.push(Problem { cause, next });
    }
}

fn note<T>(problems: &mut Vec<Problem>, start: &str, answer: Result<T, CallError>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => {
            let next = match &error {
                CallError::Denied { .. } => {
                    "the token is not what it was: roost cluster init makes the daemon's anew (join: look at the token)"
                        .to_owned()
                }
                CallError::Certificate { bad, .. } => format!("{}; {start}", super::certificate_remedy(bad)),
                _ => start.to_owned(),
            };
            problems.push(Problem { cause: tasks::chain(&error), next });
            None
        }
    }
}

fn consul_version(own: &consul::AgentSelf) -> Option<String> {
    let own = serde_json::to_value(own).ok()?;
    own["Config"]["Version"].as_str().map(str::to_owned)
}

fn nomad_version(own: &nomad::AgentSelf) -> Option<String> {
    let own = serde_json::to_value(own).ok()?;
    let tags = &own["member"]["Tags"]["build"];
    tags.as_str().or_else(|| own["config"]["Version"]["Version"].as_str()).map(str::to_owned)
}
