//! Who may do what: the policies as both agents read them, and who vouches for what a job runs.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use vocabulary::NodeId;

use crate::{
    consul::{AclAuthMethod, AclBindingRule, AclPolicyRequest},
    nomad::{self, SigningKey},
};

/// What a node's Nomad may ask its Consul: to look. What it runs is registered by the job's own identity.
pub(super) const NOMAD_AGENT: &str = "roost-nomad-agent";
const NOMAD_AGENT_RULES: &str = r#"agent_prefix "" { policy = "read" }
node_prefix "" { policy = "read" }
service_prefix "" { policy = "read" }
"#;

/// What the daemon does in Consul every day: it looks, forgets nodes that are gone, and has keys of its own.
pub(super) const DAEMON: &str = "roost-daemon";
const CONSUL_DAEMON_RULES: &str = r#"agent_prefix "" { policy = "read" }
node_prefix "" { policy = "write" }
service_prefix "" { policy = "read" }
session_prefix "" { policy = "write" }
key_prefix "roost/" { policy = "write" }
operator = "read"
"#;

/// What the daemon does in Nomad every day: jobs, nodes, variables. It changes no tokens and no servers.
const NOMAD_DAEMON_RULES: &str = r#"namespace "*" {
  policy = "write"
  variables {
    path "*" { capabilities = ["write", "read", "list", "destroy"] }
  }
}
node { policy = "write" }
agent { policy = "read" }
operator { policy = "read" }
"#;

/// What a task may ask Consul: to find services.
const TASKS: &str = "roost-nomad-tasks";
const TASKS_RULES: &str = r#"node_prefix "" { policy = "read" }
service_prefix "" { policy = "read" }
"#;

/// What Nomad's workload identities log in to Consul with.
pub(super) const WORKLOADS: &str = "roost-nomad-workloads";
/// For whom those identities are made.
pub(super) const AUDIENCE: &str = "consul.io";

/// Consul's policies.
pub(super) fn consul_policies() -> Vec<AclPolicyRequest> {
    let policy = |name: &str, description: &str, rules: &str| AclPolicyRequest {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        rules: rules.to_owned(),
    };
    vec![
        policy(NOMAD_AGENT, "Roost: a node's Nomad agent looks", NOMAD_AGENT_RULES),
        policy(DAEMON, "Roost: the daemon", CONSUL_DAEMON_RULES),
        policy(TASKS, "Roost: a task finds services", TASKS_RULES),
    ]
}

/// The policy of one node's Nomad: it may take these services away.
pub(super) fn node_policy(node: &NodeId, services: &BTreeSet<String>) -> AclPolicyRequest {
    // What Consul took as a service's name may hold a quote; such a one is left out, not let into the rules.
    let plain = |name: &&String| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let rule = |name: &String| format!("service \"{name}\" {{ policy = \"write\" }}\n");
    AclPolicyRequest {
        name: node_policy_name(node),
        description: Some(format!("Roost: what {node} runs")),
        rules: services.iter().filter(plain).map(rule).collect(),
    }
}

pub(super) fn node_policy_name(node: &NodeId) -> String {
    format!("roost-{node}")
}

/// Nomad's policy.
pub(super) fn nomad_policy() -> nomad::AclPolicy {
    nomad::AclPolicy {
        name: DAEMON.to_owned(),
        description: "Roost: the daemon".to_owned(),
        rules: NOMAD_DAEMON_RULES.to_owned(),
        job_acl: None,
    }
}

/// Nomad vouches for what it runs, by these keys. Given to Consul as keys and not as an address: Nomad's interface
/// answers nobody without a certificate, and Consul has none to show there.
pub(super) fn auth_method(keys: &[SigningKey]) -> AclAuthMethod {
    let keys: Vec<_> = keys.iter().filter_map(public_key).collect();
    let claims = ["nomad_namespace", "nomad_job_id", "nomad_task", "nomad_service"];
    let claims: Map<_, _> = claims.iter().map(|claim| ((*claim).to_owned(), json!(claim))).collect();
    let config = [
        ("JWTValidationPubKeys", json!(keys)),
        ("JWTSupportedAlgs", json!(["RS256"])),
        ("BoundAudiences", json!([AUDIENCE])),
        ("ClaimMappings", Value::Object(claims)),
    ];
    AclAuthMethod {
        name: WORKLOADS.to_owned(),
        type_: "jwt".to_owned(),
        description: Some("Roost: what Nomad runs".to_owned()),
        config: Some(config.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()),
        display_name: None,
        max_token_ttl: None,
        token_locality: Some("local".to_owned()),
    }
}

/// Whether Consul knows the keys already; it adds fields of its own to a method.
pub(super) fn same_keys(known: &AclAuthMethod, wanted: &AclAuthMethod) -> bool {
    let keys = |method: &AclAuthMethod| {
        serde_json::to_value(&method.config).unwrap_or_default()["JWTValidationPubKeys"].clone()
    };
    keys(known) == keys(wanted)
}

/// A service is itself and nothing else; a task looks.
pub(super) fn binding_rules() -> [AclBindingRule; 2] {
    let rule = |kind: &str, name: &str, selector: &str| AclBindingRule {
        auth_method: WORKLOADS.to_owned(),
        bind_type: kind.to_owned(),
        bind_name: name.to_owned(),
        selector: Some(selector.to_owned()),
        description: Some("Roost: what Nomad runs".to_owned()),
        id: None,
    };
    [
        rule("service", "${value.nomad_service}", "\"nomad_service\" in value"),
        rule("policy", TASKS, "\"nomad_service\" not in value"),
    ]
}

/// An RSA key as PEM; others are of no use to Consul here.
fn public_key(key: &SigningKey) -> Option<String> {
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    const RSA: &[u8] = &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let number = |text: &Option<String>| {
        let bytes = URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()?;
        // A leading zero where the number would be read as negative, and only there.
        let sign: &[u8] = if bytes.first()? & 0x80 == 0 { &[] } else { &[0] };
        Some(der(0x02, &[sign, bytes.as_slice()].concat()))
    };
    let pair = der(0x30, &[number(&key.n)?, number(&key.e)?].concat());
    let bits = der(0x03, &[&[0], pair.as_slice()].concat());
    let text = STANDARD.encode(der(0x30, &[RSA, bits.as_slice()].concat()));
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    Some(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
}

/// One value in DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(0x7f));
            out.extend(significant);
        }
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_name_writes_no_rule_of_its_own() {
        let services = ["web", "a\" {} operator = \"write"].map(str::to_owned).into();
        let node = "node-525400123456".parse().unwrap();
        assert_eq!(node_policy(&node, &services).rules, "service \"web\" { policy = \"write\" }\n");
    }

    #[test]
    fn lengths_are_short_or_long_as_der_has_them() {
        assert_eq!(der(0x02, &[1]), [0x02, 1, 1]);
        assert_eq!(der(0x04, &[0; 127])[..2], [0x04, 127]);
        assert_eq!(der(0x04, &[0; 128])[..3], [0x04, 0x81, 128]);
        assert_eq!(der(0x04, &[0; 300])[..4], [0x04, 0x82, 1, 44]);
    }
}
