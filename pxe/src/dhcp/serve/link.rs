//! One interface: its socket, which hears nothing of any other, and what came in or goes out through it.
//!
//! Each interface has a socket of its own, bound to the device, without address reuse: a second DHCP server on the
//! same interface is an error at start instead of two servers that answer in turn. `IP_PKTINFO` tells which address
//! was asked, so that the answer leaves from it.
//!
//! A client that has no address and did not ask for broadcast gets its answer by broadcast all the same, which RFC
//! 2131 (4.1) allows and every client takes, since it hears broadcasts or it could not have booted. Rejected: a
//! neighbour entry made for it (needs CAP_NET_ADMIN, which the daemon does not have) and a raw Ethernet frame (needs
//! CAP_NET_RAW and a checksum by hand for a unicast that saves one frame).

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::AsRawFd as _,
};

use nix::{
    libc::{in_addr, in_pktinfo},
    net::if_::if_nametoindex,
    sys::socket::{self, ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn},
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};

use super::super::proto::{Arrival, Destination, Reply};

const SERVER_PORT: u16 = 67;
const CLIENT_PORT: u16 = 68;
/// Room for a thousand packets that arrive at once; the kernel gives less where it is told to.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// No DHCP packet is longer; what is, is cut, and its options end where the buffer does.
const LONGEST_PACKET_BYTES: usize = 4096;

/// A packet and how it came.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) local: Ipv4Addr,
    pub(super) arrival: Arrival,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) interface: String,
    index: i32,
    /// The interface's own address, for packets that do not say which address they asked.
    primary: Ipv4Addr,
    socket: UdpSocket,
}

impl Link {
    /// Opens the socket; nothing is read yet.
    pub(super) fn open(interface: &str, primary: Ipv4Addr) -> io::Result<Self> {
        let index = i32::try_from(if_nametoindex(interface)?).map_err(io::Error::other)?;
        let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
        socket.bind_device(Some(interface.as_bytes()))?;
        socket.set_broadcast(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
        socket::setsockopt(&socket, socket::sockopt::Ipv4PacketInfo, &true)?;
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, SERVER_PORT).into())?;
        Ok(Self { interface: interface.to_owned(), index, primary, socket: UdpSocket::from_std(socket.into())? })
    }

    /// Waits for a packet.
    pub(super) async fn receive(&self) -> io::Result<Packet> {
        self.socket.async_io(Interest::READABLE, || self.read()).await
    }

    /// A packet that is there already.
    pub(super) fn waiting(&self) -> Option<Packet> {
        self.socket.try_io(Interest::READABLE, || self.read()).ok()
    }

    fn read(&self) -> io::Result<Packet> {
        let mut buffer = [0; LONGEST_PACKET_BYTES];
        let mut control = nix::cmsg_space!(in_pktinfo);
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let fd = self.socket.as_raw_fd();
        let received = socket::recvmsg::<SockaddrIn>(fd, &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
        let info = received.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::Ipv4PacketInfo(info) => Some(info),
            _ => None,
        });
        let length = received.bytes;
        let local = info.map(|info| from_raw(info.ipi_spec_dst)).filter(|local| !local.is_unspecified());
        let local = local.unwrap_or(self.primary);
        let asked = info.map(|info| from_raw(info.ipi_addr));
        let arrival = if asked == Some(local) { Arrival::Unicast } else { Arrival::Broadcast };
        Ok(Packet { local, arrival, bytes: buffer[..length].to_vec() })
    }

    /// Sends an answer from the address that was asked.
    pub(super) async fn send(&self, local: Ipv4Addr, reply: &Reply) -> io::Result<()> {
        let to = match reply.destination {
            Destination::Client(address) => SocketAddrV4::new(address, CLIENT_PORT),
            Destination::Broadcast | Destination::Unconfigured(_) => {
                SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT)
            }
            Destination::Relay(address) => SocketAddrV4::new(address, SERVER_PORT),
        };
        self.socket.async_io(Interest::WRITABLE, || self.write(local, to, &reply.bytes)).await
    }

    fn write(&self, local: Ipv4Addr, to: SocketAddrV4, bytes: &[u8]) -> io::Result<()> {
        let info = in_pktinfo { ipi_ifindex: self.index, ipi_spec_dst: to_raw(local), ipi_addr: in_addr { s_addr: 0 } };
        let control = [ControlMessage::Ipv4PacketInfo(&info)];
        let (parts, to) = ([IoSlice::new(bytes)], SockaddrIn::from(to));
        socket::sendmsg(self.socket.as_raw_fd(), &parts, &control, MsgFlags::MSG_DONTWAIT, Some(&to))?;
        Ok(())
    }
}

/// Both ways the bytes stand in network order in memory.
const fn from_raw(raw: in_addr) -> Ipv4Addr {
    let [a, b, c, d] = raw.s_addr.to_ne_bytes();
    Ipv4Addr::new(a, b, c, d)
}

const fn to_raw(address: Ipv4Addr) -> in_addr {
    in_addr { s_addr: u32::from_ne_bytes(address.octets()) }
}
