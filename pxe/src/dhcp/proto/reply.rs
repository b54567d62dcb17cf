//! One answer, put together and encoded.
//!
//! Every option that a client of its kind might need is sent, asked for or not: firmware leaves out of its list what
//! it then waits for. The relay's option 82 is appended byte by byte after all others, since relays compare it.
//! `siaddr`, `sname`, `file` and options 66 and 67 say the same thing, because each is the only one that some ROM
//! reads; a URL longer than `file` goes into 67 alone.

use std::{net::Ipv4Addr, time::Duration};

use dhcproto::{
    Encodable as _,
    v4::{DhcpOption, DhcpOptions, Message, MessageType, Opcode, OptionCode},
};

use super::{
    super::{
        boot::{Asker, BootFile, BootFiles, VendorOptions},
        config::Subnet,
    },
    options,
    request::Request,
};

/// The smallest packet that old BOOTP relays and ROMs take (RFC 1542, 2.1).
const SHORTEST_BYTES: usize = 300;
/// What every client takes, and the largest Ethernet frame (RFC 2131, 2), IP and UDP headers included.
const EVERYONE_TAKES_BYTES: u16 = 576;
const ETHERNET_BYTES: u16 = 1500;
const HEADERS_BYTES: u16 = 28;
/// The field `file` less its terminating zero.
const FILE_BYTES: usize = 127;
/// What is left out first where a client takes too little.
const LEAST_NEEDED: [OptionCode; 6] = [
    OptionCode::NtpServers,
    OptionCode::DomainName,
    OptionCode::Hostname,
    OptionCode::BroadcastAddr,
    OptionCode::TFTPServerName,
    OptionCode::ClientIdentifier,
];
const END: u8 = 255;
const RELAY_INFORMATION: u8 = 82;

/// Where an answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// To a client that uses this address.
    Client(Ipv4Addr),
    /// To every client on the link.
    Broadcast,
    /// To a relay's server port.
    Relay(Ipv4Addr),
    /// To a client that has no address yet and did not ask for broadcast: this address is going to be its own.
    Unconfigured(Ipv4Addr),
}

/// An answer, ready to be sent from the address that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The packet.
    pub bytes: Vec<u8>,
    /// Where it goes.
    pub destination: Destination,
}

/// What an address comes with.
pub(super) struct Grant<'a> {
    pub(super) address: Ipv4Addr,
    /// Nothing for INFORM, whose client has an address already.
    pub(super) lease: Option<Duration>,
    pub(super) subnet: &'a Subnet,
    pub(super) hostname: Option<&'a str>,
    pub(super) boot: Boot<'a>,
}

/// What the client is told to load, decided before.
pub(super) struct Boot<'a> {
    pub(super) asker: Asker,
    pub(super) files: Option<&'a BootFiles>,
    pub(super) file: &'a BootFile,
    pub(super) vendor_options: VendorOptions,
}

pub(super) fn grant(request: &Request, server: Ipv4Addr, kind: MessageType, grant: &Grant<'_>) -> Reply {
    let mut message = blank(request);
    let address = if grant.lease.is_some() { grant.address } else { Ipv4Addr::UNSPECIFIED };
    message.set_yiaddr(address);
    if kind == MessageType::Ack {
        message.set_ciaddr(request.ciaddr);
    }
    network_options(message.opts_mut(), grant);
    boot_options(&mut message, request, &grant.boot);
    identity_options(message.opts_mut(), request, server, kind);
    Reply { bytes: encode(message, request), destination: destination(request, address) }
}

pub(super) fn nak(request: &Request, server: Ipv4Addr, why: &str) -> Reply {
    let mut message = blank(request);
    message.opts_mut().insert(DhcpOption::Message(why.to_owned()));
    identity_options(message.opts_mut(), request, server, MessageType::Nak);
    let relayed = !request.giaddr.is_unspecified();
    if relayed {
        message.set_flags(request.flags.set_broadcast());
    }
    let destination = if relayed { Destination::Relay(request.giaddr) } else { Destination::Broadcast };
    Reply { bytes: encode(message, request), destination }
}

fn blank(request: &Request) -> Message {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = Message::new_with_id(request.xid, none, none, none, request.giaddr, &request.hardware);
    message.set_opcode(Opcode::BootReply).set_htype(request.hardware_type).set_flags(request.flags);
    message
}

/// RFC 2131, 4.1.
fn destination(request: &Request, address: Ipv4Addr) -> Destination {
    if !request.giaddr.is_unspecified() {
        Destination::Relay(request.giaddr)
    } else if !request.ciaddr.is_unspecified() {
        Destination::Client(request.ciaddr)
    } else if request.flags.broadcast() {
        Destination::Broadcast
    } else {
        Destination::Unconfigured(address)
    }
}

/// Option 61 goes back as it came (RFC 6842).
fn identity_options(opts: &mut DhcpOptions, request: &Request, server: Ipv4Addr, kind: MessageType) {
    opts.insert(DhcpOption::MessageType(kind));
    opts.insert(DhcpOption::ServerIdentifier(server));
    if let Some(id) = request.option(61) {
        opts.insert(DhcpOption::ClientIdentifier(id.to_vec()));
    }
}

fn network_options(opts: &mut DhcpOptions, grant: &Grant<'_>) {
    let subnet = grant.subnet;
    if let Some(lease) = grant.lease {
        let seconds = u32::try_from(lease.as_secs()).unwrap_or(u32::MAX - 1);
        opts.insert(DhcpOption::AddressLeaseTime(seconds));
        opts.insert(DhcpOption::Renewal(seconds / 2));
        opts.insert(DhcpOption::Rebinding(seconds - seconds / 8));
    }
    opts.insert(DhcpOption::SubnetMask(subnet.cidr.netmask()));
    opts.insert(DhcpOption::BroadcastAddr(subnet.cidr.broadcast()));
    opts.extend_some(subnet.router.map(|router| DhcpOption::Router(vec![router])));
    let dns = (!subnet.dns.is_empty()).then(|| DhcpOption::DomainNameServer(subnet.dns.clone()));
    opts.extend_some(dns);
    opts.extend_some((!subnet.ntp.is_empty()).then(|| DhcpOption::NtpServers(subnet.ntp.clone())));
    opts.extend_some(subnet.domain.clone().map(DhcpOption::DomainName));
    opts.extend_some(grant.hostname.map(|name| DhcpOption::Hostname(name.to_owned())));
}

fn boot_options(message: &mut Message, request: &Request, boot: &Boot<'_>) {
    class_options(message.opts_mut(), request, boot);
    let Some(files) = boot.files else { return };
    match boot.file {
        BootFile::Nothing(_) => {}
        BootFile::Tftp(name) => {
            let server = files.tftp.to_string().into_bytes();
            message.set_siaddr(files.tftp).set_sname(&server);
            message.opts_mut().insert(DhcpOption::TFTPServerName(terminated(&server)));
            set_file(message, name, &terminated(name.as_bytes()));
        }
        BootFile::Url(url) => {
            message.set_siaddr(*files.http.ip());
            set_file(message, url, url.as_bytes());
        }
    }
}

fn set_file(message: &mut Message, name: &str, option: &[u8]) {
    if name.len() <= FILE_BYTES {
        message.set_fname(name.as_bytes());
    }
    message.opts_mut().insert(DhcpOption::BootfileName(option.to_vec()));
}

/// Old ROMs read on to a zero byte, past the end of the option.
fn terminated(text: &[u8]) -> Vec<u8> {
    [text, &[0]].concat()
}

/// Options 43, 60, 97 and 175: what makes each kind of client take this answer for a boot server's.
fn class_options(opts: &mut DhcpOptions, request: &Request, boot: &Boot<'_>) {
    let class = match boot.asker {
        Asker::Plain => return,
        Asker::Ipxe(_) | Asker::IpxeWithoutHttp(_) => {
            opts.insert(unknown(175, options::ipxe_no_proxy()));
            None
        }
        Asker::Pxe(_) => Some(&b"PXEClient"[..]),
        Asker::Http(_) => Some(&b"HTTPClient"[..]),
    };
    opts.extend_some(class.map(|class| DhcpOption::ClassIdentifier(class.to_vec())));
    if let (Some(raw), true) = (request.option(97), request.uuid().is_some()) {
        opts.insert(DhcpOption::ClientMachineIdentifier(raw.to_vec()));
    }
    let vendor_options = match (boot.asker, boot.vendor_options, boot.files) {
        (Asker::Pxe(_), VendorOptions::Bypass, Some(_)) => options::pxe_bypass(),
        (Asker::Pxe(_), VendorOptions::BypassWithMenu, Some(files)) => options::pxe_bypass_with_menu(files.tftp),
        _ => return,
    };
    opts.insert(DhcpOption::VendorExtensions(vendor_options));
}

fn unknown(code: u8, data: Vec<u8>) -> DhcpOption {
    DhcpOption::Unknown(dhcproto::v4::UnknownOption::new(code.into(), data))
}

/// The packet, no longer than the client takes as long as there is something to leave out. Option 82 does not count:
/// the relay takes it off again.
fn encode(mut message: Message, request: &Request) -> Vec<u8> {
    let longest = request.longest_bytes().unwrap_or(0).clamp(EVERYONE_TAKES_BYTES, ETHERNET_BYTES) - HEADERS_BYTES;
    let mut left_out = LEAST_NEEDED.into_iter();
    let mut bytes = encoded(&message);
    while bytes.len() > usize::from(longest) {
        let Some(code) = left_out.next() else { break };
        message.opts_mut().remove(code);
        bytes = encoded(&message);
    }
    append_relay_information(&mut bytes, request.option(RELAY_INFORMATION));
    bytes.resize(bytes.len().max(SHORTEST_BYTES), 0);
    bytes
}

/// Only a compressed domain name can fail to encode, and no option here holds one.
fn encoded(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap_or_default()
}

fn append_relay_information(bytes: &mut Vec<u8>, option_82: Option<&[u8]>) {
    let (Some(value), Some(&END)) = (option_82, bytes.last()) else { return };
    bytes.pop();
    if value.is_empty() {
        bytes.extend([RELAY_INFORMATION, 0]);
    }
    for part in value.chunks(usize::from(u8::MAX)) {
        bytes.push(RELAY_INFORMATION);
        bytes.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
        bytes.extend(part);
    }
    bytes.push(END);
}

/// Inserts an option where there is one.
trait ExtendSome {
    fn extend_some(&mut self, option: Option<DhcpOption>);
}

impl ExtendSome for DhcpOptions {
    fn extend_some(&mut self, option: Option<DhcpOption>) {
        if let Some(option) = option {
            self.insert(option);
        }
    }
}
