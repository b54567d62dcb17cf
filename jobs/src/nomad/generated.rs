//! Made of jobs/nomad/openapi.yaml by `make generate`; change the document, not this.

#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///What a token may do.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AclPolicy {
        #[serde(rename = "Description", default)]
        pub description: ::std::string::String,
        #[serde(
            rename = "JobACL",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub job_acl: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
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
        #[serde(
            rename = "CreateTime",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub create_time: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "ExpirationTime",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub expiration_time: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Global", default)]
        pub global: bool,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(
            rename = "Policies",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub policies: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(rename = "Type", default)]
        pub type_: ::std::string::String,
    }
    ///Whether an agent can do its work.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AgentHealth {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub client: ::std::option::Option<AgentHealthPart>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub server: ::std::option::Option<AgentHealthPart>,
    }
    ///One half of an agent.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AgentHealthPart {
        #[serde(default)]
        pub message: ::std::string::String,
        #[serde(default)]
        pub ok: bool,
    }
    ///A server as gossip knows it.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AgentMember {
        #[serde(rename = "Addr", default)]
        pub addr: ::std::string::String,
        #[serde(rename = "DelegateCur", default)]
        pub delegate_cur: u64,
        #[serde(rename = "DelegateMax", default)]
        pub delegate_max: u64,
        #[serde(rename = "DelegateMin", default)]
        pub delegate_min: u64,
        #[serde(rename = "Name", default)]
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
        pub status: ::std::string::String,
        #[serde(rename = "Tags", skip_serializing_if = "::std::option::Option::is_none")]
        pub tags: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
    }
    ///Servers as gossip knows them.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AgentMembers {
        #[serde(
            rename = "Members",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub members: ::std::option::Option<::std::vec::Vec<AgentMember>>,
        #[serde(rename = "ServerDC", default)]
        pub server_dc: ::std::string::String,
        #[serde(rename = "ServerName", default)]
        pub server_name: ::std::string::String,
        #[serde(rename = "ServerRegion", default)]
        pub server_region: ::std::string::String,
    }
    ///An agent.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AgentSelf {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub config: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub member: ::std::option::Option<AgentMember>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub stats: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
    }
    ///One allocation.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Allocation {
        #[serde(rename = "AllocModifyIndex", default)]
        pub alloc_modify_index: u64,
        #[serde(
            rename = "AllocatedResources",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub allocated_resources: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "ClientDescription", default)]
        pub client_description: ::std::string::String,
        #[serde(rename = "ClientStatus", default)]
        pub client_status: ::std::string::String,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "CreateTime", default)]
        pub create_time: i64,
        #[serde(rename = "DeploymentID", default)]
        pub deployment_id: ::std::string::String,
        #[serde(
            rename = "DeploymentStatus",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub deployment_status: ::std::option::Option<AllocationDeploymentStatus>,
        #[serde(rename = "DesiredDescription", default)]
        pub desired_description: ::std::string::String,
        #[serde(rename = "DesiredStatus", default)]
        pub desired_status: ::std::string::String,
        #[serde(
            rename = "DesiredTransition",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub desired_transition: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "EvalID", default)]
        pub eval_id: ::std::string::String,
        #[serde(rename = "FollowupEvalID", default)]
        pub followup_eval_id: ::std::string::String,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "Job", skip_serializing_if = "::std::option::Option::is_none")]
        pub job: ::std::option::Option<crate::nomad::Job>,
        #[serde(rename = "JobID", default)]
        pub job_id: ::std::string::String,
        #[serde(
            rename = "Metrics",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub metrics: ::std::option::Option<AllocationMetric>,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "ModifyTime", default)]
        pub modify_time: i64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(
            rename = "NetworkStatus",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub network_status: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "NextAllocation", default)]
        pub next_allocation: ::std::string::String,
        #[serde(rename = "NodeID", default)]
        pub node_id: ::std::string::String,
        #[serde(rename = "NodeName", default)]
        pub node_name: ::std::string::String,
        #[serde(rename = "PreemptedByAllocation", default)]
        pub preempted_by_allocation: ::std::string::String,
        #[serde(rename = "PreviousAllocation", default)]
        pub previous_allocation: ::std::string::String,
        #[serde(
            rename = "RescheduleTracker",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub reschedule_tracker: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "TaskGroup", default)]
        pub task_group: ::std::string::String,
        #[serde(
            rename = "TaskStates",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub task_states: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, TaskState>,
        >,
    }
    ///Health of an allocation as its deployment sees it.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AllocationDeploymentStatus {
        #[serde(rename = "Canary", default)]
        pub canary: bool,
        #[serde(
            rename = "Healthy",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub healthy: ::std::option::Option<bool>,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(
            rename = "Timestamp",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub timestamp: ::std::option::Option<::std::string::String>,
    }
    ///Why something was, or was not, placed.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AllocationMetric {
        #[serde(
            rename = "ClassExhausted",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub class_exhausted: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, i64>,
        >,
        #[serde(
            rename = "ClassFiltered",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub class_filtered: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, i64>,
        >,
        #[serde(rename = "CoalescedFailures", default)]
        pub coalesced_failures: i64,
        #[serde(
            rename = "ConstraintFiltered",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub constraint_filtered: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, i64>,
        >,
        #[serde(
            rename = "DimensionExhausted",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub dimension_exhausted: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, i64>,
        >,
        #[serde(rename = "NodePool", default)]
        pub node_pool: ::std::string::String,
        #[serde(
            rename = "NodesAvailable",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub nodes_available: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, i64>,
        >,
        #[serde(rename = "NodesEvaluated", default)]
        pub nodes_evaluated: i64,
        #[serde(rename = "NodesExhausted", default)]
        pub nodes_exhausted: i64,
        #[serde(rename = "NodesFiltered", default)]
        pub nodes_filtered: i64,
        #[serde(rename = "NodesInPool", default)]
        pub nodes_in_pool: i64,
        #[serde(
            rename = "QuotaExhausted",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub quota_exhausted: ::std::option::Option<
            ::std::vec::Vec<::std::string::String>,
        >,
        #[serde(
            rename = "ResourcesExhausted",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub resources_exhausted: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
    }
    ///What is to be restarted.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AllocationRestartRequest {
        #[serde(rename = "AllTasks", default)]
        pub all_tasks: bool,
        #[serde(rename = "TaskName", default)]
        pub task_name: ::std::string::String,
    }
    ///Which signal to send, and to whom.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AllocationSignalRequest {
        #[serde(rename = "Signal")]
        pub signal: ::std::string::String,
        #[serde(rename = "Task", default)]
        pub task: ::std::string::String,
    }
    ///An allocation in a listing.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct AllocationStub {
        #[serde(rename = "ClientDescription", default)]
        pub client_description: ::std::string::String,
        #[serde(rename = "ClientStatus", default)]
        pub client_status: ::std::string::String,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "CreateTime", default)]
        pub create_time: i64,
        #[serde(
            rename = "DeploymentStatus",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub deployment_status: ::std::option::Option<AllocationDeploymentStatus>,
        #[serde(rename = "DesiredDescription", default)]
        pub desired_description: ::std::string::String,
        #[serde(rename = "DesiredStatus", default)]
        pub desired_status: ::std::string::String,
        #[serde(rename = "EvalID", default)]
        pub eval_id: ::std::string::String,
        #[serde(rename = "FollowupEvalID", default)]
        pub followup_eval_id: ::std::string::String,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "JobID", default)]
        pub job_id: ::std::string::String,
        #[serde(rename = "JobType", default)]
        pub job_type: ::std::string::String,
        #[serde(rename = "JobVersion", default)]
        pub job_version: u64,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "ModifyTime", default)]
        pub modify_time: i64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(rename = "NextAllocation", default)]
        pub next_allocation: ::std::string::String,
        #[serde(rename = "NodeID", default)]
        pub node_id: ::std::string::String,
        #[serde(rename = "NodeName", default)]
        pub node_name: ::std::string::String,
        #[serde(
            rename = "PreemptedAllocations",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub preempted_allocations: ::std::option::Option<
            ::std::vec::Vec<::std::string::String>,
        >,
        #[serde(rename = "PreemptedByAllocation", default)]
        pub preempted_by_allocation: ::std::string::String,
        #[serde(
            rename = "RescheduleTracker",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub reschedule_tracker: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "TaskGroup", default)]
        pub task_group: ::std::string::String,
        #[serde(
            rename = "TaskStates",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub task_states: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, TaskState>,
        >,
    }
    ///Whether the servers would survive losing one.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct AutopilotHealth {
        #[serde(rename = "FailureTolerance", default)]
        pub failure_tolerance: i64,
        #[serde(rename = "Healthy", default)]
        pub healthy: bool,
        #[serde(rename = "Leader", default)]
        pub leader: ::std::string::String,
        #[serde(
            rename = "Servers",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub servers: ::std::option::Option<::std::vec::Vec<AutopilotServer>>,
        #[serde(
            rename = "Voters",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub voters: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
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
    ///Children of a periodic or parameterised job by state.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct ChildrenSummary {
        #[serde(rename = "Dead", default)]
        pub dead: i64,
        #[serde(rename = "Pending", default)]
        pub pending: i64,
        #[serde(rename = "Running", default)]
        pub running: i64,
    }
    ///A node that is to be introduced.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ClientIntroduction {
        #[serde(rename = "NodeName")]
        pub node_name: ::std::string::String,
    }
    ///How many there are.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct CountResponse {
        #[serde(rename = "Count")]
        pub count: i64,
    }
    ///A deployment.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Deployment {
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "CreateTime", default)]
        pub create_time: i64,
        #[serde(rename = "EvalPriority", default)]
        pub eval_priority: i64,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "IsMultiregion", default)]
        pub is_multiregion: bool,
        #[serde(rename = "JobCreateIndex", default)]
        pub job_create_index: u64,
        #[serde(rename = "JobID", default)]
        pub job_id: ::std::string::String,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(rename = "JobSpecModifyIndex", default)]
        pub job_spec_modify_index: u64,
        #[serde(rename = "JobVersion", default)]
        pub job_version: u64,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "ModifyTime", default)]
        pub modify_time: i64,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(rename = "Status", default)]
        pub status: ::std::string::String,
        #[serde(rename = "StatusDescription", default)]
        pub status_description: ::std::string::String,
        #[serde(
            rename = "TaskGroups",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub task_groups: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, DeploymentState>,
        >,
    }
    ///Whether it pauses.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct DeploymentPauseRequest {
        #[serde(rename = "DeploymentID")]
        pub deployment_id: ::std::string::String,
        #[serde(rename = "Pause")]
        pub pause: bool,
    }
    ///Which canaries to promote.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct DeploymentPromoteRequest {
        #[serde(rename = "All", default)]
        pub all: bool,
        #[serde(rename = "DeploymentID")]
        pub deployment_id: ::std::string::String,
        #[serde(
            rename = "Groups",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub groups: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
    }
    ///How far a group's deployment is.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct DeploymentState {
        #[serde(rename = "AutoPromote", default)]
        pub auto_promote: bool,
        #[serde(rename = "AutoRevert", default)]
        pub auto_revert: bool,
        #[serde(rename = "DesiredCanaries", default)]
        pub desired_canaries: i64,
        #[serde(rename = "DesiredTotal", default)]
        pub desired_total: i64,
        #[serde(rename = "HealthyAllocs", default)]
        pub healthy_allocs: i64,
        #[serde(rename = "PlacedAllocs", default)]
        pub placed_allocs: i64,
        #[serde(
            rename = "PlacedCanaries",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub placed_canaries: ::std::option::Option<
            ::std::vec::Vec<::std::string::String>,
        >,
        #[serde(rename = "ProgressDeadline", default)]
        pub progress_deadline: i64,
        #[serde(rename = "Promoted", default)]
        pub promoted: bool,
        #[serde(
            rename = "RequireProgressBy",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub require_progress_by: ::std::option::Option<::std::string::String>,
        #[serde(rename = "UnhealthyAllocs", default)]
        pub unhealthy_allocs: i64,
    }
    ///Which waits no longer.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct DeploymentUnblockRequest {
        #[serde(rename = "DeploymentID")]
        pub deployment_id: ::std::string::String,
    }
    ///What follows.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct DeploymentUpdateResponse {
        #[serde(rename = "DeploymentModifyIndex", default)]
        pub deployment_modify_index: u64,
        #[serde(rename = "EvalCreateIndex", default)]
        pub eval_create_index: u64,
        #[serde(rename = "EvalID", default)]
        pub eval_id: ::std::string::String,
        #[serde(
            rename = "RevertedJobVersion",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub reverted_job_version: ::std::option::Option<u64>,
    }
    ///Allocations of a group by what would happen to them.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct DesiredUpdates {
        #[serde(rename = "Canary", default)]
        pub canary: u64,
        #[serde(rename = "DestructiveUpdate", default)]
        pub destructive_update: u64,
        #[serde(rename = "Disconnect", default)]
        pub disconnect: u64,
        #[serde(rename = "Ignore", default)]
        pub ignore: u64,
        #[serde(rename = "InPlaceUpdate", default)]
        pub in_place_update: u64,
        #[serde(rename = "Migrate", default)]
        pub migrate: u64,
        #[serde(rename = "Place", default)]
        pub place: u64,
        #[serde(rename = "Preemptions", default)]
        pub preemptions: u64,
        #[serde(rename = "Reconnect", default)]
        pub reconnect: u64,
        #[serde(rename = "RescheduleLater", default)]
        pub reschedule_later: u64,
        #[serde(rename = "RescheduleNow", default)]
        pub reschedule_now: u64,
        #[serde(rename = "Stop", default)]
        pub stop: u64,
    }
    ///How long draining may take, in nanoseconds.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct DrainSpec {
        #[serde(rename = "Deadline", default)]
        pub deadline: i64,
        #[serde(rename = "IgnoreSystemJobs", default)]
        pub ignore_system_jobs: bool,
    }
    ///Whether a node can run tasks of one kind.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct DriverInfo {
        #[serde(
            rename = "Attributes",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub attributes: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "Detected", default)]
        pub detected: bool,
        #[serde(rename = "HealthDescription", default)]
        pub health_description: ::std::string::String,
        #[serde(rename = "Healthy", default)]
        pub healthy: bool,
        #[serde(
            rename = "UpdateTime",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub update_time: ::std::option::Option<::std::string::String>,
    }
    ///The scheduler's look at a job.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Evaluation {
        #[serde(rename = "BlockedEval", default)]
        pub blocked_eval: ::std::string::String,
        #[serde(
            rename = "ClassEligibility",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub class_eligibility: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "CreateTime", default)]
        pub create_time: i64,
        #[serde(rename = "DeploymentID", default)]
        pub deployment_id: ::std::string::String,
        #[serde(rename = "EscapedComputedClass", default)]
        pub escaped_computed_class: bool,
        #[serde(
            rename = "FailedTGAllocs",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub failed_tg_allocs: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, AllocationMetric>,
        >,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "JobID", default)]
        pub job_id: ::std::string::String,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "ModifyTime", default)]
        pub modify_time: i64,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(rename = "NextEval", default)]
        pub next_eval: ::std::string::String,
        #[serde(rename = "NodeID", default)]
        pub node_id: ::std::string::String,
        #[serde(rename = "NodeModifyIndex", default)]
        pub node_modify_index: u64,
        #[serde(rename = "PreviousEval", default)]
        pub previous_eval: ::std::string::String,
        #[serde(rename = "Priority", default)]
        pub priority: i64,
        #[serde(
            rename = "QueuedAllocations",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub queued_allocations: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, i64>,
        >,
        #[serde(rename = "SnapshotIndex", default)]
        pub snapshot_index: u64,
        #[serde(rename = "Status", default)]
        pub status: ::std::string::String,
        #[serde(rename = "StatusDescription", default)]
        pub status_description: ::std::string::String,
        #[serde(rename = "TriggeredBy", default)]
        pub triggered_by: ::std::string::String,
        #[serde(rename = "Type", default)]
        pub type_: ::std::string::String,
        #[serde(rename = "Wait", default)]
        pub wait: i64,
        #[serde(
            rename = "WaitUntil",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub wait_until: ::std::option::Option<::std::string::String>,
    }
    ///The evaluation that follows.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct EvaluationCreated {
        #[serde(rename = "EvalID", default)]
        pub eval_id: ::std::string::String,
        #[serde(rename = "Index", default)]
        pub index: u64,
    }
    ///Whether failed allocations may be placed again at once.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct EvaluationOptions {
        #[serde(rename = "ForceReschedule", default)]
        pub force_reschedule: bool,
    }
    ///A file of an allocation.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct FileInfo {
        #[serde(rename = "ContentType", default)]
        pub content_type: ::std::string::String,
        #[serde(rename = "FileMode", default)]
        pub file_mode: ::std::string::String,
        #[serde(rename = "IsDir", default)]
        pub is_dir: bool,
        #[serde(
            rename = "ModTime",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub mod_time: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Name")]
        pub name: ::std::string::String,
        #[serde(rename = "Size", default)]
        pub size: i64,
    }
    ///Objects by a key, whose fields nobody here decides on.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    #[serde(transparent)]
    pub struct FreeMap(
        pub ::serde_json::Map<::std::string::String, ::serde_json::Value>,
    );
    impl ::std::ops::Deref for FreeMap {
        type Target = ::serde_json::Map<::std::string::String, ::serde_json::Value>;
        fn deref(
            &self,
        ) -> &::serde_json::Map<::std::string::String, ::serde_json::Value> {
            &self.0
        }
    }
    impl ::std::convert::From<FreeMap>
    for ::serde_json::Map<::std::string::String, ::serde_json::Value> {
        fn from(value: FreeMap) -> Self {
            value.0
        }
    }
    impl ::std::convert::From<
        ::serde_json::Map<::std::string::String, ::serde_json::Value>,
    > for FreeMap {
        fn from(
            value: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        ) -> Self {
            Self(value)
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
    ///Counts of one group.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct GroupScaleStatus {
        #[serde(rename = "Desired", default)]
        pub desired: i64,
        #[serde(
            rename = "Events",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub events: ::std::option::Option<
            ::std::vec::Vec<
                ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            >,
        >,
        #[serde(rename = "Healthy", default)]
        pub healthy: i64,
        #[serde(rename = "Placed", default)]
        pub placed: i64,
        #[serde(rename = "Running", default)]
        pub running: i64,
        #[serde(rename = "Unhealthy", default)]
        pub unhealthy: i64,
    }
    ///Allocations of one group by state.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct GroupSummary {
        #[serde(rename = "Complete", default)]
        pub complete: i64,
        #[serde(rename = "Failed", default)]
        pub failed: i64,
        #[serde(rename = "Lost", default)]
        pub lost: i64,
        #[serde(rename = "Queued", default)]
        pub queued: i64,
        #[serde(rename = "Running", default)]
        pub running: i64,
        #[serde(rename = "Starting", default)]
        pub starting: i64,
        #[serde(rename = "Unknown", default)]
        pub unknown: i64,
    }
    ///What stopping began.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobDeregisterResponse {
        #[serde(rename = "EvalCreateIndex", default)]
        pub eval_create_index: u64,
        #[serde(rename = "EvalID", default)]
        pub eval_id: ::std::string::String,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(rename = "VolumeEvalID", default)]
        pub volume_eval_id: ::std::string::String,
    }
    ///What to start a parameterised job with.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobDispatchRequest {
        #[serde(rename = "IdPrefixTemplate", default)]
        pub id_prefix_template: ::std::string::String,
        #[serde(rename = "JobID", default)]
        pub job_id: ::std::string::String,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(
            rename = "Payload",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub payload: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Priority", default)]
        pub priority: i64,
    }
    ///What was started.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobDispatchResponse {
        #[serde(rename = "DispatchedJobID")]
        pub dispatched_job_id: ::std::string::String,
        #[serde(rename = "EvalCreateIndex", default)]
        pub eval_create_index: u64,
        #[serde(rename = "EvalID", default)]
        pub eval_id: ::std::string::String,
        #[serde(rename = "Index", default)]
        pub index: u64,
        #[serde(rename = "JobCreateIndex", default)]
        pub job_create_index: u64,
    }
    ///How to look again.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobEvaluateRequest {
        #[serde(
            rename = "EvalOptions",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub eval_options: ::std::option::Option<EvaluationOptions>,
        #[serde(rename = "JobID")]
        pub job_id: ::std::string::String,
    }
    ///HCL to be parsed.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobParseRequest {
        #[serde(rename = "Canonicalize", default)]
        pub canonicalize: bool,
        #[serde(rename = "JobHCL")]
        pub job_hcl: ::std::string::String,
        #[serde(rename = "Variables", default)]
        pub variables: ::std::string::String,
    }
    ///A job to be planned.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobPlanRequest {
        #[serde(rename = "Diff", default)]
        pub diff: bool,
        #[serde(rename = "Job")]
        pub job: crate::nomad::Job,
        #[serde(rename = "PolicyOverride", default)]
        pub policy_override: bool,
    }
    ///What registering would do.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobPlanResponse {
        #[serde(
            rename = "Annotations",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub annotations: ::std::option::Option<PlanAnnotations>,
        #[serde(
            rename = "CreatedEvals",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub created_evals: ::std::option::Option<::std::vec::Vec<Evaluation>>,
        #[serde(rename = "Diff", skip_serializing_if = "::std::option::Option::is_none")]
        pub diff: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "FailedTGAllocs",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub failed_tg_allocs: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, AllocationMetric>,
        >,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(
            rename = "NextPeriodicLaunch",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub next_periodic_launch: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Warnings", default)]
        pub warnings: ::std::string::String,
    }
    ///What is to be registered, and over which version.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobRegisterRequest {
        #[serde(rename = "EnforceIndex", default)]
        pub enforce_index: bool,
        #[serde(rename = "EvalPriority", default)]
        pub eval_priority: i64,
        #[serde(rename = "Job")]
        pub job: crate::nomad::Job,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(rename = "PolicyOverride", default)]
        pub policy_override: bool,
        #[serde(rename = "PreserveCounts", default)]
        pub preserve_counts: bool,
        #[serde(
            rename = "Submission",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub submission: ::std::option::Option<JobSubmission>,
    }
    ///What registering began.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobRegisterResponse {
        #[serde(rename = "EvalCreateIndex", default)]
        pub eval_create_index: u64,
        #[serde(rename = "EvalID", default)]
        pub eval_id: ::std::string::String,
        #[serde(rename = "Index", default)]
        pub index: u64,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(rename = "Warnings", default)]
        pub warnings: ::std::string::String,
    }
    ///Which version to return to.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobRevertRequest {
        #[serde(
            rename = "EnforcePriorVersion",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub enforce_prior_version: ::std::option::Option<u64>,
        #[serde(rename = "JobID")]
        pub job_id: ::std::string::String,
        #[serde(rename = "JobVersion")]
        pub job_version: u64,
    }
    ///Counts of a job's groups.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobScaleStatusResponse {
        #[serde(rename = "JobCreateIndex", default)]
        pub job_create_index: u64,
        #[serde(rename = "JobID", default)]
        pub job_id: ::std::string::String,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(rename = "JobStopped", default)]
        pub job_stopped: bool,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(
            rename = "TaskGroups",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub task_groups: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, GroupScaleStatus>,
        >,
    }
    ///Which version is stable.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobStabilityRequest {
        #[serde(rename = "JobID")]
        pub job_id: ::std::string::String,
        #[serde(rename = "JobVersion")]
        pub job_version: u64,
        #[serde(rename = "Stable")]
        pub stable: bool,
    }
    ///Done.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobStabilityResponse {
        #[serde(rename = "Index", default)]
        pub index: u64,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
    }
    ///An allocation within a job's status.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobStatusAllocation {
        #[serde(rename = "ClientStatus", default)]
        pub client_status: ::std::string::String,
        #[serde(
            rename = "DeploymentStatus",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub deployment_status: ::std::option::Option<AllocationDeploymentStatus>,
        #[serde(rename = "FollowupEvalID", default)]
        pub followup_eval_id: ::std::string::String,
        #[serde(rename = "Group", default)]
        pub group: ::std::string::String,
        #[serde(rename = "HasPausedTask", default)]
        pub has_paused_task: bool,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "JobVersion", default)]
        pub job_version: u64,
        #[serde(rename = "NodeID", default)]
        pub node_id: ::std::string::String,
    }
    ///A deployment within a job's status.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobStatusDeployment {
        #[serde(rename = "AllAutoPromote", default)]
        pub all_auto_promote: bool,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "IsActive", default)]
        pub is_active: bool,
        #[serde(rename = "JobVersion", default)]
        pub job_version: u64,
        #[serde(rename = "RequiresPromotion", default)]
        pub requires_promotion: bool,
        #[serde(rename = "Status", default)]
        pub status: ::std::string::String,
        #[serde(rename = "StatusDescription", default)]
        pub status_description: ::std::string::String,
    }
    ///A job with its allocations.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobStatusStub {
        #[serde(
            rename = "Allocs",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub allocs: ::std::option::Option<::std::vec::Vec<JobStatusAllocation>>,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(
            rename = "Datacenters",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub datacenters: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(rename = "GroupCountSum", default)]
        pub group_count_sum: i64,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(
            rename = "LatestDeployment",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub latest_deployment: ::std::option::Option<JobStatusDeployment>,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(rename = "NodePool", default)]
        pub node_pool: ::std::string::String,
        #[serde(rename = "Priority", default)]
        pub priority: i64,
        #[serde(rename = "Stop", default)]
        pub stop: bool,
        #[serde(rename = "SubmitTime", default)]
        pub submit_time: i64,
        #[serde(rename = "Type", default)]
        pub type_: ::std::string::String,
        #[serde(rename = "Version", default)]
        pub version: u64,
    }
    ///A job in a listing.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobStub {
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(
            rename = "Datacenters",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub datacenters: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(
            rename = "JobSummary",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub job_summary: ::std::option::Option<JobSummary>,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(rename = "NodePool", default)]
        pub node_pool: ::std::string::String,
        #[serde(rename = "ParameterizedJob", default)]
        pub parameterized_job: bool,
        #[serde(rename = "ParentID", default)]
        pub parent_id: ::std::string::String,
        #[serde(rename = "Periodic", default)]
        pub periodic: bool,
        #[serde(rename = "Priority", default)]
        pub priority: i64,
        #[serde(rename = "Status", default)]
        pub status: ::std::string::String,
        #[serde(rename = "StatusDescription", default)]
        pub status_description: ::std::string::String,
        #[serde(rename = "Stop", default)]
        pub stop: bool,
        #[serde(rename = "SubmitTime", default)]
        pub submit_time: i64,
        #[serde(rename = "Type", default)]
        pub type_: ::std::string::String,
    }
    ///The source of a job.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobSubmission {
        #[serde(rename = "Format", default)]
        pub format: ::std::string::String,
        #[serde(rename = "Source", default)]
        pub source: ::std::string::String,
        #[serde(
            rename = "VariableFlags",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub variable_flags: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "Variables", default)]
        pub variables: ::std::string::String,
    }
    ///Allocations of a job by group and state.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobSummary {
        #[serde(
            rename = "Children",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub children: ::std::option::Option<ChildrenSummary>,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "JobID", default)]
        pub job_id: ::std::string::String,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(
            rename = "Summary",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub summary: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, GroupSummary>,
        >,
    }
    ///A job to be checked.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct JobValidateRequest {
        #[serde(rename = "Job")]
        pub job: crate::nomad::Job,
    }
    ///What is wrong with it.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobValidateResponse {
        #[serde(rename = "DriverConfigValidated", default)]
        pub driver_config_validated: bool,
        #[serde(rename = "Error", default)]
        pub error: ::std::string::String,
        #[serde(
            rename = "ValidationErrors",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub validation_errors: ::std::option::Option<
            ::std::vec::Vec<::std::string::String>,
        >,
        #[serde(rename = "Warnings", default)]
        pub warnings: ::std::string::String,
    }
    ///Versions of a job, newest first.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct JobVersionsResponse {
        #[serde(
            rename = "Diffs",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub diffs: ::std::option::Option<
            ::std::vec::Vec<
                ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            >,
        >,
        #[serde(
            rename = "Versions",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub versions: ::std::option::Option<::std::vec::Vec<crate::nomad::Job>>,
    }
    ///A namespace.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Namespace {
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Description", default)]
        pub description: ::std::string::String,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name")]
        pub name: ::std::string::String,
        #[serde(rename = "Quota", default)]
        pub quota: ::std::string::String,
    }
    ///One node.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct Node {
        #[serde(
            rename = "Attributes",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub attributes: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Datacenter", default)]
        pub datacenter: ::std::string::String,
        #[serde(rename = "Drain", default)]
        pub drain: bool,
        #[serde(
            rename = "DrainStrategy",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub drain_strategy: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "Drivers",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub drivers: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, DriverInfo>,
        >,
        #[serde(
            rename = "Events",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub events: ::std::option::Option<
            ::std::vec::Vec<
                ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            >,
        >,
        #[serde(
            rename = "HostNetworks",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub host_networks: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "HostVolumes",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub host_volumes: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "HTTPAddr", default)]
        pub http_addr: ::std::string::String,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(
            rename = "LastDrain",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub last_drain: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "Links",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub links: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "NodeClass", default)]
        pub node_class: ::std::string::String,
        #[serde(rename = "NodePool", default)]
        pub node_pool: ::std::string::String,
        #[serde(
            rename = "NodeResources",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub node_resources: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "ReservedResources",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub reserved_resources: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(
            rename = "Resources",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub resources: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "SchedulingEligibility", default)]
        pub scheduling_eligibility: ::std::string::String,
        #[serde(rename = "Status", default)]
        pub status: ::std::string::String,
        #[serde(rename = "StatusDescription", default)]
        pub status_description: ::std::string::String,
        #[serde(rename = "StatusUpdatedAt", default)]
        pub status_updated_at: i64,
        #[serde(rename = "TLSEnabled", default)]
        pub tls_enabled: bool,
    }
    ///How to drain a node; without a specification draining ends.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct NodeDrainRequest {
        #[serde(
            rename = "DrainSpec",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub drain_spec: ::std::option::Option<DrainSpec>,
        #[serde(rename = "MarkEligible", default)]
        pub mark_eligible: bool,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "NodeID")]
        pub node_id: ::std::string::String,
    }
    ///Whether it may get allocations.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct NodeEligibilityRequest {
        #[serde(rename = "Eligibility")]
        pub eligibility: ::std::string::String,
        #[serde(rename = "NodeID")]
        pub node_id: ::std::string::String,
    }
    ///Nodes that are scheduled together.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct NodePool {
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Description", default)]
        pub description: ::std::string::String,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name")]
        pub name: ::std::string::String,
    }
    ///A node in a listing.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct NodeStub {
        #[serde(rename = "Address", default)]
        pub address: ::std::string::String,
        #[serde(
            rename = "Attributes",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub attributes: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Datacenter", default)]
        pub datacenter: ::std::string::String,
        #[serde(rename = "Drain", default)]
        pub drain: bool,
        #[serde(
            rename = "Drivers",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub drivers: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, DriverInfo>,
        >,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(
            rename = "LastDrain",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub last_drain: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Name", default)]
        pub name: ::std::string::String,
        #[serde(rename = "NodeClass", default)]
        pub node_class: ::std::string::String,
        #[serde(rename = "NodePool", default)]
        pub node_pool: ::std::string::String,
        #[serde(rename = "SchedulingEligibility", default)]
        pub scheduling_eligibility: ::std::string::String,
        #[serde(rename = "Status", default)]
        pub status: ::std::string::String,
        #[serde(rename = "StatusDescription", default)]
        pub status_description: ::std::string::String,
        #[serde(rename = "Version", default)]
        pub version: ::std::string::String,
    }
    ///What follows.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct NodeUpdateResponse {
        #[serde(rename = "EvalCreateIndex", default)]
        pub eval_create_index: u64,
        #[serde(
            rename = "EvalIDs",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub eval_i_ds: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
        #[serde(rename = "Index", default)]
        pub index: u64,
        #[serde(rename = "NodeModifyIndex", default)]
        pub node_modify_index: u64,
    }
    ///What was started.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct PeriodicForceResponse {
        #[serde(rename = "EvalCreateIndex", default)]
        pub eval_create_index: u64,
        #[serde(rename = "EvalID", default)]
        pub eval_id: ::std::string::String,
        #[serde(rename = "Index", default)]
        pub index: u64,
    }
    ///What would happen to each group.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct PlanAnnotations {
        #[serde(
            rename = "DesiredTGUpdates",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub desired_tg_updates: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, DesiredUpdates>,
        >,
        #[serde(
            rename = "PreemptedAllocs",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub preempted_allocs: ::std::option::Option<::std::vec::Vec<AllocationStub>>,
    }
    ///The wanted count of one group.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct ScalingRequest {
        #[serde(
            rename = "Count",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub count: ::std::option::Option<i64>,
        #[serde(rename = "EnforceIndex", default)]
        pub enforce_index: bool,
        #[serde(rename = "Error", default)]
        pub error: bool,
        #[serde(rename = "JobModifyIndex", default)]
        pub job_modify_index: u64,
        #[serde(rename = "Message", default)]
        pub message: ::std::string::String,
        #[serde(rename = "Meta", skip_serializing_if = "::std::option::Option::is_none")]
        pub meta: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "PolicyOverride", default)]
        pub policy_override: bool,
        #[serde(
            rename = "Target",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub target: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
    }
    ///What to look for.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct SearchRequest {
        #[serde(rename = "Context")]
        pub context: ::std::string::String,
        #[serde(rename = "Prefix")]
        pub prefix: ::std::string::String,
    }
    ///What was found, by kind.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct SearchResponse {
        #[serde(
            rename = "Matches",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub matches: ::std::option::Option<
            ::std::collections::HashMap<
                ::std::string::String,
                ::std::option::Option<::std::vec::Vec<::std::string::String>>,
            >,
        >,
        #[serde(
            rename = "Truncations",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub truncations: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
    }
    ///A service and the tags of its instances.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ServiceName {
        #[serde(rename = "ServiceName")]
        pub service_name: ::std::string::String,
        #[serde(rename = "Tags", skip_serializing_if = "::std::option::Option::is_none")]
        pub tags: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
    }
    ///Services of a namespace.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct ServiceNamespace {
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(
            rename = "Services",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub services: ::std::option::Option<::std::vec::Vec<ServiceName>>,
    }
    ///An instance of a service.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct ServiceRegistration {
        #[serde(rename = "Address", default)]
        pub address: ::std::string::String,
        #[serde(rename = "AllocID", default)]
        pub alloc_id: ::std::string::String,
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "Datacenter", default)]
        pub datacenter: ::std::string::String,
        #[serde(rename = "ID")]
        pub id: ::std::string::String,
        #[serde(rename = "JobID", default)]
        pub job_id: ::std::string::String,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(rename = "NodeID", default)]
        pub node_id: ::std::string::String,
        #[serde(rename = "Port", default)]
        pub port: i64,
        #[serde(rename = "ServiceName", default)]
        pub service_name: ::std::string::String,
        #[serde(rename = "Tags", skip_serializing_if = "::std::option::Option::is_none")]
        pub tags: ::std::option::Option<::std::vec::Vec<::std::string::String>>,
    }
    ///One key, as JSON Web Keys are.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct SigningKey {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub alg: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub crv: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub e: ::std::option::Option<::std::string::String>,
        pub kid: ::std::string::String,
        pub kty: ::std::string::String,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub n: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub x: ::std::option::Option<::std::string::String>,
    }
    ///A set of keys.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct SigningKeys {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub keys: ::std::option::Option<::std::vec::Vec<SigningKey>>,
    }
    ///Something that happened to a task.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct TaskEvent {
        #[serde(
            rename = "Details",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub details: ::std::option::Option<
            ::std::collections::HashMap<::std::string::String, ::std::string::String>,
        >,
        #[serde(rename = "DisplayMessage", default)]
        pub display_message: ::std::string::String,
        #[serde(rename = "DownloadError", default)]
        pub download_error: ::std::string::String,
        #[serde(rename = "DriverError", default)]
        pub driver_error: ::std::string::String,
        #[serde(rename = "ExitCode", default)]
        pub exit_code: i64,
        #[serde(rename = "FailsTask", default)]
        pub fails_task: bool,
        #[serde(rename = "KillError", default)]
        pub kill_error: ::std::string::String,
        #[serde(rename = "KillReason", default)]
        pub kill_reason: ::std::string::String,
        #[serde(rename = "Message", default)]
        pub message: ::std::string::String,
        #[serde(rename = "RestartReason", default)]
        pub restart_reason: ::std::string::String,
        #[serde(rename = "SetupError", default)]
        pub setup_error: ::std::string::String,
        #[serde(rename = "Signal", default)]
        pub signal: i64,
        #[serde(rename = "StartDelay", default)]
        pub start_delay: i64,
        #[serde(rename = "Time", default)]
        pub time: i64,
        #[serde(rename = "Type", default)]
        pub type_: ::std::string::String,
        #[serde(rename = "ValidationError", default)]
        pub validation_error: ::std::string::String,
        #[serde(rename = "VaultError", default)]
        pub vault_error: ::std::string::String,
    }
    ///What a task does.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
    pub struct TaskState {
        #[serde(
            rename = "Events",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub events: ::std::option::Option<::std::vec::Vec<TaskEvent>>,
        #[serde(rename = "Failed", default)]
        pub failed: bool,
        #[serde(
            rename = "FinishedAt",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub finished_at: ::std::option::Option<::std::string::String>,
        #[serde(
            rename = "LastRestart",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub last_restart: ::std::option::Option<::std::string::String>,
        #[serde(rename = "Paused", default)]
        pub paused: ::std::string::String,
        #[serde(rename = "Restarts", default)]
        pub restarts: u64,
        #[serde(
            rename = "StartedAt",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub started_at: ::std::option::Option<::std::string::String>,
        #[serde(rename = "State", default)]
        pub state: ::std::string::String,
        #[serde(
            rename = "TaskHandle",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub task_handle: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
    }
    ///A variable without its values.
    #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, PartialEq)]
    pub struct VariableMetadata {
        #[serde(rename = "CreateIndex", default)]
        pub create_index: u64,
        #[serde(rename = "CreateTime", default)]
        pub create_time: i64,
        #[serde(rename = "Lock", skip_serializing_if = "::std::option::Option::is_none")]
        pub lock: ::std::option::Option<
            ::serde_json::Map<::std::string::String, ::serde_json::Value>,
        >,
        #[serde(rename = "ModifyIndex", default)]
        pub modify_index: u64,
        #[serde(rename = "ModifyTime", default)]
        pub modify_time: i64,
        #[serde(rename = "Namespace", default)]
        pub namespace: ::std::string::String,
        #[serde(rename = "Path")]
        pub path: ::std::string::String,
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
/**Client for Nomad, as far as Roost speaks to it

Client of Nomad's HTTP API, for what Roost asks of it.

Version: 1.11.1*/
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
        "1.11.1"
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
    /**Jobs, as stubs

Sends a `GET` request to `/v1/jobs`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `meta`
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        meta: Option<bool>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::JobStub>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/jobs", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("meta", &meta))
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "job_list",
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
    /**Registers a job; with EnforceIndex only over the version that JobModifyIndex names (0: none yet)

Sends a `PUT` request to `/v1/jobs`

*/
    pub async fn job_register<'a>(
        &'a self,
        body: &'a types::JobRegisterRequest,
    ) -> Result<ResponseValue<types::JobRegisterResponse>, Error<ByteStream>> {
        let url = format!("{}/v1/jobs", self.baseurl,);
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
            operation_id: "job_register",
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
    /**HCL to JSON, by Nomad's own parser

Sends a `PUT` request to `/v1/jobs/parse`

*/
    pub async fn job_parse<'a>(
        &'a self,
        body: &'a types::JobParseRequest,
    ) -> Result<ResponseValue<crate::nomad::Job>, Error<ByteStream>> {
        let url = format!("{}/v1/jobs/parse", self.baseurl,);
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
            operation_id: "job_parse",
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
    /**Jobs with their allocations in one answer

Sends a `GET` request to `/v1/jobs/statuses`

Arguments:
- `filter`: an expression over the fields
- `include_children`
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_statuses<'a>(
        &'a self,
        filter: Option<&'a str>,
        include_children: Option<bool>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::JobStatusStub>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/jobs/statuses", self.baseurl,);
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
            .query(
                &progenitor_client::QueryParam::new(
                    "include_children",
                    &include_children,
                ),
            )
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "job_statuses",
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
    /**What is wrong with a job, before anything is registered

Sends a `PUT` request to `/v1/validate/job`

*/
    pub async fn job_validate<'a>(
        &'a self,
        body: &'a types::JobValidateRequest,
    ) -> Result<ResponseValue<types::JobValidateResponse>, Error<ByteStream>> {
        let url = format!("{}/v1/validate/job", self.baseurl,);
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
            operation_id: "job_validate",
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
    /**One job, as Nomad keeps it

Sends a `GET` request to `/v1/job/{job_id}`

Arguments:
- `job_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_read<'a>(
        &'a self,
        job_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<crate::nomad::Job>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_read",
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
    /**Stops a job; with purge it is also forgotten

Sends a `DELETE` request to `/v1/job/{job_id}`

*/
    pub async fn job_stop<'a>(
        &'a self,
        job_id: &'a str,
        global: Option<bool>,
        purge: Option<bool>,
    ) -> Result<ResponseValue<types::JobDeregisterResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}", self.baseurl, encode_path(& job_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("global", &global))
            .query(&progenitor_client::QueryParam::new("purge", &purge))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "job_stop",
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
    /**What registering would do

Sends a `PUT` request to `/v1/job/{job_id}/plan`

*/
    pub async fn job_plan<'a>(
        &'a self,
        job_id: &'a str,
        body: &'a types::JobPlanRequest,
    ) -> Result<ResponseValue<types::JobPlanResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/plan", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_plan",
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
    /**Registers an earlier version again

Sends a `PUT` request to `/v1/job/{job_id}/revert`

*/
    pub async fn job_revert<'a>(
        &'a self,
        job_id: &'a str,
        body: &'a types::JobRevertRequest,
    ) -> Result<ResponseValue<types::JobRegisterResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/revert", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_revert",
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
    /**Counts of a job's groups, wanted and running

Sends a `GET` request to `/v1/job/{job_id}/scale`

Arguments:
- `job_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_scale_status<'a>(
        &'a self,
        job_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::JobScaleStatusResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/scale", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_scale_status",
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
    /**Changes the count of one group

Sends a `PUT` request to `/v1/job/{job_id}/scale`

*/
    pub async fn job_scale<'a>(
        &'a self,
        job_id: &'a str,
        body: &'a types::ScalingRequest,
    ) -> Result<ResponseValue<types::JobRegisterResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/scale", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_scale",
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
    /**Starts a parameterised job once

Sends a `PUT` request to `/v1/job/{job_id}/dispatch`

*/
    pub async fn job_dispatch<'a>(
        &'a self,
        job_id: &'a str,
        idempotency_token: Option<&'a str>,
        body: &'a types::JobDispatchRequest,
    ) -> Result<ResponseValue<types::JobDispatchResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/dispatch", self.baseurl, encode_path(& job_id.to_string()),
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
            .query(
                &progenitor_client::QueryParam::new(
                    "idempotency_token",
                    &idempotency_token,
                ),
            )
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "job_dispatch",
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
    /**Asks the scheduler to look at a job again

Sends a `PUT` request to `/v1/job/{job_id}/evaluate`

*/
    pub async fn job_evaluate<'a>(
        &'a self,
        job_id: &'a str,
        body: &'a types::JobEvaluateRequest,
    ) -> Result<ResponseValue<types::JobRegisterResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/evaluate", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_evaluate",
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
    /**Marks a version as one to revert to

Sends a `PUT` request to `/v1/job/{job_id}/stable`

*/
    pub async fn job_stable<'a>(
        &'a self,
        job_id: &'a str,
        body: &'a types::JobStabilityRequest,
    ) -> Result<ResponseValue<types::JobStabilityResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/stable", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_stable",
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
    /**Starts a periodic job now

Sends a `PUT` request to `/v1/job/{job_id}/periodic/force`

*/
    pub async fn job_periodic_force<'a>(
        &'a self,
        job_id: &'a str,
    ) -> Result<ResponseValue<types::PeriodicForceResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/periodic/force", self.baseurl, encode_path(& job_id
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
            operation_id: "job_periodic_force",
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
    /**Every version that Nomad still keeps, newest first

Sends a `GET` request to `/v1/job/{job_id}/versions`

Arguments:
- `job_id`
- `diffs`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_versions<'a>(
        &'a self,
        job_id: &'a str,
        diffs: Option<bool>,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::JobVersionsResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/versions", self.baseurl, encode_path(& job_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("diffs", &diffs))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "job_versions",
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
    /**Allocations of a job, counted by state

Sends a `GET` request to `/v1/job/{job_id}/summary`

Arguments:
- `job_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_summary<'a>(
        &'a self,
        job_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::JobSummary>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/job/{}/summary", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_summary",
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
    /**A job's allocations

Sends a `GET` request to `/v1/job/{job_id}/allocations`

Arguments:
- `job_id`
- `all`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_allocations<'a>(
        &'a self,
        job_id: &'a str,
        all: Option<bool>,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::AllocationStub>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/job/{}/allocations", self.baseurl, encode_path(& job_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("all", &all))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "job_allocations",
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
    /**A job's evaluations

Sends a `GET` request to `/v1/job/{job_id}/evaluations`

Arguments:
- `job_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_evaluations<'a>(
        &'a self,
        job_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Evaluation>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/job/{}/evaluations", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_evaluations",
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
    /**A job's deployments

Sends a `GET` request to `/v1/job/{job_id}/deployments`

Arguments:
- `job_id`
- `all`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_deployments<'a>(
        &'a self,
        job_id: &'a str,
        all: Option<bool>,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Deployment>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/job/{}/deployments", self.baseurl, encode_path(& job_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("all", &all))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "job_deployments",
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
    /**A job's latest deployment; null when it has none

Sends a `GET` request to `/v1/job/{job_id}/deployment`

Arguments:
- `job_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_deployment<'a>(
        &'a self,
        job_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<types::Deployment>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/job/{}/deployment", self.baseurl, encode_path(& job_id.to_string()),
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
            operation_id: "job_deployment",
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
    /**The source that a version was submitted as

Sends a `GET` request to `/v1/job/{job_id}/submission`

Arguments:
- `job_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `version`
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn job_submission<'a>(
        &'a self,
        job_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        version: u64,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<types::JobSubmission>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/job/{}/submission", self.baseurl, encode_path(& job_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("version", &version))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "job_submission",
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
    /**Allocations, as stubs

Sends a `GET` request to `/v1/allocations`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `task_states`
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn allocation_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        task_states: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::AllocationStub>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/allocations", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("task_states", &task_states))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "allocation_list",
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
    /**One allocation with its job

Sends a `GET` request to `/v1/allocation/{alloc_id}`

Arguments:
- `alloc_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn allocation_read<'a>(
        &'a self,
        alloc_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::Allocation>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/allocation/{}", self.baseurl, encode_path(& alloc_id.to_string()),
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
            operation_id: "allocation_read",
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
    /**Services that an allocation registered in Nomad

Sends a `GET` request to `/v1/allocation/{alloc_id}/services`

Arguments:
- `alloc_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn allocation_services<'a>(
        &'a self,
        alloc_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<
            ::std::option::Option<::std::vec::Vec<types::ServiceRegistration>>,
        >,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/allocation/{}/services", self.baseurl, encode_path(& alloc_id
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
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "allocation_services",
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
    /**Results of Nomad's own checks of an allocation

Sends a `GET` request to `/v1/allocation/{alloc_id}/checks`

*/
    pub async fn allocation_checks<'a>(
        &'a self,
        alloc_id: &'a str,
    ) -> Result<
        ResponseValue<::std::option::Option<types::FreeMap>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/allocation/{}/checks", self.baseurl, encode_path(& alloc_id
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
            operation_id: "allocation_checks",
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
    /**Stops an allocation; the scheduler replaces it

Sends a `PUT` request to `/v1/allocation/{alloc_id}/stop`

*/
    pub async fn allocation_stop<'a>(
        &'a self,
        alloc_id: &'a str,
    ) -> Result<ResponseValue<types::EvaluationCreated>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/allocation/{}/stop", self.baseurl, encode_path(& alloc_id
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
            operation_id: "allocation_stop",
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
    /**Restarts one task or all of an allocation, in place

Sends a `PUT` request to `/v1/client/allocation/{alloc_id}/restart`

*/
    pub async fn allocation_restart<'a>(
        &'a self,
        alloc_id: &'a str,
        body: &'a types::AllocationRestartRequest,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/client/allocation/{}/restart", self.baseurl, encode_path(& alloc_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "allocation_restart",
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
    /**Sends a signal to one task or all

Sends a `PUT` request to `/v1/client/allocation/{alloc_id}/signal`

*/
    pub async fn allocation_signal<'a>(
        &'a self,
        alloc_id: &'a str,
        body: &'a types::AllocationSignalRequest,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/client/allocation/{}/signal", self.baseurl, encode_path(& alloc_id
            .to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "allocation_signal",
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
    /**What an allocation uses now; zeros when it is dead

Sends a `GET` request to `/v1/client/allocation/{alloc_id}/stats`

*/
    pub async fn allocation_stats<'a>(
        &'a self,
        alloc_id: &'a str,
    ) -> Result<ResponseValue<types::FreeObject>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/client/allocation/{}/stats", self.baseurl, encode_path(& alloc_id
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
            operation_id: "allocation_stats",
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
    /**Results of Nomad's own checks, from the client

Sends a `GET` request to `/v1/client/allocation/{alloc_id}/checks`

*/
    pub async fn allocation_check_results<'a>(
        &'a self,
        alloc_id: &'a str,
    ) -> Result<
        ResponseValue<::std::option::Option<types::FreeMap>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/client/allocation/{}/checks", self.baseurl, encode_path(& alloc_id
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
            operation_id: "allocation_check_results",
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
    /**Output of a task; with follow it does not end

Sends a `GET` request to `/v1/client/fs/logs/{alloc_id}`

*/
    pub async fn log_stream<'a>(
        &'a self,
        alloc_id: &'a str,
        follow: Option<bool>,
        offset: Option<i64>,
        origin: Option<&'a str>,
        plain: Option<bool>,
        task: &'a str,
        type_: &'a str,
    ) -> Result<ResponseValue<ByteStream>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/client/fs/logs/{}", self.baseurl, encode_path(& alloc_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("follow", &follow))
            .query(&progenitor_client::QueryParam::new("offset", &offset))
            .query(&progenitor_client::QueryParam::new("origin", &origin))
            .query(&progenitor_client::QueryParam::new("plain", &plain))
            .query(&progenitor_client::QueryParam::new("task", &task))
            .query(&progenitor_client::QueryParam::new("type", &type_))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "log_stream",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Files of an allocation

Sends a `GET` request to `/v1/client/fs/ls/{alloc_id}`

*/
    pub async fn file_list<'a>(
        &'a self,
        alloc_id: &'a str,
        path: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::FileInfo>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/client/fs/ls/{}", self.baseurl, encode_path(& alloc_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("path", &path))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_list",
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
    /**One file of an allocation

Sends a `GET` request to `/v1/client/fs/stat/{alloc_id}`

*/
    pub async fn file_stat<'a>(
        &'a self,
        alloc_id: &'a str,
        path: Option<&'a str>,
    ) -> Result<ResponseValue<types::FileInfo>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/client/fs/stat/{}", self.baseurl, encode_path(& alloc_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("path", &path))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_stat",
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
    /**The bytes of a file

Sends a `GET` request to `/v1/client/fs/cat/{alloc_id}`

*/
    pub async fn file_read<'a>(
        &'a self,
        alloc_id: &'a str,
        path: &'a str,
    ) -> Result<ResponseValue<ByteStream>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/client/fs/cat/{}", self.baseurl, encode_path(& alloc_id.to_string()),
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
            .query(&progenitor_client::QueryParam::new("path", &path))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_read",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Some bytes of a file

Sends a `GET` request to `/v1/client/fs/readat/{alloc_id}`

*/
    pub async fn file_read_at<'a>(
        &'a self,
        alloc_id: &'a str,
        limit: i64,
        offset: i64,
        path: &'a str,
    ) -> Result<ResponseValue<ByteStream>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/client/fs/readat/{}", self.baseurl, encode_path(& alloc_id
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
            .query(&progenitor_client::QueryParam::new("limit", &limit))
            .query(&progenitor_client::QueryParam::new("offset", &offset))
            .query(&progenitor_client::QueryParam::new("path", &path))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_read_at",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**A file as frames; with follow it does not end

Sends a `GET` request to `/v1/client/fs/stream/{alloc_id}`

*/
    pub async fn file_stream<'a>(
        &'a self,
        alloc_id: &'a str,
        follow: Option<bool>,
        offset: Option<i64>,
        origin: Option<&'a str>,
        path: &'a str,
    ) -> Result<ResponseValue<ByteStream>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/client/fs/stream/{}", self.baseurl, encode_path(& alloc_id
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
            .query(&progenitor_client::QueryParam::new("follow", &follow))
            .query(&progenitor_client::QueryParam::new("offset", &offset))
            .query(&progenitor_client::QueryParam::new("origin", &origin))
            .query(&progenitor_client::QueryParam::new("path", &path))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "file_stream",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Deployments

Sends a `GET` request to `/v1/deployments`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn deployment_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Deployment>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/deployments", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "deployment_list",
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
    /**One deployment

Sends a `GET` request to `/v1/deployment/{deployment_id}`

Arguments:
- `deployment_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn deployment_read<'a>(
        &'a self,
        deployment_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::Deployment>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/deployment/{}", self.baseurl, encode_path(& deployment_id
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
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "deployment_read",
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
    /**Allocations of a deployment

Sends a `GET` request to `/v1/deployment/allocations/{deployment_id}`

Arguments:
- `deployment_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn deployment_allocations<'a>(
        &'a self,
        deployment_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::AllocationStub>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/deployment/allocations/{}", self.baseurl, encode_path(& deployment_id
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
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "deployment_allocations",
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
    /**Promotes canaries

Sends a `PUT` request to `/v1/deployment/promote/{deployment_id}`

*/
    pub async fn deployment_promote<'a>(
        &'a self,
        deployment_id: &'a str,
        body: &'a types::DeploymentPromoteRequest,
    ) -> Result<ResponseValue<types::DeploymentUpdateResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/deployment/promote/{}", self.baseurl, encode_path(& deployment_id
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
            operation_id: "deployment_promote",
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
    /**Gives a deployment up

Sends a `PUT` request to `/v1/deployment/fail/{deployment_id}`

*/
    pub async fn deployment_fail<'a>(
        &'a self,
        deployment_id: &'a str,
    ) -> Result<ResponseValue<types::DeploymentUpdateResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/deployment/fail/{}", self.baseurl, encode_path(& deployment_id
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
            operation_id: "deployment_fail",
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
    /**Pauses a deployment, or lets it go on

Sends a `PUT` request to `/v1/deployment/pause/{deployment_id}`

*/
    pub async fn deployment_pause<'a>(
        &'a self,
        deployment_id: &'a str,
        body: &'a types::DeploymentPauseRequest,
    ) -> Result<ResponseValue<types::DeploymentUpdateResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/deployment/pause/{}", self.baseurl, encode_path(& deployment_id
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
            operation_id: "deployment_pause",
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
    /**Lets a deployment that waits for another region go on

Sends a `PUT` request to `/v1/deployment/unblock/{deployment_id}`

*/
    pub async fn deployment_unblock<'a>(
        &'a self,
        deployment_id: &'a str,
        body: &'a types::DeploymentUnblockRequest,
    ) -> Result<ResponseValue<types::DeploymentUpdateResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/deployment/unblock/{}", self.baseurl, encode_path(& deployment_id
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
            operation_id: "deployment_unblock",
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
    /**Evaluations

Sends a `GET` request to `/v1/evaluations`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `job`
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `status`
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn evaluation_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        job: Option<&'a str>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        status: Option<&'a str>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Evaluation>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/evaluations", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("job", &job))
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("status", &status))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "evaluation_list",
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
    /**How many evaluations a filter finds

Sends a `GET` request to `/v1/evaluations/count`

*/
    pub async fn evaluation_count<'a>(
        &'a self,
        filter: Option<&'a str>,
    ) -> Result<ResponseValue<types::CountResponse>, Error<ByteStream>> {
        let url = format!("{}/v1/evaluations/count", self.baseurl,);
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
            operation_id: "evaluation_count",
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
    /**One evaluation

Sends a `GET` request to `/v1/evaluation/{eval_id}`

Arguments:
- `eval_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn evaluation_read<'a>(
        &'a self,
        eval_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::Evaluation>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/evaluation/{}", self.baseurl, encode_path(& eval_id.to_string()),
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
            operation_id: "evaluation_read",
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
    /**Allocations that an evaluation made or changed

Sends a `GET` request to `/v1/evaluation/{eval_id}/allocations`

Arguments:
- `eval_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn evaluation_allocations<'a>(
        &'a self,
        eval_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::AllocationStub>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/evaluation/{}/allocations", self.baseurl, encode_path(& eval_id
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
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "evaluation_allocations",
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
    /**Nodes, as stubs

Sends a `GET` request to `/v1/nodes`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `resources`
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn node_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        resources: Option<bool>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::NodeStub>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/nodes", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("resources", &resources))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "node_list",
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
    /**One node

Sends a `GET` request to `/v1/node/{node_id}`

Arguments:
- `node_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn node_read<'a>(
        &'a self,
        node_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<types::Node>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/node/{}", self.baseurl, encode_path(& node_id.to_string()),
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
            operation_id: "node_read",
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
    /**Allocations on a node

Sends a `GET` request to `/v1/node/{node_id}/allocations`

Arguments:
- `node_id`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn node_allocations<'a>(
        &'a self,
        node_id: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Allocation>>>,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/node/{}/allocations", self.baseurl, encode_path(& node_id
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
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "node_allocations",
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
    /**Moves a node's allocations away, or ends that

Sends a `PUT` request to `/v1/node/{node_id}/drain`

*/
    pub async fn node_drain<'a>(
        &'a self,
        node_id: &'a str,
        body: &'a types::NodeDrainRequest,
    ) -> Result<ResponseValue<types::NodeUpdateResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/node/{}/drain", self.baseurl, encode_path(& node_id.to_string()),
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
            operation_id: "node_drain",
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
    /**Whether a node may get allocations

Sends a `PUT` request to `/v1/node/{node_id}/eligibility`

*/
    pub async fn node_eligibility<'a>(
        &'a self,
        node_id: &'a str,
        body: &'a types::NodeEligibilityRequest,
    ) -> Result<ResponseValue<types::NodeUpdateResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/node/{}/eligibility", self.baseurl, encode_path(& node_id
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
            operation_id: "node_eligibility",
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
    /**Asks the scheduler to look at everything on a node

Sends a `PUT` request to `/v1/node/{node_id}/evaluate`

*/
    pub async fn node_evaluate<'a>(
        &'a self,
        node_id: &'a str,
    ) -> Result<ResponseValue<types::NodeUpdateResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/node/{}/evaluate", self.baseurl, encode_path(& node_id.to_string()),
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
            operation_id: "node_evaluate",
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
    /**Forgets a node

Sends a `PUT` request to `/v1/node/{node_id}/purge`

*/
    pub async fn node_purge<'a>(
        &'a self,
        node_id: &'a str,
    ) -> Result<ResponseValue<types::NodeUpdateResponse>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/node/{}/purge", self.baseurl, encode_path(& node_id.to_string()),
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
            operation_id: "node_purge",
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
    /**Node pools

Sends a `GET` request to `/v1/node/pools`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn node_pool_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::NodePool>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/node/pools", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "node_pool_list",
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
    /**What a node's host uses now

Sends a `GET` request to `/v1/client/stats`

*/
    pub async fn node_stats<'a>(
        &'a self,
        node_id: &'a str,
    ) -> Result<ResponseValue<types::FreeObject>, Error<ByteStream>> {
        let url = format!("{}/v1/client/stats", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("node_id", &node_id))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "node_stats",
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
    /**Regions

Sends a `GET` request to `/v1/regions`

*/
    pub async fn region_list<'a>(
        &'a self,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<::std::string::String>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/regions", self.baseurl,);
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
            operation_id: "region_list",
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
    /**Whether this agent can do its work

Sends a `GET` request to `/v1/agent/health`

*/
    pub async fn agent_health<'a>(
        &'a self,
        type_: Option<&'a str>,
    ) -> Result<ResponseValue<types::AgentHealth>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/health", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("type", &type_))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "agent_health",
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
    /**Servers as gossip knows them

Sends a `GET` request to `/v1/agent/members`

*/
    pub async fn agent_members<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::AgentMembers>, Error<ByteStream>> {
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
    /**Keys that gossip is encrypted with

Sends a `GET` request to `/v1/agent/keyring/list`

*/
    pub async fn keyring_list<'a>(
        &'a self,
    ) -> Result<ResponseValue<crate::gossip::Ring>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/keyring/list", self.baseurl,);
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
    /**Has every server take one more key

Sends a `PUT` request to `/v1/agent/keyring/install`

*/
    pub async fn keyring_install<'a>(
        &'a self,
        body: &'a crate::gossip::GossipKey,
    ) -> Result<ResponseValue<crate::gossip::Ring>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/keyring/install", self.baseurl,);
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
            operation_id: "keyring_install",
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
    /**Has every server encrypt with a key

Sends a `PUT` request to `/v1/agent/keyring/use`

*/
    pub async fn keyring_use<'a>(
        &'a self,
        body: &'a crate::gossip::GossipKey,
    ) -> Result<ResponseValue<crate::gossip::Ring>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/keyring/use", self.baseurl,);
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
            operation_id: "keyring_use",
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
    /**Has every server forget a key

Sends a `PUT` request to `/v1/agent/keyring/remove`

*/
    pub async fn keyring_remove<'a>(
        &'a self,
        body: &'a crate::gossip::GossipKey,
    ) -> Result<ResponseValue<crate::gossip::Ring>, Error<ByteStream>> {
        let url = format!("{}/v1/agent/keyring/remove", self.baseurl,);
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
            operation_id: "keyring_remove",
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
    /**Telemetry

Sends a `GET` request to `/v1/metrics`

*/
    pub async fn metrics<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::FreeObject>, Error<ByteStream>> {
        let url = format!("{}/v1/metrics", self.baseurl,);
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
            operation_id: "metrics",
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
    /**How the scheduler is configured

Sends a `GET` request to `/v1/operator/scheduler/configuration`

*/
    pub async fn scheduler_configuration<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::FreeObject>, Error<ByteStream>> {
        let url = format!("{}/v1/operator/scheduler/configuration", self.baseurl,);
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
            operation_id: "scheduler_configuration",
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
    /**Forgets what is dead

Sends a `PUT` request to `/v1/system/gc`

*/
    pub async fn system_gc<'a>(
        &'a self,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!("{}/v1/system/gc", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "system_gc",
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
    /**Changes as they happen, a line of JSON each; {} is a heartbeat

Sends a `GET` request to `/v1/event/stream`

*/
    pub async fn event_stream<'a>(
        &'a self,
        index: Option<u64>,
        topic: Option<&'a ::std::vec::Vec<::std::string::String>>,
    ) -> Result<ResponseValue<ByteStream>, Error<ByteStream>> {
        let url = format!("{}/v1/event/stream", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("topic", &topic))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "event_stream",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => Ok(ResponseValue::stream(response)),
            400u16..=499u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            500u16..=599u16 => Err(Error::ErrorResponse(ResponseValue::stream(response))),
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
    /**Variables, without their values

Sends a `GET` request to `/v1/vars`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn variable_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::VariableMetadata>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/vars", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "variable_list",
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
    /**One variable with its values

Sends a `GET` request to `/v1/var/{var_path}`

Arguments:
- `var_path`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn variable_read<'a>(
        &'a self,
        var_path: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<ResponseValue<crate::nomad::Variable>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/var/{}", self.baseurl, encode_path(& var_path.to_string()),
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
            operation_id: "variable_read",
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
    /**Writes a variable; with cas only over that version (0: none yet)

Sends a `PUT` request to `/v1/var/{var_path}`

*/
    pub async fn variable_write<'a>(
        &'a self,
        var_path: &'a str,
        cas: Option<u64>,
        body: &'a crate::nomad::Variable,
    ) -> Result<ResponseValue<crate::nomad::Variable>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/var/{}", self.baseurl, encode_path(& var_path.to_string()),
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
            .query(&progenitor_client::QueryParam::new("cas", &cas))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "variable_write",
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
    /**Deletes a variable

Sends a `DELETE` request to `/v1/var/{var_path}`

*/
    pub async fn variable_delete<'a>(
        &'a self,
        var_path: &'a str,
        cas: Option<u64>,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/var/{}", self.baseurl, encode_path(& var_path.to_string()),
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
            .query(&progenitor_client::QueryParam::new("cas", &cas))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "variable_delete",
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
    /**Services that are registered in Nomad

Sends a `GET` request to `/v1/services`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn service_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::ServiceNamespace>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/services", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "service_list",
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
    /**Instances of a service that is registered in Nomad

Sends a `GET` request to `/v1/service/{service_name}`

Arguments:
- `service_name`
- `index`: answer only when something is newer than this
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn service_read<'a>(
        &'a self,
        service_name: &'a str,
        index: Option<u64>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<
            ::std::option::Option<::std::vec::Vec<types::ServiceRegistration>>,
        >,
        Error<ByteStream>,
    > {
        let url = format!(
            "{}/v1/service/{}", self.baseurl, encode_path(& service_name.to_string()),
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
            operation_id: "service_read",
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
    /**Namespaces

Sends a `GET` request to `/v1/namespaces`

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn namespace_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        wait: Option<&'a str>,
    ) -> Result<
        ResponseValue<::std::option::Option<::std::vec::Vec<types::Namespace>>>,
        Error<ByteStream>,
    > {
        let url = format!("{}/v1/namespaces", self.baseurl,);
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
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "namespace_list",
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
    /**Objects whose id begins so

Sends a `PUT` request to `/v1/search`

*/
    pub async fn search<'a>(
        &'a self,
        body: &'a types::SearchRequest,
    ) -> Result<ResponseValue<types::SearchResponse>, Error<ByteStream>> {
        let url = format!("{}/v1/search", self.baseurl,);
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
            operation_id: "search",
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
        body: &'a crate::nomad::AclBootstrap,
    ) -> Result<ResponseValue<crate::nomad::AclToken>, Error<ByteStream>> {
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
    /**The token that asks

Sends a `GET` request to `/v1/acl/token/self`

*/
    pub async fn acl_token_self<'a>(
        &'a self,
    ) -> Result<ResponseValue<crate::nomad::AclToken>, Error<ByteStream>> {
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
    /**Makes a token

Sends a `PUT` request to `/v1/acl/token`

*/
    pub async fn acl_token_create<'a>(
        &'a self,
        body: &'a crate::nomad::NewToken,
    ) -> Result<ResponseValue<crate::nomad::AclToken>, Error<ByteStream>> {
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
    /**Revokes a token

Sends a `DELETE` request to `/v1/acl/token/{accessor_id}`

*/
    pub async fn acl_token_delete<'a>(
        &'a self,
        accessor_id: &'a str,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
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
        let mut request = self.client.delete(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "acl_token_delete",
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
    /**Introduces a node, which may then register

Sends a `PUT` request to `/v1/acl/identity/client-introduction-token`

*/
    pub async fn acl_introduce_client<'a>(
        &'a self,
        body: &'a types::ClientIntroduction,
    ) -> Result<ResponseValue<crate::nomad::Introduced>, Error<ByteStream>> {
        let url = format!("{}/v1/acl/identity/client-introduction-token", self.baseurl,);
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
            operation_id: "acl_introduce_client",
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
    /**The keys by which a workload's identity is checked

Sends a `GET` request to `/.well-known/jwks.json`

*/
    pub async fn signing_keys<'a>(
        &'a self,
    ) -> Result<ResponseValue<types::SigningKeys>, Error<ByteStream>> {
        let url = format!("{}/.well-known/jwks.json", self.baseurl,);
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
            operation_id: "signing_keys",
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

Arguments:
- `filter`: an expression over the fields
- `index`: answer only when something is newer than this
- `next_token`: where the next page begins
- `per_page`: how many at most
- `prefix`: only ids that begin so
- `stale`: whether any server may answer, not only the leader
- `wait`: but answer after this long in any case, such as 30s
*/
    pub async fn acl_token_list<'a>(
        &'a self,
        filter: Option<&'a str>,
        index: Option<u64>,
        next_token: Option<&'a str>,
        per_page: Option<i32>,
        prefix: Option<&'a str>,
        stale: Option<bool>,
        wait: Option<&'a str>,
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
            .query(&progenitor_client::QueryParam::new("filter", &filter))
            .query(&progenitor_client::QueryParam::new("index", &index))
            .query(&progenitor_client::QueryParam::new("next_token", &next_token))
            .query(&progenitor_client::QueryParam::new("per_page", &per_page))
            .query(&progenitor_client::QueryParam::new("prefix", &prefix))
            .query(&progenitor_client::QueryParam::new("stale", &stale))
            .query(&progenitor_client::QueryParam::new("wait", &wait))
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
    /**Makes or replaces a policy

Sends a `PUT` request to `/v1/acl/policy/{policy_name}`

*/
    pub async fn acl_policy_write<'a>(
        &'a self,
        policy_name: &'a str,
        body: &'a types::AclPolicy,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/policy/{}", self.baseurl, encode_path(& policy_name.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.put(url).json(&body).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "acl_policy_write",
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
    /**Deletes a policy

Sends a `DELETE` request to `/v1/acl/policy/{policy_name}`

*/
    pub async fn acl_policy_delete<'a>(
        &'a self,
        policy_name: &'a str,
    ) -> Result<ResponseValue<()>, Error<ByteStream>> {
        let url = format!(
            "{}/v1/acl/policy/{}", self.baseurl, encode_path(& policy_name.to_string()),
        );
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self.client.delete(url).headers(header_map).build()?;
        let info = OperationInfo {
            operation_id: "acl_policy_delete",
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
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    #[allow(unused_imports)]
    pub use super::Client;
}
