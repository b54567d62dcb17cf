//! Real Consul and Nomad agents on loopback, for tests and demonstrations: one or three servers, a client or none.
//!
//! Real ones, because what they do under a lost leader, a frozen client or a bad certificate is what has to be known,
//! and no stand-in would do it. Not `-dev`: a development agent keeps nothing, so it could neither be killed and
//! started again nor be one of three.
//!
//! An address of its own per test process (127.0.0.0/8 has enough) keeps runs of several checkouts apart. Whatever
//! happens to the process that started them, agents, their tasks and their mounts end with it ([`Owner`]).

mod agent;
mod binaries;
mod config;
mod owner;
mod ports;

pub use agent::{Agent, AgentError, Kind};
pub use binaries::{NoBinary, find as find_binary};
pub use config::{Acl, Client, Consul, Identity, Spec};
pub use owner::Owner;
pub use ports::address;

use std::{path::Path, time::Duration};

use config::{Plan, Planned};

/// A leader and a ready node take seconds; a busy host takes its time.
const READY: Duration = Duration::from_secs(90);

/// Consul and Nomad agents that belong together; dropping them ends them.
#[derive(Debug)]
pub struct Agents {
    consul: Vec<Agent>,
    nomad: Vec<Agent>,
    /// Last: what outlives its agent is ended after all agents are.
    owner: Owner,
}

impl Agents {
    /// Starts what the specification says and waits until there is a leader and the client's node is ready.
    pub async fn start(spec: &Spec) -> Result<Self, AgentError> {
        let owner = Owner::of_new_directory()?;
        let plan = Plan::make(spec, owner.dir())?;
        let make =
            |kind, planned: Vec<Planned>| planned.into_iter().map(move |planned| Agent::new(kind, planned, spec));
        let consul = make(Kind::Consul, plan.consul).collect::<Result<_, _>>()?;
        let nomad = make(Kind::Nomad, plan.nomad).collect::<Result<_, _>>()?;
        let agents = Self { consul, nomad, owner };
        // A client that asks before the servers can vouch for nodes waits for twenty seconds before it asks again.
        for servers in [true, false] {
            let now = || agents.all().filter(|agent| agent.is_server() == servers);
            now().try_for_each(Agent::launch)?;
            for agent in now() {
                agent.ready(READY).await?;
            }
        }
        Ok(agents)
    }

    /// Consul's agents, servers all of them.
    #[must_use]
    pub fn consul(&self) -> &[Agent] {
        &self.consul
    }

    /// Nomad's agents: servers first, then the client.
    #[must_use]
    pub fn nomad(&self) -> &[Agent] {
        &self.nomad
    }

    /// Where everything of theirs is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.owner.dir()
    }

    fn all(&self) -> impl Iterator<Item = &Agent> {
        self.consul.iter().chain(&self.nomad)
    }
}
