//! What several keys must agree on.
//!
//! Each rule names the keys it looks at and is left out when one of them is already wrong, so that one slip of the
//! fingers is one mistake in the list. The mistake stands at the key that an operator would change.

use std::{collections::HashSet, time::Duration};

use pxe::{assets::Mirror, image::PackageName};

use super::{ClusterMode, Config, DhcpMode, Enroll, PowerMethod, TlsSource, leaves::NO_ARCHIVE, reader::Reader};

/// Judges the configuration as a whole.
pub(super) fn judge(config: &Config, reader: &mut Reader<'_>) {
    let mut judge = Judge { reader };
    judge.api(config);
    judge.keys(config);
    judge.boot(config);
    judge.dhcp(config);
    judge.nodes(config);
    judge.power(config);
    judge.archives(config);
    judge.cluster(config);
}

struct Judge<'r, 'a> {
    reader: &'r mut Reader<'a>,
}

impl Judge<'_, '_> {
    /// Reports a mistake at the first key when `wrong`, unless one of the keys is already known to be wrong.
    fn rule(&mut self, keys: &[&str], wrong: impl FnOnce() -> Option<(String, String)>) {
        if !self.reader.sound(keys) {
            return;
        }
        if let Some((message, hint)) = wrong() {
            let at = self.reader.place(keys[0]);
            self.reader.mistake(&at, message, Some(hint).filter(|hint| !hint.is_empty()));
        }
    }

    fn api(&mut self, config: &Config) {
        let http = &config.http;
        self.rule(&["http.listen", "http.plaintext", "http.tls"], || {
            let open =
                http.beyond_loopback().next().filter(|_| http.tls.source == TlsSource::Off && !http.plaintext)?;
            Some((
                format!("{open} is reachable by other machines, without TLS"),
                "set http.tls.source = \"roost\" (or \"files\"), or http.plaintext = true where the network is trusted"
                    .into(),
            ))
        });
        for (key, given) in [("http.tls.cert", &http.tls.cert), ("http.tls.key", &http.tls.key)] {
            self.rule(&[key, "http.tls.source"], || match (http.tls.source, given) {
                (TlsSource::Files, None) => Some(("missing".into(), "http.tls.source = \"files\" needs it".into())),
                (TlsSource::Off | TlsSource::Roost, Some(_)) => {
                    Some(("has no effect".into(), "set http.tls.source = \"files\", or leave it out".into()))
                }
                _ => None,
            });
        }
    }

    fn keys(&mut self, config: &Config) {
        let mut names = HashSet::new();
        for (index, key) in config.http.keys.iter().enumerate() {
            let again = !names.insert(&key.name);
            self.rule(&[&format!("http.keys[{index}].name")], || {
                again.then(|| (format!("a second key named {:?}", key.name), "give each key its own name".into()))
            });
            self.rule(&[&format!("http.keys[{index}].scopes")], || {
                let none = "a key without a scope may do nothing";
                key.scopes.is_empty().then(|| (none.into(), "add a scope, or leave the key out".into()))
            });
        }
    }

    fn boot(&mut self, config: &Config) {
        for (key, listen) in [("boot.listen", &config.boot.listen), ("tftp.listen", &config.tftp.listen)] {
            self.rule(&[key], || {
                let vague = listen.iter().find(|address| address.ip().is_unspecified())?;
                Some((
                    format!("{vague} names no address that a machine could be sent to"),
                    "write each address of this machine on the boot network".into(),
                ))
            });
        }
        self.rule(&["boot.listen", "dhcp.mode"], || {
            let missing = config.dhcp.mode == DhcpMode::Full && config.boot.listen.is_empty();
            let hint = "boot.listen = [\"10.77.0.1:7601\"], this machine's address on the boot network";
            missing
                .then(|| ("dhcp.mode = \"full\" needs it: machines fetch their boot script there".into(), hint.into()))
        });
        self.rule(&["tftp.listen", "dhcp.mode"], || {
            let missing = config.dhcp.mode == DhcpMode::Full && config.tftp.listen.is_empty();
            let hint = "tftp.listen = [\"10.77.0.1:69\"], this machine's address on the boot network";
            missing.then(|| ("dhcp.mode = \"full\" needs it: firmware fetches its loader there".into(), hint.into()))
        });
    }

    /// What makes sense in DHCP is known where it is spoken; only the places are ours.
    fn dhcp(&mut self, config: &Config) {
        for problem in config.dhcp().check() {
            let path = format!("dhcp.{}", problem.path);
            self.rule(&[&path, "dhcp.mode"], || Some((problem.message, String::new())));
        }
    }

    fn nodes(&mut self, config: &Config) {
        let (nodes, ansible) = (&config.nodes, &config.ansible);
        self.rule(&["nodes.enroll", "nodes.trust_boot_network"], || {
            (nodes.enroll == Enroll::Auto && !nodes.trust_boot_network).then(|| {
                let hint = "use \"approve\"; or set nodes.trust_boot_network = true where nobody else can plug in";
                ("\"auto\" admits whoever is on the boot network, which proves nothing".into(), hint.into())
            })
        });
        self.rule(&["nodes.token_ttl", "nodes.sla.booting"], || {
            (nodes.token_ttl < nodes.sla.booting).then(|| {
                let hint = "make it at least nodes.sla.booting";
                ("a machine that boots within nodes.sla.booting would find its token expired".into(), hint.into())
            })
        });
        self.rule(&["nodes.sla.configuring", "ansible.timeout"], || {
            (nodes.sla.configuring < ansible.timeout).then(|| {
                let hint = "make it at least ansible.timeout";
                ("a run may take longer (ansible.timeout) than its state".into(), hint.into())
            })
        });
    }

    fn power(&mut self, config: &Config) {
        let power = &config.power;
        self.rule(&["power.command", "power.method"], || {
            let missing = power.method == PowerMethod::Command && power.command.is_none();
            let hint = "power.command = [\"program\", \"{mac}\", \"{action}\"]";
            missing.then(|| ("power.method = \"command\" needs it".into(), hint.into()))
        });
    }

    fn cluster(&mut self, config: &Config) {
        /// Below this a renewal would come before a slow node has what it was given.
        const LIFETIME_MIN: Duration = Duration::from_secs(180);
        let cluster = &config.cluster;
        self.rule(&["cluster.advertise", "cluster.mode"], || match (cluster.mode, cluster.advertise) {
            (ClusterMode::Own, None) => {
                let hint = "cluster.advertise = \"10.77.0.1\", this machine's address on the rack";
                Some(("cluster.mode = \"own\" needs it: nodes reach the first server there".into(), hint.into()))
            }
            (_, Some(vague)) if vague.is_unspecified() => {
                Some((format!("{vague} names no address that a node could reach"), String::new()))
            }
            _ => None,
        });
        self.rule(&["cluster.certificate_lifetime"], || {
            (cluster.certificate_lifetime < LIFETIME_MIN)
                .then(|| ("too short for a node to be given a new one in time".into(), "make it at least 3m".into()))
        });
        for (key, given) in [("cluster.consul", &cluster.consul), ("cluster.nomad", &cluster.nomad)] {
            self.rule(&[key, "cluster.mode"], || {
                let given = given.as_deref()?;
                let is_url = given.starts_with("https://") || given.starts_with("http://");
                match cluster.mode {
                    ClusterMode::Join if is_url => None,
                    ClusterMode::Join => Some((format!("`{given}` is no address"), "write https://HOST:PORT".into())),
                    _ => Some(("has no effect".into(), "set cluster.mode = \"join\", or leave it out".into())),
                }
            });
        }
        self.rule(&["cluster.cert", "cluster.key"], || {
            let hint = "give cluster.cert and cluster.key, or neither";
            (cluster.cert.is_some() != cluster.key.is_some())
                .then(|| ("a certificate and its key go together".into(), hint.into()))
        });
    }

    fn archives(&mut self, config: &Config) {
        let image = &config.image;
        let security = Some(&image.security).filter(|archive| *archive != NO_ARCHIVE);
        let archives = [
            ("assets.mirror", Some(&config.assets.mirror)),
            ("image.mirror", Some(&image.mirror)),
            ("image.security", security),
        ];
        for (key, archive) in archives {
            self.rule(&[key], || Some((archive?.parse::<Mirror>().err()?.to_string(), String::new())));
        }
        for (index, name) in image.packages.iter().enumerate() {
            self.rule(&[&format!("image.packages[{index}]")], || {
                Some((name.parse::<PackageName>().err()?.to_string(), String::new()))
            });
        }
    }
}
