//! Made of jobs/consul/openapi.yaml by `make generate`; change the document, not this.

#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///Who else may vouch, such as Nomad by its workload identities.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AclAuthMethod {
        #[serde(
            rename = "Config",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub config: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "Description",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub description: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "DisplayName",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub display_name: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "MaxTokenTTL",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub max_token_ttl: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Name")]
        pub name: ::std::string::String,
        #[serde(
            rename = "TokenLocality",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub token_locality: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Type")]
        pub type_: ::std::string::String,
    }
    ///What those may do whom a method vouches for.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AclBindingRule {
        #[serde(rename = "AuthMethod")]
        pub auth_method: ::std::string::String,
        #[serde(rename = "BindName")]
        pub bind_name: ::std::string::String,
        #[serde(rename = "BindType")]
        pub bind_type: ::std::string::String,
        #[serde(
            rename = "Description",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub description: ::std::option::Option<::std::string::String>,
        #[serde(rename = "ID", skip_serializing_if = "::std::option::Option::is_none")]
        pub id: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Selector",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub selector: ::std::option::Option<::std::string::String>,
    }
    ///A policy by its name or id.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AclLink {
        #[serde(rename = "ID", skip_serializing_if = "::std::option::Option::is_none")]
        pub id: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Name", skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
    }
    ///A policy.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AclPolicy {
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Description", default)]
        pub description: ::std::string::String,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "Rules", default)]
        pub rules: ::std::string::String,
    }
    ///A policy to be written.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AclPolicyRequest {
        #[serde(
            rename = "Description",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub description: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Name")]
        pub name: ::std::string::String,
        #[serde(rename = "Rules", default)]
        pub rules: ::std::string::String,
    }
    ///A token without its secret.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AclTokenStub {
        #[serde(rename = "AccessorID")]
        pub accessor_id: ::std::string::String,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Description", default)]
        pub description: ::std::string::String,
        #[serde(
            rename = "ExpirationTime",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub expiration_time: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Local", default)]
        pub local: bool,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(
            rename = "NodeIdentities",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub node_identities: ::std::option::Option<
            ::std::vec::Vec<
                ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            >,
        >,
        #[serde(
            rename = "Policies",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub policies: ::std::option::Option<::std::vec::Vec<AclLink>>,
        #[serde(
            rename = "ServiceIdentities",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub service_identities: ::std::option::Option<
            ::std::vec::Vec<
                ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            >,
        >,
    }
    ///Checks by their id.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(transparent)]
    pub struct AgentChecks(
        pub ::std::collections::HashMap<::std::string::String, HealthCheck>,
    );
    impl ::std::ops::Deref for AgentChecks {
        type Target = ::std::collections::HashMap<::std::string::String, HealthCheck>;
        fn deref(
            &self,
        ) -> &::std::collections::HashMap<::std::string::String, HealthCheck> {
            &self.0
        }
    }
    impl ::std::convert::From<AgentChecks>
    for ::std::collections::HashMap<::std::string::String, HealthCheck> {
        fn from(value: AgentChecks) -> Self {
            value.0
        }
    }
    impl ::std::convert::From<
        ::std::collections::HashMap<::std::string::String, HealthCheck>,
    > for AgentChecks {
        fn from(
            value: ::std::collections::HashMap<::std::string::String, HealthCheck>,
        ) -> Self {
            Self(value)
        }
    }
    ///An agent as gossip knows it; status 1 is alive, 2 leaving, 3 left, 4 failed.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AgentMember {
        #[serde(rename = "Addr", default)]
        pub addr: ::std::string::String,
        #[serde(rename = "DelegateCur", default)]
        pub delegate_cur: u64,
        #[serde(rename = "DelegateMax", default)]
        pub delegate_max: u64,
        #[serde(rename = "DelegateMin", default)]
        pub delegate_min: u64,
        #[serde(rename = "Name")]
        pub name: ::std::string::String,
        #[serde(rename = "Port", default)]
        pub port: u64,
        #[serde(rename = "ProtocolCur", default)]
        pub protocol_cur: u64,
        #[serde(rename = "ProtocolMax", default)]
        pub protocol_max: u64,
        #[serde(rename = "ProtocolMin", default)]
        pub protocol_min: u64,
        #[serde(rename = "Status", default)]
        pub status: i64,
        #[serde(rename = "Tags", skip_serializing_if = "::std::option::Option::is_none")]
        pub tags: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
    }
    ///An agent.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AgentSelf {
        #[serde(
            rename = "Config",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub config: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "DebugConfig",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub debug_config: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "Member",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub member: ::std::option::Option<AgentMember>,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "Stats",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub stats: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
    }
    ///A service of an agent.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AgentService {
        #[serde(rename = "Address", default)]
        pub address: ::std::string::String,
        #[serde(rename = "Datacenter", default)]
        pub datacenter: ::std::string::String,
        #[serde(rename = "EnableTagOverride", default)]
        pub enable_tag_override: bool,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "Kind", default)]
        pub kind: ::std::string::String,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(rename = "Port", default)]
        pub port: i64,
        #[serde(rename = "Service", default)]
        pub service: ::std::string::String,
        #[serde(rename = "Tags", skip_serializing_if = "::std::option::Option::is_none")]
        pub tags: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(
            rename = "Weights",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub weights: ::std::option::Option<Weights>,
    }
    ///Services by their id.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(transparent)]
    pub struct AgentServices(
        pub ::std::collections::HashMap<::std::string::String, AgentService>,
    );
    impl ::std::ops::Deref for AgentServices {
        type Target = ::std::collections::HashMap<::std::string::String, AgentService>;
        fn deref(
            &self,
        ) -> &::std::collections::HashMap<::std::string::String, AgentService> {
            &self.0
        }
    }
    impl ::std::convert::From<AgentServices>
    for ::std::collections::HashMap<::std::string::String, AgentService> {
        fn from(value: AgentServices) -> Self {
            value.0
        }
    }
    impl ::std::convert::From<
        ::std::collections::HashMap<::std::string::String, AgentService>,
    > for AgentServices {
        fn from(
            value: ::std::collections::HashMap<::std::string::String, AgentService>,
        ) -> Self {
            Self(value)
        }
    }
    ///Whether the servers would survive losing one.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AutopilotHealth {
        #[serde(rename = "FailureTolerance", default)]
        pub failure_tolerance: i64,
        #[serde(rename = "Healthy", default)]
        pub healthy: bool,
        #[serde(
            rename = "Servers",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub servers: ::std::option::Option<::std::vec::Vec<AutopilotServer>>,
    }
    ///One server.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AutopilotServer {
        #[serde(rename = "Address", default)]
        pub address: ::std::string::String,
        #[serde(rename = "Healthy", default)]
        pub healthy: bool,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "LastContact", default)]
        pub last_contact: ::std::string::String,
        #[serde(rename = "LastIndex", default)]
        pub last_index: u64,
        #[serde(rename = "LastTerm", default)]
        pub last_term: u64,
        #[serde(rename = "Leader", default)]
        pub leader: bool,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "SerfStatus", default)]
        pub serf_status: ::std::string::String,
        #[serde(
            rename = "StableSince",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub stable_since: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Version", default)]
        pub version: ::std::string::String,
        #[serde(rename = "Voter", default)]
        pub voter: bool,
    }
    ///What to take out of the catalog.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct CatalogDeregistration {
        #[serde(
            rename = "CheckID",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub check_id: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Node")]
        pub node: ::std::string::String,
        #[serde(
            rename = "ServiceID",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub service_id: ::std::option::Option<::std::string::String>,
    }
    ///A node.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct CatalogNode {
        #[serde(rename = "Address", default)]
        pub address: ::std::string::String,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Datacenter", default)]
        pub datacenter: ::std::string::String,
        #[serde(rename = "ID", default)]
        pub id: ::std::string::String,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Node")]
        pub node: ::std::string::String,
        #[serde(
            rename = "TaggedAddresses",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub tagged_addresses: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
    }
    ///A service as the catalog has it.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct CatalogService {
        #[serde(rename = "Address", default)]
        pub address: ::std::string::String,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "EnableTagOverride", default)]
        pub enable_tag_override: bool,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Port", default)]
        pub port: i64,
        #[serde(rename = "Service", default)]
        pub service: ::std::string::String,
        #[serde(rename = "Tags", skip_serializing_if = "::std::option::Option::is_none")]
        pub tags: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
    }
    ///Names of services, each with the tags of its instances.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(transparent)]
    pub struct CatalogServices(
        pub ::std::collections::HashMap<
            ::std::string::String,
            ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        >,
    );
    impl ::std::ops::Deref for CatalogServices {
        type Target = ::std::collections::HashMap<
            ::std::string::String,
            ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        >;
        fn deref(
            &self,
        ) -> &::std::collections::HashMap<
            ::std::string::String,
            ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        > {
            &self.0
        }
    }
    impl ::std::convert::From<CatalogServices>
    for ::std::collections::HashMap<
        ::std::string::String,
        ::std::option::Option<::std::vec::Vec<::std::string::String>>,
    > {
        fn from(value: CatalogServices) -> Self {
            value.0
        }
    }
    impl ::std::convert::From<
        ::std::collections::HashMap<
            ::std::string::String,
            ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        >,
    > for CatalogServices {
        fn from(
            value: ::std::collections::HashMap<
                ::std::string::String,
                ::std::option::Option<::std::vec::Vec<::std::string::String>>,
            >,
        ) -> Self {
            Self(value)
        }
    }
    ///A check of a service by TTL, HTTP, TCP or a gRPC endpoint.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct CheckDefinition {
        #[serde(
            rename = "CheckID",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub check_id: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "DeregisterCriticalServiceAfter",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub deregister_critical_service_after: ::std::option::Option<
            ::std::string::String,
        >,
        #[serde(
            rename = "FailuresBeforeCritical",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub failures_before_critical: ::std::option::Option<i64>,
        #[serde(rename = "GRPC", skip_serializing_if = "::std::option::Option::is_none")]
        pub grpc: ::std::option::Option<::std::string::String>,
        #[serde(rename = "HTTP", skip_serializing_if = "::std::option::Option::is_none")]
        pub http: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Interval",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub interval: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Method",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub method: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Name", skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Notes",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub notes: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Status",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub status: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "SuccessBeforePassing",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub success_before_passing: ::std::option::Option<i64>,
        #[serde(rename = "TCP", skip_serializing_if = "::std::option::Option::is_none")]
        pub tcp: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Timeout",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub timeout: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "TLSSkipVerify",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub tls_skip_verify: ::std::option::Option<bool>,
        #[serde(rename = "TTL", skip_serializing_if = "::std::option::Option::is_none")]
        pub ttl: ::std::option::Option<::std::string::String>,
    }
    ///A check of this agent, or of one of its services.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct CheckRegistration {
        #[serde(
            rename = "DeregisterCriticalServiceAfter",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub deregister_critical_service_after: ::std::option::Option<
            ::std::string::String,
        >,
        #[serde(rename = "GRPC", skip_serializing_if = "::std::option::Option::is_none")]
        pub grpc: ::std::option::Option<::std::string::String>,
        #[serde(rename = "HTTP", skip_serializing_if = "::std::option::Option::is_none")]
        pub http: ::std::option::Option<::std::string::String>,
        #[serde(rename = "ID", skip_serializing_if = "::std::option::Option::is_none")]
        pub id: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Interval",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub interval: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Method",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub method: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Name")]
        pub name: ::std::string::String,
        #[serde(
            rename = "Notes",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub notes: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "ServiceID",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub service_id: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Status",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub status: ::std::option::Option<::std::string::String>,
        #[serde(rename = "TCP", skip_serializing_if = "::std::option::Option::is_none")]
        pub tcp: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Timeout",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub timeout: ::std::option::Option<::std::string::String>,
        #[serde(rename = "TTL", skip_serializing_if = "::std::option::Option::is_none")]
        pub ttl: ::std::option::Option<::std::string::String>,
    }
    ///A root certificate.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ConnectCaRoot {
        #[serde(rename = "Active", default)]
        pub active: bool,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(
            rename = "NotAfter",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub not_after: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "NotBefore",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub not_before: ::std::option::Option<::std::string::String>,
        #[serde(rename = "RootCert", default)]
        pub root_cert: ::std::string::String,
    }
    ///Root certificates.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct ConnectCaRoots {
        #[serde(rename = "ActiveRootID", default)]
        pub active_root_id: ::std::string::String,
        #[serde(
            rename = "Roots",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub roots: ::std::option::Option<::std::vec::Vec<ConnectCaRoot>>,
        #[serde(rename = "TrustDomain", default)]
        pub trust_domain: ::std::string::String,
    }
    ///Whether it was done.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(transparent)]
    pub struct Done(pub bool);
    impl ::std::ops::Deref for Done {
        type Target = bool;
        fn deref(&self) -> &bool {
            &self.0
        }
    }
    impl ::std::convert::From<Done> for bool {
        fn from(value: Done) -> Self {
            value.0
        }
    }
    impl ::std::convert::From<bool> for Done {
        fn from(value: bool) -> Self {
            Self(value)
        }
    }
    impl ::std::fmt::Display for Done {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            self.0.fmt(f)
        }
    }
    impl ::std::str::FromStr for Done {
        type Err = <bool as ::std::str::FromStr>::Err;
        fn from_str(value: &str) -> ::std::result::Result<Self, Self::Err> {
            Ok(Self(value.parse()?))
        }
    }
    impl ::std::convert::TryFrom<&str> for Done {
        type Error = <bool as ::std::str::FromStr>::Err;
        fn try_from(value: &str) -> ::std::result::Result<Self, Self::Error> {
            value.parse()
        }
    }
    impl ::std::convert::TryFrom<String> for Done {
        type Error = <bool as ::std::str::FromStr>::Err;
        fn try_from(value: String) -> ::std::result::Result<Self, Self::Error> {
            value.parse()
        }
    }
    ///An object whose fields nobody here decides on.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(transparent)]
    pub struct FreeObject(
        pub ::serde_json::Map<::std::string::String, ::serde_json::Value>,
    );
    impl ::std::ops::Deref for FreeObject {
        type Target = ::serde_json::Map<::std::string::String, ::serde_json::Value>;
        fn deref(
            &self,
        ) -> &::serde_json::Map<::std::string::String, ::serde_json::Value> {
            &self.0
        }
    }
    impl ::std::convert::From<FreeObject>
    for ::serde_json::Map<::std::string::String, ::serde_json::Value> {
        fn from(value: FreeObject) -> Self {
            value.0
        }
    }
    impl ::std::convert::From<
        ::serde_json::Map<::std::string::String, ::serde_json::Value>,
    > for FreeObject {
        fn from(
            value: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ) -> Self {
            Self(value)
        }
    }
    ///A check and its result.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct HealthCheck {
        #[serde(rename = "CheckID")]
        pub check_id: ::std::string::String,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Interval", default)]
        pub interval: ::std::string::String,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "Node", default)]
        pub node: ::std::string::String,
        #[serde(rename = "Notes", default)]
        pub notes: ::std::string::String,
        #[serde(rename = "Output", default)]
        pub output: ::std::string::String,
        #[serde(rename = "ServiceID", default)]
        pub service_id: ::std::string::String,
        #[serde(rename = "ServiceName", default)]
        pub service_name: ::std::string::String,
        #[serde(
            rename = "ServiceTags",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub service_tags: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(rename = "Status")]
        pub status: ::std::string::String,
        #[serde(rename = "Timeout", default)]
        pub timeout: ::std::string::String,
        #[serde(rename = "Type", default)]
        pub type_: ::std::string::String,
    }
    ///A key and its base64 value.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct KvEntry {
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Flags", default)]
        pub flags: u64,
        #[serde(rename = "Key")]
        pub key: ::std::string::String,
        #[serde(rename = "LockIndex", default)]
        pub lock_index: u64,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Session", default)]
        pub session: ::std::string::String,
        #[serde(
            rename = "Value",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub value: ::std::option::Option<::std::string::String>,
    }
    ///An operation on one key; the value is base64.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct KvOperation {
        #[serde(
            rename = "Flags",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub flags: ::std::option::Option<u64>,
        #[serde(
            rename = "Index",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub index: ::std::option::Option<u64>,
        #[serde(rename = "Key")]
        pub key: ::std::string::String,
        #[serde(
            rename = "Session",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub session: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Value",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub value: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Verb")]
        pub verb: ::std::string::String,
    }
    ///What is registered on a node; of a node that is not known, nothing.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct NodeServices {
        #[serde(
            rename = "Services",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub services: ::std::option::Option<::std::vec::Vec<AgentService>>,
    }
    ///An instance of a service.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ServiceEntry {
        #[serde(
            rename = "Checks",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub checks: ::std::option::Option<::std::vec::Vec<HealthCheck>>,
        #[serde(rename = "Node")]
        pub node: CatalogNode,
        #[serde(rename = "Service")]
        pub service: CatalogService,
    }
    ///A service with its checks.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ServiceRegistration {
        #[serde(
            rename = "Address",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub address: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "Checks",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub checks: ::std::option::Option<::std::vec::Vec<CheckDefinition>>,
        #[serde(rename = "EnableTagOverride", default)]
        pub enable_tag_override: bool,
        #[serde(rename = "ID", skip_serializing_if = "::std::option::Option::is_none")]
        pub id: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "Name")]
        pub name: ::std::string::String,
        #[serde(rename = "Port", skip_serializing_if = "::std::option::Option::is_none")]
        pub port: ::std::option::Option<i64>,
        #[serde(rename = "Tags", skip_serializing_if = "::std::option::Option::is_none")]
        pub tags: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
    }
    ///A session. LockDelay counts nanoseconds.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Session {
        #[serde(rename = "Behavior", default)]
        pub behavior: ::std::string::String,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "LockDelay", default)]
        pub lock_delay: i64,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "Node", default)]
        pub node: ::std::string::String,
        #[serde(
            rename = "NodeChecks",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub node_checks: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(rename = "TTL", default)]
        pub ttl: ::std::string::String,
    }
    ///Its id.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct SessionCreated {
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
    }
    ///What a session is bound to. Durations are words such as 15s.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct SessionRequest {
        #[serde(
            rename = "Behavior",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub behavior: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "LockDelay",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub lock_delay: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Name", skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Node", skip_serializing_if = "::std::option::Option::is_none")]
        pub node: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "NodeChecks",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub node_checks: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(
            rename = "ServiceChecks",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub service_checks: ::std::option::Option<
            ::std::vec::Vec<
                ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            >,
        >,
        #[serde(rename = "TTL", skip_serializing_if = "::std::option::Option::is_none")]
        pub ttl: ::std::option::Option<::std::string::String>,
    }
    ///Which operation failed, and why.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct TransactionError {
        #[serde(rename = "OpIndex")]
        pub op_index: i64,
        #[serde(rename = "What")]
        pub what: ::std::string::String,
    }
    ///One result.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct TransactionItem {
        #[serde(rename = "KV", skip_serializing_if = "::std::option::Option::is_none")]
        pub kv: ::std::option::Option<KvEntry>,
    }
    ///One operation of a transaction.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct TransactionOperation {
        #[serde(rename = "KV", skip_serializing_if = "::std::option::Option::is_none")]
        pub kv: ::std::option::Option<KvOperation>,
    }
    ///What was done, or why nothing was.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct TransactionResult {
        #[serde(
            rename = "Errors",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub errors: ::std::option::Option<::std::vec::Vec<TransactionError>>,
        #[serde(
            rename = "Results",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub results: ::std::option::Option<::std::vec::Vec<TransactionItem>>,
    }
    ///An event.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct UserEvent {
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "LTime", default)]
        pub l_time: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "NodeFilter", default)]
        pub node_filter: ::std::string::String,
        #[serde(
            rename = "Payload",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub payload: ::std::option::Option<::std::string::String>,
        #[serde(rename = "ServiceFilter", default)]
        pub service_filter: ::std::string::String,
        #[serde(rename = "TagFilter", default)]
        pub tag_filter: ::std::string::String,
        #[serde(rename = "Version", default)]
        pub version: i64,
    }
    ///How much a service counts in DNS answers.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct Weights {
        #[serde(rename = "Passing", default)]
        pub passing: i64,
        #[serde(rename = "Warning", default)]
        pub warning: i64,
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone, Debug)]
/**Client for Consul, as far as Roost speaks to it beside keys and values

Client of Consul's HTTP API, for what Roost asks of it beside keys and values.

Version: 1.19.2*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: crate::transport::Wire,
}
impl Client {
    /// Create a new client.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new(baseurl: &str, inner: crate::transport::Wire) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = {
            let dur = ::std::time::Duration::from_secs(15u64);
            reqwest::ClientBuilder::new().connect_timeout(dur).timeout(dur)
        };
        #[cfg(target_arch = "wasm32")]
        let client = reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap(), inner)
    }
    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(
        baseurl: &str,
        client: reqwest::Client,
        inner: crate::transport::Wire,
    ) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
            inner,
        }
    }
}
impl ClientInfo<crate::transport::Wire> for Client {
    fn api_version() -> &'static str {
        "1.19.2"
    }
    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }
    fn client(&self) -> &reqwest::Client {
        &self.client
    }
    fn inner(&self) -> &crate::transport::Wire {
        &self.inner
    }
}
const _: () = {
    #[allow(dead_code)]
    fn assert_client_hooks()
    where
        Client: ClientHooks<crate::transport::Wire>,
    {}
};
#[allow(clippy::all)]
impl Client {
    /**What this agent is and how it is configured

Sends a `GET` request to `/v1/agent/self`

*/
    pub async fn agent_self<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::AgentSelf>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/self", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_self",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Agents as gossip knows them

Sends a `GET` request to `/v1/agent/members`

*/
    pub async fn agent_members<'a>(
        &'a self,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::AgentMember>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/agent/members", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_members",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Services of this agent

Sends a `GET` request to `/v1/agent/services`

*/
    pub async fn agent_services<'a>(
        &'a self,
        filter: Option<&'a str>,
    ) -> Result<ResponseValue<types::AgentServices>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/services", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_services",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Registers a service with its checks, or replaces it

Sends a `PUT` request to `/v1/agent/service/register`

*/
    pub async fn agent_service_register<'a>(
        &'a self,
        replace_existing_checks: Option<bool>,
        body: &'a types::ServiceRegistration,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/service/register", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .json(&body)
            .query(
                &progenitor_client::QueryParam::new(
                    "replace-existing-checks",
                    &replace_existing_checks,
                ),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_service_register",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Takes a service and its checks away

Sends a `PUT` request to `/v1/agent/service/deregister/{service_id}`

*/
    pub async fn agent_service_deregister<'a>(
        &'a self,
        service_id: &'a str,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/agent/service/deregister/{}", self.baseurl, encode_path(& service_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "agent_service_deregister",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Checks of this agent

Sends a `GET` request to `/v1/agent/checks`

*/
    pub async fn agent_checks<'a>(
        &'a self,
        filter: Option<&'a str>,
    ) -> Result<ResponseValue<types::AgentChecks>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/checks", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_checks",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Registers a check

Sends a `PUT` request to `/v1/agent/check/register`

*/
    pub async fn agent_check_register<'a>(
        &'a self,
        body: &'a types::CheckRegistration,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/check/register", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "agent_check_register",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Takes a check away

Sends a `PUT` request to `/v1/agent/check/deregister/{check_id}`

*/
    pub async fn agent_check_deregister<'a>(
        &'a self,
        check_id: &'a str,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/agent/check/deregister/{}", self.baseurl, encode_path(& check_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "agent_check_deregister",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Reports that all is well, for a check with a TTL

Sends a `PUT` request to `/v1/agent/check/pass/{check_id}`

*/
    pub async fn agent_check_pass<'a>(
        &'a self,
        check_id: &'a str,
        note: Option<&'a str>,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/agent/check/pass/{}", self.baseurl, encode_path(& check_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .query(&progenitor_client::QueryParam::new("note", &note))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_check_pass",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Reports a warning, for a check with a TTL

Sends a `PUT` request to `/v1/agent/check/warn/{check_id}`

*/
    pub async fn agent_check_warn<'a>(
        &'a self,
        check_id: &'a str,
        note: Option<&'a str>,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/agent/check/warn/{}", self.baseurl, encode_path(& check_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .query(&progenitor_client::QueryParam::new("note", &note))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_check_warn",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Reports a failure, for a check with a TTL

Sends a `PUT` request to `/v1/agent/check/fail/{check_id}`

*/
    pub async fn agent_check_fail<'a>(
        &'a self,
        check_id: &'a str,
        note: Option<&'a str>,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/agent/check/fail/{}", self.baseurl, encode_path(& check_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .query(&progenitor_client::QueryParam::new("note", &note))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_check_fail",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Leaves the cluster gracefully and ends

Sends a `PUT` request to `/v1/agent/leave`

*/
    pub async fn agent_leave<'a>(
        &'a self,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/leave", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "agent_leave",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Lets a failed node leave

Sends a `PUT` request to `/v1/agent/force-leave/{node}`

*/
    pub async fn agent_force_leave<'a>(
        &'a self,
        node: &'a str,
        prune: Option<bool>,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/agent/force-leave/{}", self.baseurl, encode_path(& node.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .query(&progenitor_client::QueryParam::new("prune", &prune))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_force_leave",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Nodes

Sends a `GET` request to `/v1/catalog/nodes`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn catalog_nodes<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::CatalogNode>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/catalog/nodes", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "catalog_nodes",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Names of services, each with the tags of its instances

Sends a `GET` request to `/v1/catalog/services`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn catalog_services<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::CatalogServices>, Error<ByteStream>> {
        let url = format!("{}/v1/catalog/services", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "catalog_services",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Services of a node

Sends a `GET` request to `/v1/catalog/node-services/{node}`

*/
    pub async fn catalog_node_services<'a>(
        &'a self,
        node: &'a str,
    ) -> Result<ResponseValue<types::NodeServices>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/catalog/node-services/{}", self.baseurl, encode_path(& node
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "catalog_node_services",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Takes a node, service or check out of the catalog

Sends a `PUT` request to `/v1/catalog/deregister`

*/
    pub async fn catalog_deregister<'a>(
        &'a self,
        body: &'a types::CatalogDeregistration,
    ) -> Result<ResponseValue<types::Done>, Error<ByteStream>> {
        let url = format!("{}/v1/catalog/deregister", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "catalog_deregister",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Checks of a node

Sends a `GET` request to `/v1/health/node/{node}`

Arguments:
- `node`
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn health_node<'a>(
        &'a self,
        node: &'a str,
        filter: Option<&'a str>,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::HealthCheck>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/health/node/{}", self.baseurl, encode_path(& node.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "health_node",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Checks of a service

Sends a `GET` request to `/v1/health/checks/{service}`

Arguments:
- `service`
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn health_checks<'a>(
        &'a self,
        service: &'a str,
        filter: Option<&'a str>,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::HealthCheck>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/health/checks/{}", self.baseurl, encode_path(& service.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "health_checks",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Instances of a service, each with its node and checks

Sends a `GET` request to `/v1/health/service/{service}`

Arguments:
- `service`
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `passing`
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn health_service<'a>(
        &'a self,
        service: &'a str,
        filter: Option<&'a str>,
        index: Option<u64>,
        passing: Option<bool>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::ServiceEntry>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/health/service/{}", self.baseurl, encode_path(& service.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("passing", &passing))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "health_service",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Checks in a state, or in any

Sends a `GET` request to `/v1/health/state/{state}`

Arguments:
- `state`
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn health_state<'a>(
        &'a self,
        state: &'a str,
        filter: Option<&'a str>,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::HealthCheck>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/health/state/{}", self.baseurl, encode_path(& state.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "health_state",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Makes a session

Sends a `PUT` request to `/v1/session/create`

*/
    pub async fn session_create<'a>(
        &'a self,
        body: &'a types::SessionRequest,
    ) -> Result<ResponseValue<types::SessionCreated>, Error<ByteStream>> {
        let url = format!("{}/v1/session/create", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "session_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Renews a session that has a TTL

Sends a `PUT` request to `/v1/session/renew/{session_id}`

*/
    pub async fn session_renew<'a>(
        &'a self,
        session_id: &'a str,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Session>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/session/renew/{}", self.baseurl, encode_path(& session_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "session_renew",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Ends a session and frees what it holds

Sends a `PUT` request to `/v1/session/destroy/{session_id}`

*/
    pub async fn session_destroy<'a>(
        &'a self,
        session_id: &'a str,
    ) -> Result<ResponseValue<types::Done>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/session/destroy/{}", self.baseurl, encode_path(& session_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "session_destroy",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**One session, or none

Sends a `GET` request to `/v1/session/info/{session_id}`

Arguments:
- `session_id`
- `index`: answer only when something is newer than this
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn session_read<'a>(
        &'a self,
        session_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Session>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/session/info/{}", self.baseurl, encode_path(& session_id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "session_read",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Sessions

Sends a `GET` request to `/v1/session/list`

Arguments:
- `index`: answer only when something is newer than this
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn session_list<'a>(
        &'a self,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Session>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/session/list", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "session_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**One key, or all that begin so

Sends a `GET` request to `/v1/kv/{key}`

Arguments:
- `key`
- `index`: answer only when something is newer than this
- `recurse`
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn kv_read<'a>(
        &'a self,
        key: &'a str,
        index: Option<u64>,
        recurse: Option<bool>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::KvEntry>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/kv/{}", self.baseurl, encode_path(& key.to_string()),);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("recurse", &recurse))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "kv_read",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**All of these or none

Sends a `PUT` request to `/v1/txn`

*/
    pub async fn transaction<'a>(
        &'a self,
        body: &'a ::std::vec::Vec<types::TransactionOperation>,
    ) -> Result<ResponseValue<types::TransactionResult>, Error<ByteStream>> {
        let url = format!("{}/v1/txn", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "transaction",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Address of the leading server

Sends a `GET` request to `/v1/status/leader`

*/
    pub async fn leader<'a>(
        &'a self,
    ) -> Result<ResponseValue<::std::string::String>, Error<ByteStream>> {
        let url = format!("{}/v1/status/leader", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "leader",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Addresses of the voting servers

Sends a `GET` request to `/v1/status/peers`

*/
    pub async fn peers<'a>(
        &'a self,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<::std::string::String>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/status/peers", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "peers",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Whether the servers would survive losing one

Sends a `GET` request to `/v1/operator/autopilot/health`

*/
    pub async fn autopilot_health<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::AutopilotHealth>, Error<ByteStream>> {
        let url = format!("{}/v1/operator/autopilot/health", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "autopilot_health",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Keys that gossip is encrypted with

Sends a `GET` request to `/v1/operator/keyring`

*/
    pub async fn keyring_list<'a>(
        &'a self,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<crate::gossip::Ring>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/operator/keyring", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "keyring_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Has every member encrypt with a key

Sends a `PUT` request to `/v1/operator/keyring`

*/
    pub async fn keyring_use<'a>(
        &'a self,
        body: &'a crate::gossip::GossipKey,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!("{}/v1/operator/keyring", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "keyring_use",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Has every member take one more key

Sends a `POST` request to `/v1/operator/keyring`

*/
    pub async fn keyring_install<'a>(
        &'a self,
        body: &'a crate::gossip::GossipKey,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!("{}/v1/operator/keyring", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.post(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "keyring_install",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Has every member forget a key

Sends a `DELETE` request to `/v1/operator/keyring`

*/
    pub async fn keyring_remove<'a>(
        &'a self,
        body: &'a crate::gossip::GossipKey,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!("{}/v1/operator/keyring", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "keyring_remove",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200..=299 => Ok(ResponseValue::empty(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Root certificates of the mesh's authority

Sends a `GET` request to `/v1/connect/ca/roots`

Arguments:
- `index`: answer only when something is newer than this
- `stale`: given at all, any server may answer
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn connect_ca_roots<'a>(
        &'a self,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::ConnectCaRoots>, Error<ByteStream>> {
        let url = format!("{}/v1/connect/ca/roots", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "connect_ca_roots",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Sends an event to all agents

Sends a `PUT` request to `/v1/event/fire/{name}`

*/
    pub async fn event_fire<'a>(
        &'a self,
        name: &'a str,
        body: String,
    ) -> Result<ResponseValue<types::UserEvent>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/event/fire/{}", self.baseurl, encode_path(& name.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .header(
                ::reqwest::header::CONTENT_TYPE,
                ::reqwest::header::HeaderValue::from_static("text/plain"),
            )
            .body(body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "event_fire",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Makes the first management token, once

Sends a `PUT` request to `/v1/acl/bootstrap`

*/
    pub async fn acl_bootstrap<'a>(
        &'a self,
        body: &'a crate::consul::AclBootstrap,
    ) -> Result<ResponseValue<crate::consul::AclToken>, Error<ByteStream>> {
        let url = format!("{}/v1/acl/bootstrap", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_bootstrap",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Makes a token

Sends a `PUT` request to `/v1/acl/token`

*/
    pub async fn acl_token_create<'a>(
        &'a self,
        body: &'a crate::consul::AclTokenRequest,
    ) -> Result<ResponseValue<crate::consul::AclToken>, Error<ByteStream>> {
        let url = format!("{}/v1/acl/token", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_token_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**The token that asks

Sends a `GET` request to `/v1/acl/token/self`

*/
    pub async fn acl_token_self<'a>(
        &'a self,
    ) -> Result<ResponseValue<crate::consul::AclToken>, Error<ByteStream>> {
        let url = format!("{}/v1/acl/token/self", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_token_self",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**A token, with its secret for whoever may write tokens

Sends a `GET` request to `/v1/acl/token/{accessor_id}`

*/
    pub async fn acl_token_read<'a>(
        &'a self,
        accessor_id: &'a str,
    ) -> Result<ResponseValue<crate::consul::AclToken>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/token/{}", self.baseurl, encode_path(& accessor_id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_token_read",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Revokes a token

Sends a `DELETE` request to `/v1/acl/token/{accessor_id}`

*/
    pub async fn acl_token_delete<'a>(
        &'a self,
        accessor_id: &'a str,
    ) -> Result<ResponseValue<types::Done>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/token/{}", self.baseurl, encode_path(& accessor_id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_token_delete",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Tokens, without their secrets

Sends a `GET` request to `/v1/acl/tokens`

*/
    pub async fn acl_token_list<'a>(
        &'a self,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::AclTokenStub>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/acl/tokens", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_token_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Makes a policy

Sends a `PUT` request to `/v1/acl/policy`

*/
    pub async fn acl_policy_create<'a>(
        &'a self,
        body: &'a types::AclPolicyRequest,
    ) -> Result<ResponseValue<types::AclPolicy>, Error<ByteStream>> {
        let url = format!("{}/v1/acl/policy", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_policy_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Policies, without their rules

Sends a `GET` request to `/v1/acl/policies`

*/
    pub async fn acl_policy_list<'a>(
        &'a self,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::AclPolicy>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/acl/policies", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_policy_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**One policy

Sends a `GET` request to `/v1/acl/policy/name/{policy_name}`

*/
    pub async fn acl_policy_read<'a>(
        &'a self,
        policy_name: &'a str,
    ) -> Result<ResponseValue<types::AclPolicy>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/policy/name/{}", self.baseurl, encode_path(& policy_name
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_policy_read",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Replaces a policy

Sends a `PUT` request to `/v1/acl/policy/{policy_id}`

*/
    pub async fn acl_policy_update<'a>(
        &'a self,
        policy_id: &'a str,
        body: &'a types::AclPolicyRequest,
    ) -> Result<ResponseValue<types::AclPolicy>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/policy/{}", self.baseurl, encode_path(& policy_id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_policy_update",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Deletes a policy

Sends a `DELETE` request to `/v1/acl/policy/{policy_id}`

*/
    pub async fn acl_policy_delete<'a>(
        &'a self,
        policy_id: &'a str,
    ) -> Result<ResponseValue<types::Done>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/policy/{}", self.baseurl, encode_path(& policy_id.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .delete(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_policy_delete",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Lets others vouch for those who log in

Sends a `PUT` request to `/v1/acl/auth-method`

*/
    pub async fn acl_auth_method_create<'a>(
        &'a self,
        body: &'a types::AclAuthMethod,
    ) -> Result<ResponseValue<types::AclAuthMethod>, Error<ByteStream>> {
        let url = format!("{}/v1/acl/auth-method", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_auth_method_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**One method

Sends a `GET` request to `/v1/acl/auth-method/{method_name}`

*/
    pub async fn acl_auth_method_read<'a>(
        &'a self,
        method_name: &'a str,
    ) -> Result<ResponseValue<types::AclAuthMethod>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/auth-method/{}", self.baseurl, encode_path(& method_name
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_auth_method_read",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Replaces a method

Sends a `PUT` request to `/v1/acl/auth-method/{method_name}`

*/
    pub async fn acl_auth_method_update<'a>(
        &'a self,
        method_name: &'a str,
        body: &'a types::AclAuthMethod,
    ) -> Result<ResponseValue<types::AclAuthMethod>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/auth-method/{}", self.baseurl, encode_path(& method_name
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_auth_method_update",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**What those who log in may do

Sends a `GET` request to `/v1/acl/binding-rules`

Arguments:
- `authmethod`: of this method alone
*/
    pub async fn acl_binding_rule_list<'a>(
        &'a self,
        authmethod: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::AclBindingRule>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/acl/binding-rules", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(&progenitor_client::QueryParam::new("authmethod", &authmethod))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_binding_rule_list",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**What those who log in may do

Sends a `PUT` request to `/v1/acl/binding-rule`

*/
    pub async fn acl_binding_rule_create<'a>(
        &'a self,
        body: &'a types::AclBindingRule,
    ) -> Result<ResponseValue<types::AclBindingRule>, Error<ByteStream>> {
        let url = format!("{}/v1/acl/binding-rule", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .put(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "acl_binding_rule_create",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    #[allow(unused_imports)]
    pub use super::Client;
}
