//! Wake-on-LAN as a network card hears it: the magic packet on the wire, not a call in the lab's interface.
//!
//! One packet socket in the rack's namespace with a kernel filter for EtherType 0x0842 and UDP ports 7 and 9, so that
//! boot images stream past it unread. It sees what leaves the bridge as well as what arrives, hence also what a daemon
//! in the same namespace sends. A packet may be seen on several links; waking what is awake does nothing.

use std::{
    io::{self, Read as _},
    time::Duration,
};

use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use vocabulary::Mac;

use crate::namespace::{EnterError, Namespace};

const ETHERTYPE_WAKE: u16 = 0x0842;
const ETHERTYPE_IPV4: u16 = 0x0800;
const UDP: u8 = 17;
const UDP_PORTS: [u16; 2] = [9, 7];
/// `ETH_P_ALL`, in network byte order as packet sockets want it.
const EVERY_PROTOCOL: i32 = 0x0003_u16.to_be() as i32;
const POLL: Duration = Duration::from_millis(200);

/// The listener could not be made.
#[derive(Debug, thiserror::Error)]
pub enum WakeError {
    /// The namespace can't be entered.
    #[error("cannot listen for wake-on-LAN")]
    Enter(#[from] EnterError),
    /// The socket was refused.
    #[error("cannot listen for wake-on-LAN (CAP_NET_RAW is needed)")]
    Socket(#[source] io::Error),
}

/// Hears magic packets in one namespace.
#[derive(Debug)]
pub struct WakeListener(Socket);

/// The payload that wakes this machine: six bytes of ones, sixteen times its address.
#[must_use]
pub fn magic_payload(mac: Mac) -> Vec<u8> {
    [vec![0xff; 6], mac.0.repeat(16)].concat()
}

/// Whom a frame wakes, if it is a magic packet.
#[must_use]
pub fn woken_by(frame: &[u8]) -> Option<Mac> {
    let ethertype = u16::from_be_bytes([*frame.get(12)?, *frame.get(13)?]);
    let payload = frame.get(14..)?;
    match ethertype {
        ETHERTYPE_WAKE => target(payload),
        ETHERTYPE_IPV4 => target(udp_payload(payload)?),
        _ => None,
    }
}

impl WakeListener {
    /// Listens on every link of the namespace.
    pub fn open(namespace: &Namespace) -> Result<Self, WakeError> {
        let open = || {
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(EVERY_PROTOCOL)))?;
            socket.attach_filter(&filter())?;
            socket.set_read_timeout(Some(POLL))?;
            Ok(socket)
        };
        namespace.enter(open)?.map(Self).map_err(WakeError::Socket)
    }

    /// Whom the next magic packet wakes; `None` after a short while without one.
    pub fn next(&self) -> io::Result<Option<Mac>> {
        let mut frame = [0; 1600];
        match (&self.0).read(&mut frame) {
            Ok(count) => Ok(woken_by(&frame[..count])),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn udp_payload(packet: &[u8]) -> Option<&[u8]> {
    let header_bytes = usize::from(packet.first()? & 0x0f) * 4;
    let datagram = packet.get(header_bytes..)?;
    let port = u16::from_be_bytes([*datagram.get(2)?, *datagram.get(3)?]);
    (packet.get(9) == Some(&UDP) && UDP_PORTS.contains(&port)).then(|| datagram.get(8..))?
}

/// The pattern may stand anywhere in the payload.
fn target(payload: &[u8]) -> Option<Mac> {
    payload.windows(102).find_map(|window| {
        let (ones, addresses) = window.split_at(6);
        let mac: [u8; 6] = addresses[..6].try_into().ok()?;
        let magic = ones.iter().all(|byte| *byte == 0xff) && addresses.chunks(6).all(|address| address == mac);
        magic.then_some(Mac(mac))
    })
}

/// Classic BPF: what [`woken_by`] looks at, decided by the kernel.
fn filter() -> [SockFilter; 13] {
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_X_HEADER: u16 = 0xb1;
    const LOAD_HALF_AT_X: u16 = 0x48;
    const JUMP_EQUAL: u16 = 0x15;
    const JUMP_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    let op = |code, yes, no, value: u32| SockFilter::new(code, yes, no, value);
    [
        op(LOAD_HALF, 0, 0, 12),
        op(JUMP_EQUAL, 9, 0, ETHERTYPE_WAKE.into()),
        op(JUMP_EQUAL, 0, 9, ETHERTYPE_IPV4.into()),
        op(LOAD_BYTE, 0, 0, 23),
        op(JUMP_EQUAL, 0, 7, UDP.into()),
        op(LOAD_HALF, 0, 0, 20),
        op(JUMP_SET, 5, 0, 0x1fff),
        op(LOAD_X_HEADER, 0, 0, 14),
        op(LOAD_HALF_AT_X, 0, 0, 16),
        op(JUMP_EQUAL, 1, 0, UDP_PORTS[0].into()),
        op(JUMP_EQUAL, 0, 1, UDP_PORTS[1].into()),
        op(RETURN, 0, 0, 1600),
        op(RETURN, 0, 0, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x52, 0x54, 0, 1, 2, 3]);

    fn udp_frame(port: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xff; 12];
        frame.extend([0x08, 0x00, 0x45]);
        frame.extend([0; 8]);
        frame.push(UDP);
        frame.extend([0; 10]);
        frame.extend([0, 9]);
        frame.extend(port.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn wakes_by_raw_ethernet_and_by_udp_with_a_password_behind() {
        let payload = [magic_payload(MAC), b"secret".to_vec()].concat();
        let raw = [vec![0xff; 12], vec![0x08, 0x42], payload.clone()].concat();
        assert_eq!(woken_by(&raw), Some(MAC));
        assert_eq!(woken_by(&udp_frame(9, &payload)), Some(MAC));
        assert_eq!(woken_by(&udp_frame(7, &payload)), Some(MAC));
    }

    #[test]
    fn nothing_else_wakes() {
        let mut bent = magic_payload(MAC);
        bent[50] ^= 1;
        for frame in [udp_frame(9, &bent), udp_frame(10, &magic_payload(MAC)), udp_frame(9, b""), vec![0; 13]] {
            assert_eq!(woken_by(&frame), None);
        }
    }
}
