//! One request as it came from the wire, read once and owned.
//!
//! `dhcproto`'s borrowed message finds the options; their values are read here, byte by byte, because its typed
//! values give up at the first odd option and hide those after it. The hardware length is checked before anything
//! touches the hardware address, which would panic otherwise. A panic in the library drops one packet, not the daemon.

use std::{collections::BTreeMap, net::Ipv4Addr, panic};

use dhcproto::v4::{self, Opcode, borrowed};
use vocabulary::{Mac, SmbiosUuid};

use super::{
    super::{boot::Asker, boot::firmware_of, lease::Client},
    options,
};

/// Room for a hardware address in the fixed part of a packet.
const HARDWARE_BYTES: u8 = 16;
/// Where the fields `sname` and `file` lie, which option 52 may fill with more options (RFC 2132, 9.3).
const SNAME: std::ops::Range<usize> = 44..108;
const FILE: std::ops::Range<usize> = 108..236;

/// Why a packet was no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Malformed {
    /// Shorter than the fixed part.
    Short,
    /// A reply, on its way to somebody else.
    NotARequest,
    /// No magic cookie: BOOTP, which gets no answer.
    NoCookie,
    /// A hardware address longer than its field.
    HardwareLength,
    /// No hardware address and no client id: nobody to answer.
    NoClient,
    /// No message type, or one that servers do not take.
    NoMessageType,
    /// The library panicked over it.
    Panicked,
}

/// The message types that clients send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Looks for servers.
    Discover,
    /// Takes an offer, or wants to go on with an address.
    Request,
    /// Found somebody else on its address.
    Decline,
    /// Gives its address back.
    Release,
    /// Has an address, wants the rest.
    Inform,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Discover, Self::Request, Self::Decline, Self::Release, Self::Inform];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Request => "request",
            Self::Decline => "decline",
            Self::Release => "release",
            Self::Inform => "inform",
        }
    }

    /// RFC 2132, 9.6.
    const fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Discover,
            3 => Self::Request,
            4 => Self::Decline,
            7 => Self::Release,
            8 => Self::Inform,
            _ => return None,
        })
    }
}

/// A request, as far as the server needs it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) client: Client,
    /// Copied into the reply, together with the three fields below.
    pub(super) hardware_type: v4::HType,
    pub(super) hardware: Vec<u8>,
    pub(super) xid: u32,
    pub(super) flags: v4::Flags,
    /// The address that the client uses already.
    pub(super) ciaddr: Ipv4Addr,
    /// The relay.
    pub(super) giaddr: Ipv4Addr,
    options: BTreeMap<u8, Vec<u8>>,
}

impl Request {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        panic::catch_unwind(|| Self::read(bytes)).unwrap_or(Err(Malformed::Panicked))
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let message = borrowed::Message::new(bytes).map_err(|_| Malformed::Short)?;
        if message.opcode() != Opcode::BootRequest {
            return Err(Malformed::NotARequest);
        }
        if bytes[236..240] != v4::MAGIC {
            return Err(Malformed::NoCookie);
        }
        if message.hlen() > HARDWARE_BYTES {
            return Err(Malformed::HardwareLength);
        }
        let options = read_options(bytes, &message);
        let kind = options.get(&53).and_then(|value| value.first()).and_then(|code| Kind::of(*code));
        let client = client(&message, options.get(&61)).ok_or(Malformed::NoClient)?;
        Ok(Self {
            kind: kind.ok_or(Malformed::NoMessageType)?,
            client,
            hardware_type: message.htype(),
            hardware: message.chaddr().to_vec(),
            xid: message.xid(),
            flags: message.flags(),
            ciaddr: message.ciaddr(),
            giaddr: message.giaddr(),
            options,
        })
    }

    pub(super) fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.get(&code).map(Vec::as_slice)
    }

    fn address(&self, code: u8) -> Option<Ipv4Addr> {
        self.option(code).and_then(|value| <[u8; 4]>::try_from(value).ok()).map(Ipv4Addr::from)
    }

    /// The address it asks for (option 50).
    pub(super) fn wanted(&self) -> Option<Ipv4Addr> {
        self.address(50).filter(|address| !address.is_unspecified())
    }

    /// The server it has chosen (option 54).
    pub(super) fn server_id(&self) -> Option<Ipv4Addr> {
        self.address(54)
    }

    /// The longest packet it takes, headers included (option 57).
    pub(super) fn longest_bytes(&self) -> Option<u16> {
        self.option(57).and_then(|value| <[u8; 2]>::try_from(value).ok()).map(u16::from_be_bytes)
    }

    /// The network it asks from, where a relay names one.
    pub(super) fn relayed_link(&self) -> Option<Ipv4Addr> {
        let relayed = !self.giaddr.is_unspecified();
        relayed.then(|| self.option(82).and_then(options::link_selection).unwrap_or(self.giaddr))
    }

    /// The server address that its relay shows to it instead of ours.
    pub(super) fn server_id_override(&self) -> Option<Ipv4Addr> {
        self.option(82).filter(|_| !self.giaddr.is_unspecified()).and_then(options::server_id_override)
    }

    pub(super) fn mac(&self) -> Option<Mac> {
        self.client.mac()
    }

    pub(super) fn uuid(&self) -> Option<SmbiosUuid> {
        self.option(97).and_then(options::machine_uuid)
    }

    /// What asks. iPXE first: it calls itself a PXE client too.
    pub(super) fn asker(&self) -> Asker {
        let architecture = self.architecture();
        let class = self.option(60).unwrap_or_default();
        let by_features = self.option(175).and_then(options::ipxe_has_http);
        let by_class = self.option(77).is_some_and(options::is_ipxe_class);
        match by_features {
            Some(true) => Asker::Ipxe(architecture),
            Some(false) => Asker::IpxeWithoutHttp(architecture),
            None if by_class => Asker::Ipxe(architecture),
            None if class.starts_with(b"PXEClient") => Asker::Pxe(architecture),
            None if class.starts_with(b"HTTPClient") => Asker::Http(architecture),
            None => Asker::Plain,
        }
    }

    /// The first architecture of its list that has a loader, else the first, else the one in its class.
    fn architecture(&self) -> Option<u16> {
        let list = || self.option(93).into_iter().flat_map(options::architectures);
        let known = list().find(|number| firmware_of(*number).is_some());
        known.or_else(|| list().next()).or_else(|| self.option(60).and_then(options::architecture_in_class))
    }
}

/// Every option; parts of one that came in several pieces are joined in their order (RFC 3396).
fn read_options(bytes: &[u8], message: &borrowed::Message<'_>) -> BTreeMap<u8, Vec<u8>> {
    let mut options = BTreeMap::new();
    collect(message.opts(), &mut options);
    let overload = options.get(&52).and_then(|value: &Vec<u8>| value.first()).copied().unwrap_or(0);
    for (bit, field) in [(1, FILE), (2, SNAME)] {
        if overload & bit != 0 {
            collect(borrowed::DhcpOptionIterator::new(&bytes[field]), &mut options);
        }
    }
    options
}

fn collect(found: borrowed::DhcpOptionIterator<'_>, options: &mut BTreeMap<u8, Vec<u8>>) {
    for option in found {
        options.entry(u8::from(option.code())).or_default().extend_from_slice(option.data());
    }
}

/// Ethernet is known by its address; anything else by its client id, else by whatever address it has.
fn client(message: &borrowed::Message<'_>, client_id: Option<&Vec<u8>>) -> Option<Client> {
    if let Ok(mac) = <[u8; 6]>::try_from(message.chaddr()) {
        return (mac != [0; 6]).then_some(Client::Mac(Mac(mac)));
    }
    let id = client_id.map_or(message.chaddr(), Vec::as_slice);
    (!id.is_empty()).then(|| Client::Id(id.to_vec()))
}
