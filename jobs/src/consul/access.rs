//! Tokens, policies, and who else may vouch. A token's secret is a [`Secret`] from the moment it is read.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use vocabulary::Secret;

use super::{
    AclAuthMethod, AclBindingRule, AclPolicy, AclPolicyRequest, AclTokenStub, Client, generated::types::AclLink,
};
use crate::{bootstrap::AclBootstrap, transport::CallError};

/// A token with its secret.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AclToken {
    /// Its public name.
    #[serde(rename = "AccessorID")]
    pub accessor: String,
    /// What opens doors.
    #[serde(rename = "SecretID")]
    pub secret: Secret<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What it may do.
    #[serde(default)]
    pub policies: Option<Vec<AclLink>>,
    /// When it ends by itself.
    #[serde(default)]
    pub expiration_time: Option<String>,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct AclTokenRequest {
    /// What it is for.
    pub description: String,
    /// Names of its policies.
    pub policies: Vec<String>,
    /// It is this node's agent: it may register the node and read what an agent must.
    pub node: Option<NodeIdentity>,
    /// How long it lives, such as `1h`.
    pub lives: Option<String>,
    /// Its secret, where the caller chose it.
    pub secret: Option<Secret<String>>,
    /// Its public name, where the caller chose it.
    #[serde(default)]
    pub accessor: Option<String>,
}

/// A node in its datacenter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeIdentity {
    /// Its name.
    pub node_name: String,
    /// Its datacenter.
    pub datacenter: String,
}

impl Client {
    /// Makes the first management token. It works once; after that Consul refuses.
    pub async fn bootstrap_acl(&self, secret: Option<Secret<String>>) -> Result<AclToken, CallError> {
        self.ask(Box::pin(self.api.acl_bootstrap(&AclBootstrap(secret)))).await
    }

    /// The token that this client uses.
    pub async fn own_token(&self) -> Result<AclToken, CallError> {
        self.ask(Box::pin(self.api.acl_token_self())).await
    }

    /// A token with its secret, for whoever may write tokens; none when there is no such one.
    pub async fn token(&self, accessor: &str) -> Result<Option<AclToken>, CallError> {
        match self.ask(Box::pin(self.api.acl_token_read(accessor))).await {
            Ok(token) => Ok(Some(token)),
            Err(CallError::NotFound { .. }) => Ok(None),
            // 403, as for a caller whose own token is unknown; that one reads `ACL not found` alone.
            Err(CallError::Denied { said, .. }) if said.contains("token does not exist") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a token.
    pub async fn create_token(&self, token: &AclTokenRequest) -> Result<AclToken, CallError> {
        self.ask(Box::pin(self.api.acl_token_create(token))).await
    }

    /// Revokes a token.
    pub async fn revoke_token(&self, accessor: &str) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.acl_token_delete(accessor))).await.map(drop)
    }

    /// Tokens, without their secrets.
    pub async fn tokens(&self) -> Result<Vec<AclTokenStub>, CallError> {
        Ok(self.ask(Box::pin(self.api.acl_token_list())).await?.unwrap_or_default())
    }

    /// A policy by its name; none when there is no such one.
    pub async fn policy(&self, name: &str) -> Result<Option<AclPolicy>, CallError> {
        match self.ask(Box::pin(self.api.acl_policy_read(name))).await {
            Ok(policy) => Ok(Some(policy)),
            Err(CallError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a policy, or replaces the rules of the one of that name.
    pub async fn write_policy(&self, policy: &AclPolicyRequest) -> Result<AclPolicy, CallError> {
        match self.policy(&policy.name).await? {
            Some(known) => self.ask(Box::pin(self.api.acl_policy_update(&known.id, policy))).await,
            None => self.ask(Box::pin(self.api.acl_policy_create(policy))).await,
        }
    }

    /// Deletes a policy.
    pub async fn delete_policy(&self, id: &str) -> Result<(), CallError> {
        self.ask(Box::pin(self.api.acl_policy_delete(id))).await.map(drop)
    }

    /// Lets someone else vouch for those who log in.
    pub async fn create_auth_method(&self, method: &AclAuthMethod) -> Result<AclAuthMethod, CallError> {
        self.ask(Box::pin(self.api.acl_auth_method_create(method))).await
    }

    /// Who else may vouch under this name; none when nobody does.
    pub async fn auth_method(&self, name: &str) -> Result<Option<AclAuthMethod>, CallError> {
        match self.ask(Box::pin(self.api.acl_auth_method_read(name))).await {
            Ok(method) => Ok(Some(method)),
            Err(CallError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes by what it vouches.
    pub async fn update_auth_method(&self, method: &AclAuthMethod) -> Result<AclAuthMethod, CallError> {
        self.ask(Box::pin(self.api.acl_auth_method_update(&method.name, method))).await
    }

    /// What those who log in by this method may do.
    pub async fn binding_rules(&self, method: &str) -> Result<Vec<AclBindingRule>, CallError> {
        Ok(self.ask(Box::pin(self.api.acl_binding_rule_list(Some(method)))).await?.unwrap_or_default())
    }

    /// What those who log in may do.
    pub async fn create_binding_rule(&self, rule: &AclBindingRule) -> Result<AclBindingRule, CallError> {
        self.ask(Box::pin(self.api.acl_binding_rule_create(rule))).await
    }
}

impl Serialize for AclTokenRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let link = |name: &String| AclLink { id: None, name: Some(name.clone()) };
        let mut body = serializer.serialize_struct("AclTokenRequest", 6)?;
        body.serialize_field("Description", &self.description)?;
        body.serialize_field("Policies", &self.policies.iter().map(link).collect::<Vec<_>>())?;
        body.serialize_field("NodeIdentities", &self.node.iter().collect::<Vec<_>>())?;
        match &self.accessor {
            Some(accessor) => body.serialize_field("AccessorID", accessor)?,
            None => body.skip_field("AccessorID")?,
        }
        match &self.lives {
            Some(lives) => body.serialize_field("ExpirationTTL", lives)?,
            None => body.skip_field("ExpirationTTL")?,
        }
        match &self.secret {
            Some(secret) => body.serialize_field("SecretID", secret.expose())?,
            None => body.skip_field("SecretID")?,
        }
        body.end()
    }
}
