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
            PowerAction::Off => self.over_ssh(target, "systemctl poweroff").await,
            PowerAction::Cycle => self.over_ssh(target, "systemctl reboot").await,
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

    async fn over_ssh(&self, target: &Target, command: &str) -> Result<(), PowerError> {
        // An address alone is any machine's; only a pinned host key makes it this one.
        let Some(address) = target.address.filter(|_| !target.host_keys.is_empty()) else {
            return Err(PowerError::Unsupported(format!(
                "wake-on-LAN can only switch {} on: it has not called home, so it cannot be switched off over SSH",
                target.node
            )));
        };
        let node = Pinned { address, host_keys: target.host_keys.clone() };
        ssh::run(&self.keys.current(), &node, command, SSH_PATIENCE).await.map(drop).map_err(PowerError::Ssh)
    }
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
}
