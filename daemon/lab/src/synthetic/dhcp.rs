//! A PXE client's DHCP (RFC 2131, RFC 2132, RFC 4578, PXE 2.1), from the client's side.
//!
//! Sent by a UDP socket from an interface without an address, as firmware does; received by a packet socket, because
//! an answer sent to the offered address would not pass the kernel's own routing before that address is set.

use std::{
    io::{self, Read as _},
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use vocabulary::{Firmware, Mac, SmbiosUuid};

use super::place::Synthetic;
use crate::{ip::IpError, namespace::EnterError};

/// The waits of a PXE ROM between its tries (PXE 2.1 §2.2.1, halved).
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];
const COOKIE: [u8; 4] = [99, 130, 83, 99];
const ETHERTYPE_IPV4: i32 = 0x0800_u16.to_be() as i32;
const HEADER_BYTES: usize = 240;

/// Who on the machine asks: each identifies itself otherwise and is answered otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The firmware's PXE or HTTP boot client.
    Firmware,
    /// iPXE, as the firmware's successor.
    Ipxe,
    /// The booted system's client, which knows nothing of PXE.
    System,
}

/// An OFFER as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The whole answer.
    pub lease: Lease,
    /// The exchange it belongs to.
    xid: u32,
    stage: Stage,
}

/// What a server granted, or offers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// `yiaddr`.
    pub address: Ipv4Addr,
    /// `siaddr`: where the boot file is.
    pub next_server: Ipv4Addr,
    /// Option 54.
    pub server: Ipv4Addr,
    /// Option 67, else the `file` field.
    pub boot_file: Option<String>,
    /// Option 53.
    pub kind: u8,
    /// Every option, in order.
    pub options: Vec<(u8, Vec<u8>)>,
}

/// No address was had.
#[derive(Debug, thiserror::Error)]
pub enum DhcpError {
    /// Nobody answered.
    #[error("no DHCP answer to {asked} within {waited:?}")]
    Silence {
        /// DISCOVER or REQUEST.
        asked: &'static str,
        /// All tries together.
        waited: Duration,
    },
    /// The server took it back.
    #[error("the server refused the address (NAK): {message}")]
    Refused {
        /// Option 56.
        message: String,
    },
    /// The sockets failed.
    #[error("cannot speak DHCP")]
    Io(#[from] io::Error),
    /// The namespace is gone.
    #[error("cannot speak DHCP")]
    Enter(#[from] EnterError),
    /// The address could not be set.
    #[error("cannot set the leased address")]
    Address(#[from] IpError),
    /// The runtime is going down.
    #[error("the runtime stops")]
    Runtime(#[from] tokio::task::JoinError),
}

impl Lease {
    /// The value of an option.
    #[must_use]
    pub fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(known, _)| *known == code).map(|(_, value)| value.as_slice())
    }

    fn address_option(&self, code: u8) -> Option<Ipv4Addr> {
        let bytes: [u8; 4] = self.option(code)?.get(..4)?.try_into().ok()?;
        Some(bytes.into())
    }

    fn prefix_len(&self) -> u32 {
        self.address_option(1).map_or(24, |mask| u32::from(mask).count_ones())
    }
}

impl Synthetic {
    /// Broadcasts a DISCOVER and returns the first OFFER.
    pub async fn discover(&self, stage: Stage) -> Result<Offer, DhcpError> {
        let xid = self.xid(stage);
        let message = self.message(stage, xid, 1, &[]);
        let lease = self.converse("DISCOVER", xid, message).await?;
        Ok(Offer { lease, xid, stage })
    }

    /// Requests what was offered and sets the address once it is acknowledged.
    pub async fn request(&self, offer: &Offer) -> Result<Lease, DhcpError> {
        let wanted = [(50, offer.lease.address.octets().to_vec()), (54, offer.lease.server.octets().to_vec())];
        let message = self.message(offer.stage, offer.xid, 3, &wanted);
        let lease = self.converse("REQUEST", offer.xid, message).await?;
        if lease.kind == 6 {
            let message = String::from_utf8_lossy(lease.option(56).unwrap_or_default()).into_owned();
            return Err(DhcpError::Refused { message });
        }
        self.configure(&lease)?;
        Ok(lease)
    }

    /// DISCOVER, OFFER, REQUEST, ACK.
    pub async fn dhcp(&self, stage: Stage) -> Result<Lease, DhcpError> {
        let offer = self.discover(stage).await?;
        self.request(&offer).await
    }

    /// Broadcasts a DECLINE of its lease: as a client that found the address taken, or as anybody may in its name.
    pub fn decline(&self, lease: &Lease) -> Result<(), DhcpError> {
        let named = [(50, lease.address.octets().to_vec()), (54, lease.server.octets().to_vec())];
        let message = self.message(Stage::System, self.xid(Stage::System), 4, &named);
        let (out, _) = self.namespace.enter(sockets)??;
        out.send_to(&message, &SockAddr::from(SocketAddrV4::new(Ipv4Addr::BROADCAST, 67)))?;
        Ok(())
    }

    fn configure(&self, lease: &Lease) -> Result<(), DhcpError> {
        self.namespace.ip("addr flush dev eth0")?;
        self.namespace.ip(&format!("addr add {}/{} dev eth0", lease.address, lease.prefix_len()))?;
        if let Some(router) = lease.address_option(3) {
            self.namespace.ip(&format!("route replace default via {router}"))?;
        }
        Ok(())
    }

    async fn converse(&self, asked: &'static str, xid: u32, message: Vec<u8>) -> Result<Lease, DhcpError> {
        let (out, into) = self.namespace.enter(sockets)??;
        let answer = tokio::task::spawn_blocking(move || -> io::Result<Option<Lease>> {
            for wait in WAITS {
                out.send_to(&message, &SockAddr::from(SocketAddrV4::new(Ipv4Addr::BROADCAST, 67)))?;
                if let Some(lease) = listen(&into, xid, wait)? {
                    return Ok(Some(lease));
                }
            }
            Ok(None)
        });
        answer.await??.ok_or(DhcpError::Silence { asked, waited: WAITS.iter().sum() })
    }

    /// The same for a machine's stage each time, so that a retry after a crash of the server is a retry.
    fn xid(&self, stage: Stage) -> u32 {
        let Mac(mac) = self.mac;
        u32::from_be_bytes([mac[3], mac[4], mac[5], stage as u8 + 1])
    }

    fn message(&self, stage: Stage, xid: u32, kind: u8, further: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut message = vec![0; HEADER_BYTES];
        message[..4].copy_from_slice(&[1, 1, 6, 0]);
        message[4..8].copy_from_slice(&xid.to_be_bytes());
        message[10] = 0x80;
        message[28..34].copy_from_slice(&self.mac.0);
        message[236..].copy_from_slice(&COOKIE);
        put(&mut message, 53, &[kind]);
        put(&mut message, 55, &[1, 3, 6, 12, 15, 43, 51, 54, 60, 66, 67, 97, 128, 129, 175]);
        put(&mut message, 57, &1472_u16.to_be_bytes());
        for (code, value) in identification(stage, self.firmware, self.uuid).iter().chain(further) {
            put(&mut message, *code, value);
        }
        message.push(255);
        message
    }
}

/// Options 60, 77, 93, 94, 97 and 175 as the stages send them.
fn identification(stage: Stage, firmware: Firmware, uuid: SmbiosUuid) -> Vec<(u8, Vec<u8>)> {
    if stage == Stage::System {
        return vec![(60, b"udhcp 1.37.0".to_vec())];
    }
    let (class, architecture) = match firmware {
        Firmware::Bios => ("PXEClient", 0_u16),
        Firmware::UefiX64 => ("PXEClient", 7),
        Firmware::UefiArm64 => ("PXEClient", 11),
        Firmware::HttpX64 => ("HTTPClient", 16),
        Firmware::HttpArm64 => ("HTTPClient", 19),
    };
    // Option 97 carries the bytes as SMBIOS keeps them: the first three fields little-endian.
    let machine = [&[0][..], &uuid.0.to_bytes_le()].concat();
    let mut options = vec![
        (60, format!("{class}:Arch:{architecture:05}:UNDI:003010").into_bytes()),
        (93, architecture.to_be_bytes().to_vec()),
        (94, vec![1, 3, 16]),
        (97, machine),
    ];
    if stage == Stage::Ipxe {
        options.push((77, b"iPXE".to_vec()));
        // Version, then the features that this iPXE has: HTTP, TFTP, menu.
        options.push((175, vec![0xeb, 3, 1, 21, 1, 0x13, 1, 1, 0x17, 1, 1, 0x27, 1, 1]));
    }
    options
}

fn put(message: &mut Vec<u8>, code: u8, value: &[u8]) {
    let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
    message.extend([code, length]);
    message.extend(&value[..usize::from(length)]);
}

/// One to send with, bound to the interface, and one that hears every IPv4 frame.
fn sockets() -> io::Result<(Socket, Socket)> {
    let out = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    out.set_reuse_address(true)?;
    out.set_broadcast(true)?;
    out.bind_device(Some(b"eth0"))?;
    out.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68)))?;
    let into = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(ETHERTYPE_IPV4)))?;
    Ok((out, into))
}

/// Waits for an answer to this exchange; frames of others restart the wait, which a rack's quiet bridge forgives.
fn listen(into: &Socket, xid: u32, wait: Duration) -> io::Result<Option<Lease>> {
    into.set_read_timeout(Some(wait))?;
    let mut packet = [0; 2048];
    loop {
        match (&*into).read(&mut packet) {
            Ok(count) => {
                if let Some(lease) = answer(&packet[..count], xid) {
                    return Ok(Some(lease));
                }
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
}

/// The DHCP answer in an IPv4 packet to port 68, if it belongs to this exchange.
fn answer(packet: &[u8], xid: u32) -> Option<Lease> {
    let datagram = packet.get(usize::from(packet.first()? & 0x0f) * 4..)?;
    if packet.get(9) != Some(&17) || datagram.get(2..4)? != 68_u16.to_be_bytes() {
        return None;
    }
    let message = datagram.get(8..)?;
    if message.first() != Some(&2) || message.get(4..8)? != xid.to_be_bytes() || message.get(236..240)? != COOKIE {
        return None;
    }
    parse(message)
}

fn parse(message: &[u8]) -> Option<Lease> {
    let address = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(message.get(at..at + 4)?).ok()?));
    let options = options(message.get(HEADER_BYTES..)?);
    let value = |code| options.iter().find(|(known, _)| *known == code).map(|(_, value)| value.clone());
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        (end > 0).then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
    };
    let server: Option<[u8; 4]> = value(54).and_then(|bytes| bytes.try_into().ok());
    Some(Lease {
        address: address(16)?,
        next_server: address(20)?,
        server: server.map_or(Ipv4Addr::UNSPECIFIED, Into::into),
        boot_file: value(67).and_then(|bytes| text(&bytes)).or_else(|| text(&message[108..236])),
        kind: *value(53)?.first()?,
        options,
    })
}

/// Repeated options are one long option (RFC 3396).
fn options(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found: Vec<(u8, Vec<u8>)> = Vec::new();
    while let [code, rest @ ..] = bytes {
        match (*code, rest) {
            (0, _) => bytes = rest,
            (255, _) | (_, []) => break,
            (code, [length, value @ ..]) => {
                let (value, tail) = value.split_at(usize::from(*length).min(value.len()));
                match found.iter_mut().find(|(known, _)| *known == code) {
                    Some((_, known)) => known.extend(value),
                    None => found.push((code, value.to_vec())),
                }
                bytes = tail;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_offer_with_a_long_url_in_two_pieces() {
        let mut message = vec![0; HEADER_BYTES];
        message[0] = 2;
        message[4..8].copy_from_slice(&7_u32.to_be_bytes());
        message[16..20].copy_from_slice(&[10, 77, 1, 2]);
        message[236..].copy_from_slice(&COOKIE);
        for (code, value) in
            [(53, &[2][..]), (54, &[10, 77, 0, 1]), (1, &[255, 255, 0, 0]), (67, b"http://10."), (67, b"77.0.1/x")]
        {
            put(&mut message, code, value);
        }
        message.extend([0, 255]);
        let udp = [&[0, 67, 0, 68, 0, 0, 0, 0][..], &message].concat();
        let mut packet = vec![0x45; 20];
        packet[9] = 17;
        packet.extend(udp);
        let lease = answer(&packet, 7).unwrap();
        assert_eq!(lease.address, Ipv4Addr::new(10, 77, 1, 2));
        assert_eq!(lease.boot_file.as_deref(), Some("http://10.77.0.1/x"));
        assert_eq!((lease.kind, lease.prefix_len()), (2, 16));
        assert_eq!(answer(&packet, 8), None);
    }

    #[test]
    fn options_cut_short_do_not_panic() {
        for bytes in [&[][..], &[1], &[1, 200, 1], &[0, 0, 255, 9], &[53, 0]] {
            options(bytes);
        }
    }
}
