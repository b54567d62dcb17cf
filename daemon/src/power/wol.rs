//! Wake-on-LAN: six bytes of ones and sixteen times the MAC, broadcast to UDP port 9 (AMD, "Magic Packet
//! Technology", 1995). Twenty lines of our own rather than a crate.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::net::UdpSocket;
use vocabulary::Mac;

use super::{Power, PowerAction, PowerError, Target};
use crate::ssh::{self, Keyring, Pinned};

/// How long a node may take to accept its own end.
const SSH_PATIENCE: Duration = Duration::from_secs(15);

/// Switches on by the magic packet, off and cycles over pinned SSH.
pub struct WakeOnLan {
    /// The broadcast addresses of the boot networks, port 9.
    pub broadcasts: Vec<SocketAddr>,
    /// For off and cycle.
    pub keys: Arc<Keyring>,
}

/// The packet that wakes this machine: 102 bytes.
#[must_use]
pub fn magic_packet(mac: Mac) -> [u8; 102] {
    let mut packet = [0xff; 102];
    for copy in packet[6..].chunks_exact_mut(6) {
        copy.copy_from_slice(&mac.0);
    }
    packet
}

#[async_trait::async_trait]
impl Power for WakeOnLan {
    async fn switch(&self, target: &Target, action: PowerAction) -> Result<(), PowerError> {
        match action {
            PowerAction::On => self.wake(target.mac).await,
            PowerAction::Off => self.over_ssh(target, "poweroff").await,
            PowerAction::Cycle => self.over_ssh(target, "reboot").await,
        }
    }
}

impl WakeOnLan {
    async fn wake(&self, mac: Mac) -> Result<(), PowerError> {
        if self.broadcasts.is_empty() {
            return Err(PowerError::Unsupported("wake-on-LAN needs a [[dhcp.subnet]] or power.wake to send to".into()));
        }
        for destination in &self.broadcasts {
            send(*destination, &magic_packet(mac))
                .await
                .map_err(|source| PowerError::Send { destination: *destination, source })?;
        }
        Ok(())
    }

    async fn over_ssh(&self, target: &Target, verb: &str) -> Result<(), PowerError> {
        // An address alone is any machine's; only a pinned host key makes it this one.
        let Some(address) = target.address.filter(|_| !target.host_keys.is_empty()) else {
            return Err(PowerError::Unsupported(format!(
                "wake-on-LAN can only switch {} on: it has not called home, so it cannot be switched off over SSH",
                target.node
            )));
        };
        let node = Pinned { address, host_keys: target.host_keys.clone() };
        ssh::run(&self.keys.current(), &node, &in_a_moment(verb), SSH_PATIENCE).await.map(drop).map_err(PowerError::Ssh)
    }
}

/// Has the node do it a second later, apart from the login that ordered it: a machine that ends takes its connections with
/// it, perhaps before the command's exit status, and an order that was obeyed would look like one that failed.
fn in_a_moment(verb: &str) -> String {
    let later = format!("sh -c 'sleep 1; exec systemctl {verb}'");
    format!(
        "command -v systemctl >/dev/null || exit; systemd-run --quiet --no-block --collect {later} 2>/dev/null || \
         setsid --fork {later} </dev/null >/dev/null 2>&1"
    )
}

async fn send(destination: SocketAddr, packet: &[u8]) -> std::io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.set_broadcast(true)?;
    socket.send_to(packet, destination).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_is_what_network_cards_look_for() {
        let mac = Mac([0x52, 0x54, 0, 1, 2, 3]);
        let packet = magic_packet(mac);
        assert_eq!(packet[..6], [0xff; 6]);
        assert_eq!(packet[6..].chunks(6).filter(|copy| **copy == mac.0).count(), 16);
    }

    #[tokio::test]
    async fn the_packet_arrives() {
        let listener = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mac = Mac([2; 6]);
        send(listener.local_addr().unwrap(), &magic_packet(mac)).await.unwrap();
        let mut received = [0; 128];
        let (length, _) = listener.recv_from(&mut received).await.unwrap();
        assert_eq!(received[..length], magic_packet(mac));
    }

    /// A node whose programs are these alone, so that nothing of this host can be switched off.
    struct Programs(tempfile::TempDir);

    impl Programs {
        fn new(systemd_run: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for name in ["sh", "sleep", "setsid"] {
                let real = ["/usr/bin", "/bin"].map(|place| std::path::Path::new(place).join(name));
                let real = real.iter().find(|path| path.exists()).unwrap();
                std::os::unix::fs::symlink(real, folder.path().join(name)).unwrap();
            }
            let programs = Self(folder);
            programs.put("systemd-run", systemd_run);
            programs
        }

        fn put(&self, name: &str, script: &str) {
            let path = self.0.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        }

        /// `systemctl`, which writes down what it was told and then cuts the connection that it was told over.
        fn put_systemctl(&self) {
            let log = self.0.path().join("log");
            let session = self.0.path().join("session");
            let cut = "read -r comm </proc/$pid/comm; case $comm in sshd*) kill -9 $pid;; esac";
            let (log, session) = (log.display(), session.display());
            self.put("systemctl", &format!("echo \"$1\" >>{log}; read -r pid <{session}; {cut}"));
        }

        fn settings(&self) -> String {
            let only = self.0.path().display();
            let run = "/bin/sh -c \"$SSH_ORIGINAL_COMMAND\"";
            format!("ForceCommand echo $PPID >{only}/session; exec /usr/bin/env PATH={only} {run}\n")
        }

        async fn told(&self, word: &str) {
            let log = self.0.path().join("log");
            let told = async {
                while std::fs::read_to_string(&log).unwrap_or_default() != word {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let in_time = tokio::time::timeout(Duration::from_secs(30), told).await;
            in_time.unwrap_or_else(|_| panic!("{:?}", std::fs::read_to_string(&log)));
        }
    }

    /// With systemd's way to begin something apart from the login, and where that does not work.
    #[tokio::test]
    async fn an_order_over_ssh_is_obeyed_although_the_machine_ends_the_connection_at_once() {
        let with_systemd = "while [ \"$1\" != sh ]; do shift; done; setsid --fork \"$@\" </dev/null >/dev/null 2>&1";
        let without = "echo System has not been booted with systemd >&2; exit 1";
        let folder = tempfile::tempdir().unwrap();
        let key = crate::ssh::FleetKey::ensure(folder.path()).await.unwrap();
        let admitted = key.public.to_string();
        let keys = Arc::new(Keyring::open_ring(key, folder.path().to_owned()).await.unwrap());
        let power = WakeOnLan { broadcasts: vec![], keys };
        for (last, systemd_run) in [(1, with_systemd), (2, without)] {
            let programs = Programs::new(systemd_run);
            programs.put_systemctl();
            let sshd = crate::ssh::sshd::Sshd::at([127, 22, 2, last], &admitted, &programs.settings());
            let Pinned { address, host_keys } = sshd.pinned();
            let mac = Mac([2; 6]);
            let ordered = vocabulary::Timestamp::UNIX_EPOCH;
            let target = Target { node: vocabulary::NodeId::of(mac), mac, address: Some(address), host_keys, ordered };
            power.switch(&target, PowerAction::Off).await.unwrap();
            programs.told("poweroff\n").await;
            power.switch(&target, PowerAction::Cycle).await.unwrap();
            programs.told("poweroff\nreboot\n").await;
        }
    }

    #[tokio::test]
    async fn a_node_without_systemctl_says_that_it_was_not_switched() {
        let folder = tempfile::tempdir().unwrap();
        let key = crate::ssh::FleetKey::ensure(folder.path()).await.unwrap();
        let programs = Programs::new("exit 0");
        let sshd = crate::ssh::sshd::Sshd::at([127, 22, 2, 3], &key.public.to_string(), &programs.settings());
        let refused = ssh::run(&key, &sshd.pinned(), &in_a_moment("poweroff"), SSH_PATIENCE).await;
        assert!(matches!(refused, Err(ssh::SshError::Failed { .. })), "{refused:?}");
    }
}
