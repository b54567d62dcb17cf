//! Closes a cluster that has just started: first tokens, policies, tokens, who vouches for jobs.
//!
//! Each step asks first whether it is done, so the whole may be repeated after a crash at any point, and after an
//! upgrade to write newer policies. The order: Consul before Nomad, since Nomad's agents ask Consul; and of each the
//! first token before all that needs it.

use vocabulary::{Secret, Timestamp};

use super::{
    cluster::{As, Clients, Cluster, ClusterError, accessor},
    secrets::Secrets,
    tokens,
};
use crate::{
    CallError,
    consul::{self, AclTokenRequest, NodeIdentity},
    nomad::{self, NewToken},
};

/// The name of Nomad's token for the daemon, by which one is found that was made and never kept.
const NOMAD_DAEMON: &str = "roost daemon";

/// A step of the bootstrap, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Consul's first token.
    ConsulFirstToken,
    /// Consul's policies, and the tokens of the server's agents and the daemon.
    ConsulTokens,
    /// Nomad's first token.
    NomadFirstToken,
    /// Nomad's policy and the daemon's token.
    NomadTokens,
    /// Nomad vouches to Consul for what it runs.
    Workloads,
}

/// The bootstrap stopped; called again it goes on there.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The clients.
    #[error("cannot use the cluster's authority")]
    Cluster(#[source] ClusterError),
    /// An agent refused, or does not answer.
    #[error("{step} failed")]
    Call {
        /// Where.
        step: Step,
        /// Why.
        #[source]
        source: CallError,
    },
    /// Someone else was first.
    #[error("{service} was bootstrapped by somebody else, with a token that is not in this cluster's secrets")]
    Taken {
        /// Which agent.
        service: &'static str,
    },
    /// A secret can't be kept, so it is not used.
    #[error("cannot keep the daemon's token")]
    Keep(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ConsulFirstToken => "making Consul's first token",
            Self::ConsulTokens => "writing Consul's policies and tokens",
            Self::NomadFirstToken => "making Nomad's first token",
            Self::NomadTokens => "writing Nomad's policy and token",
            Self::Workloads => "letting Nomad vouch for its jobs",
        })
    }
}

impl Step {
    fn failed(self) -> impl Fn(CallError) -> BootstrapError {
        move |source| BootstrapError::Call { step: self, source }
    }
}

impl Cluster {
    /// Closes the cluster, or finds it closed. `keep` is given the secrets whenever they have grown, and must have
    /// stored them when it returns; `tell` hears of each step that is done.
    ///
    /// # Errors
    /// A step failed: what was done stays done.
    pub async fn bootstrap(
        &mut self,
        now: Timestamp,
        server: &str,
        mut keep: impl FnMut(&Secrets) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
        mut tell: impl FnMut(Step),
    ) -> Result<(), BootstrapError> {
        let nobody = self.clients(As::Nobody, now).map_err(BootstrapError::Cluster)?;
        let all = self.clients(As::Management, now).map_err(BootstrapError::Cluster)?;
        consul_first_token(&nobody.consul, &all.consul, &self.secrets().consul_management).await?;
        tell(Step::ConsulFirstToken);
        self.consul_tokens(&all.consul, server).await.map_err(Step::ConsulTokens.failed())?;
        tell(Step::ConsulTokens);
        nomad_first_token(&nobody.nomad, &all.nomad, &self.secrets().nomad_management).await?;
        tell(Step::NomadFirstToken);
        let failed = Step::NomadTokens.failed();
        all.nomad.write_policy(&tokens::nomad_policy()).await.map_err(&failed)?;
        if !self.nomad_daemon_is_known(now).await? {
            let made = nomad_daemon(&all.nomad).await.map_err(&failed)?;
            self.secrets_mut().nomad_daemon = Some(made);
            keep(self.secrets()).map_err(BootstrapError::Keep)?;
        }
        tell(Step::NomadTokens);
        self.vouch(&all).await.map_err(Step::Workloads.failed())?;
        tell(Step::Workloads);
        Ok(())
    }

    /// Tells Consul by which keys Nomad signs now. Nomad announces a key long before it signs with it, so an hour
    /// between two of these is short. The answer: whether anything was written.
    ///
    /// # Errors
    /// An agent does not answer or refuses.
    pub async fn vouch(&self, clients: &Clients) -> Result<Vouched, CallError> {
        let method = tokens::auth_method(&clients.nomad.signing_keys().await?);
        let known = clients.consul.auth_method(&method.name).await?;
        let vouched = match known {
            Some(known) if tokens::same_keys(&known, &method) => Vouched::Already,
            Some(_) => clients.consul.update_auth_method(&method).await.map(|_| Vouched::Written)?,
            None => clients.consul.create_auth_method(&method).await.map(|_| Vouched::Written)?,
        };
        let known = clients.consul.binding_rules(&method.name).await?;
        for rule in tokens::binding_rules() {
            if !known.iter().any(|known| known.bind_type == rule.bind_type && known.bind_name == rule.bind_name) {
                clients.consul.create_binding_rule(&rule).await?;
            }
        }
        Ok(vouched)
    }

    async fn consul_tokens(&self, consul: &consul::Client, server: &str) -> Result<(), CallError> {
        for policy in tokens::consul_policies() {
            consul.write_policy(&policy).await?;
        }
        let identity = NodeIdentity { node_name: server.to_owned(), datacenter: self.facts().datacenter.to_string() };
        let secrets = self.secrets();
        let agent =
            AclTokenRequest { node: Some(identity), ..of_server("the first server's agent", &secrets.consul_agent) };
        let nomad = with_policy(of_server("the first server's Nomad", &secrets.nomad_consul), tokens::NOMAD_AGENT);
        let daemon = with_policy(of_server("the daemon", &secrets.consul_daemon), tokens::DAEMON);
        for token in [agent, nomad, daemon] {
            if consul.token(token.accessor.as_deref().unwrap_or_default()).await?.is_none() {
                consul.create_token(&token).await?;
            }
        }
        Ok(())
    }

    async fn nomad_daemon_is_known(&self, now: Timestamp) -> Result<bool, BootstrapError> {
        if self.secrets().nomad_daemon.is_none() {
            return Ok(false);
        }
        let daemon = self.clients(As::Daemon, now).map_err(BootstrapError::Cluster)?;
        match daemon.nomad.own_token().await {
            Ok(_) => Ok(true),
            Err(CallError::Denied { .. } | CallError::NotFound { .. }) => Ok(false),
            Err(source) => Err(BootstrapError::Call { step: Step::NomadTokens, source }),
        }
    }
}

/// Whether Consul had to be told anew by which keys Nomad signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouched {
    /// It knew them.
    Already,
    /// It was told.
    Written,
}

async fn consul_first_token(
    nobody: &consul::Client,
    all: &consul::Client,
    chosen: &Secret<String>,
) -> Result<(), BootstrapError> {
    let failed = Step::ConsulFirstToken.failed();
    match all.own_token().await {
        Ok(_) => return Ok(()),
        Err(CallError::Denied { .. } | CallError::NotFound { .. }) => (),
        Err(error) => return Err(failed(error)),
    }
    match nobody.bootstrap_acl(Some(chosen.clone())).await {
        Ok(_) => Ok(()),
        Err(error) if error.said().is_some_and(taken) => Err(BootstrapError::Taken { service: "Consul" }),
        Err(error) => Err(failed(error)),
    }
}

async fn nomad_first_token(
    nobody: &nomad::Client,
    all: &nomad::Client,
    chosen: &Secret<String>,
) -> Result<(), BootstrapError> {
    let failed = Step::NomadFirstToken.failed();
    match all.own_token().await {
        Ok(_) => return Ok(()),
        Err(CallError::Denied { .. } | CallError::NotFound { .. }) => (),
        Err(error) => return Err(failed(error)),
    }
    match nobody.bootstrap_acl(Some(chosen.clone())).await {
        Ok(_) => Ok(()),
        Err(error) if error.said().is_some_and(taken) => Err(BootstrapError::Taken { service: "Nomad" }),
        Err(error) => Err(failed(error)),
    }
}

/// In the words of both.
fn taken(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    said.contains("no longer allowed") || said.contains("already done")
}

/// Nomad chooses this secret itself; one that was made and never kept is of no use and goes.
async fn nomad_daemon(nomad: &nomad::Client) -> Result<Secret<String>, CallError> {
    for stale in nomad.tokens().await?.into_iter().filter(|token| token.name == NOMAD_DAEMON) {
        nomad.revoke_token(&stale.accessor_id).await?;
    }
    let token = NewToken {
        name: NOMAD_DAEMON.to_owned(),
        r#type: "client".to_owned(),
        policies: vec![tokens::DAEMON.to_owned()],
        lives: None,
    };
    Ok(nomad.create_token(&token).await?.secret)
}

fn of_server(whose: &str, secret: &Secret<String>) -> AclTokenRequest {
    AclTokenRequest {
        accessor: Some(accessor("server", whose)),
        description: format!("Roost: {whose}"),
        secret: Some(secret.clone()),
        ..AclTokenRequest::default()
    }
}

fn with_policy(token: AclTokenRequest, policy: &str) -> AclTokenRequest {
    AclTokenRequest { policies: vec![policy.to_owned()], ..token }
}
