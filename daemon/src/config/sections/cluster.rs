//! The keys of `[cluster]`, as sections.rs has those of the others.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use jobs::bootstrap::Label;

use crate::config::schema::{choice, section};

section! {
    /// Nomad and Consul. Without a cluster a machine is `ready` once its roles are verified.
    Cluster {
        /// Whose cluster.
        mode: ClusterMode = default r#""none""#;
        /// `own`: Consul's datacenter, and the one that Nomad's nodes are in; it stands in every certificate.
        datacenter: Label = default r#""dc1""#;
        /// `own`: Nomad's region; it stands in every certificate.
        region: Label = default r#""global""#;
        /// `own`: this host's address on the rack, where nodes reach the first server.
        advertise: Option<IpAddr> = optional r#""10.77.0.1""#;
        /// `own`: how long an agent's certificate lives; it is renewed when a third of that has passed.
        certificate_lifetime: Duration = default r#""30d""#;
        /// `own`: the program for the first server; else the one in PATH or where `scripts/agents` puts it.
        consul_program: Option<PathBuf> = optional r#""/usr/local/bin/consul""#;
        /// The same for Nomad.
        nomad_program: Option<PathBuf> = optional r#""/usr/local/bin/nomad""#;
        /// `join`: Consul's address; else `CONSUL_HTTP_ADDR`.
        consul: Option<String> = optional r#""https://10.0.0.5:8501""#;
        /// `join`: Nomad's address; else `NOMAD_ADDR`.
        nomad: Option<String> = optional r#""https://10.0.0.5:4646""#;
        /// `join`: whose certificates count, in PEM; else `CONSUL_CACERT` and `NOMAD_CACERT`.
        ca: Option<PathBuf> = optional r#""/etc/roost/cluster-ca.pem""#;
        /// `join`: Roost's own certificate with its chain, where the agents ask for one.
        cert: Option<PathBuf> = optional r#""/etc/roost/cluster.pem""#;
        /// `join`: the key of that certificate.
        key: Option<PathBuf> = optional r#""/etc/roost/cluster-key.pem""#;
        /// `join`: a file that holds the token for Consul; else `CONSUL_HTTP_TOKEN`.
        consul_token: Option<PathBuf> = optional r#""/etc/roost/consul-token""#;
        /// `join`: a file that holds the token for Nomad; else `NOMAD_TOKEN`.
        nomad_token: Option<PathBuf> = optional r#""/etc/roost/nomad-token""#;
    }
}

choice! {
    /// Whose Nomad and Consul.
    ClusterMode {
        /// There is none.
        None = "none",
        /// Roost's own: `roost cluster init` makes its first server on this host.
        Own = "own",
        /// One that somebody else runs.
        Join = "join",
    }
}
