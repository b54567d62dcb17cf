//! Tokens and policies. A token's secret is a [`Secret`] from the moment it is read.

use serde::{Deserialize, Serialize};
use vocabulary::Secret;

use super::{AclPolicy, AclTokenStub, Client, SigningKey, generated::types::ClientIntroduction};
use crate::{bootstrap::AclBootstrap, transport::CallError};

/// A token with its secret.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AclToken {
    /// Its public name.
    #[serde(rename = "AccessorID", default)]
    pub accessor: String,
    /// What opens doors.
    #[serde(rename = "SecretID")]
    pub secret: Secret<String>,
    /// What it is for.
    #[serde(default)]
    pub name: String,
    /// `client` or `management`.
    #[serde(default)]
    pub r#type: String,
    /// What it may do.
    #[serde(default)]
    pub policies: Option<Vec<String>>,
    /// When it ends by itself.
    #[serde(default)]
    pub expiration_time: Option<String>,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// `client` or `management`.
    pub r#type: String,
    /// What it may do.
    pub policies: Vec<String>,
    /// How long it lives, such as `1h`; none means for ever.
    #[serde(rename = "ExpirationTTL", skip_serializing_if = "Option::is_none")]
    pub lives: Option<String>,
}

/// What an introduction is answered with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Introduced {
    /// What the node shows.
    #[serde(rename = "JWT")]
    pub token: Secret<String>,
}

impl Client {
    /// Introduces the node of this name: with the answer it may register once, within the servers' limit of time.
    pub async fn introduce(&self, node: &str) -> Result<Secret<String>, CallError> {
        let body = ClientIntroduction { node_name: node.to_owned() };
        Ok(self.ask(Box::pin(self.api.acl_introduce_client(&body))).await?.token)
    }

    /// The keys by which a workload's identity is checked.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, CallError> {
        Ok(self.ask(Box::pin(self.api.signing_keys())).await?.keys.unwrap_or_default())
    }

    /// Makes the first management token. It works once; after that Nomad refuses.
    pub async fn bootstrap_acl(&self, secret: Option<Secret<String>>) -> Result<AclToken, CallError> {
        self.ask(Box::pin(self.api.acl_bootstrap(&AclBootstrap(secret)))).await
    }

    /// The token that this client uses.
    pub async fn own_token(&self) -> Result<AclToken, CallError> {
        self.ask(Box::pin(self.api.acl_token_self())).await
    }

    /// Makes a token.
    pub async fn create_token(&self, token: &NewToken) -> Result<AclToken, CallError> {
        self.ask(Box::pin(self.api.acl_token_create(token))).await
    }

    /// Revokes a token.
    pub async fn revoke_token(&self, accessor: &str) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.acl_token_delete(accessor))).await
    }

    /// Tokens, without their secrets.
    pub async fn tokens(&self) -> Result<Vec<AclTokenStub>, CallError> {
        Ok(self.list(Box::pin(self.api.acl_token_list(None, None, None, None, None, None, None))).await?.value)
    }

    /// Makes or replaces a policy.
    pub async fn write_policy(&self, policy: &AclPolicy) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.acl_policy_write(&policy.name, policy))).await
    }

    /// Deletes a policy.
    pub async fn delete_policy(&self, name: &str) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.acl_policy_delete(name))).await
    }
}
