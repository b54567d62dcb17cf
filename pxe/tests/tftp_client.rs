//! A TFTP client for tests (RFC 1350, 2347-2349, 7440) that can lose, double and reorder packets on purpose.
//!
//! Real clients behave, and none of them counts how often a block came. curl is tried as well, in `tftp_transfers`.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    time::Duration,
};

/// What the client asks for and how the network treats it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Get {
    pub(crate) blksize: Option<u16>,
    pub(crate) windowsize: Option<u16>,
    pub(crate) tsize: bool,
    /// Percent of packets lost, each way.
    pub(crate) loss: u64,
    /// Percent of ACKs sent twice.
    pub(crate) doubled: u64,
    /// Percent of DATA packets that arrive after the next one.
    pub(crate) late: u64,
    pub(crate) seed: u64,
}

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Got {
    pub(crate) bytes: Vec<u8>,
    /// The options that the server acknowledged.
    pub(crate) options: HashMap<String, u64>,
    /// DATA packets that came, repeats included.
    pub(crate) packets: u64,
    /// Blocks of the file.
    pub(crate) blocks: u64,
}

struct Session {
    socket: UdpSocket,
    server: Option<SocketAddrV4>,
    get: Get,
    random: u64,
    held: Option<Vec<u8>>,
}

/// The client's patience: shorter than the server's second, as many ROMs are.
const PATIENCE: Duration = Duration::from_millis(150);

pub(crate) fn request(opcode: u16, name: &[u8], get: Get) -> Vec<u8> {
    let mut packet = opcode.to_be_bytes().to_vec();
    packet.extend_from_slice(name);
    packet.extend_from_slice(b"\0octet\0");
    let mut option = |name: &str, value: u64| packet.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    if let Some(value) = get.blksize {
        option("blksize", value.into());
    }
    if let Some(value) = get.windowsize {
        option("windowsize", value.into());
    }
    if get.tsize {
        option("tsize", 0);
    }
    packet
}

pub(crate) fn open_socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Fetches a file, or returns the text of the ERROR.
pub(crate) fn fetch(server: SocketAddrV4, name: &str, get: Get) -> Result<Got, String> {
    let random = get.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut session = Session { socket: open_socket(), server: None, get, random, held: None };
    session.fetch(server, name)
}

impl Session {
    fn fetch(&mut self, server: SocketAddrV4, name: &str) -> Result<Got, String> {
        let mut got = Got::default();
        let (mut size, mut window) = (512, 1);
        let mut in_window = 0;
        let mut told_gap = false;
        let mut silence = 0;
        self.socket.send_to(&request(1, name.as_bytes(), self.get), server).unwrap();
        loop {
            let Some(packet) = self.receive() else {
                silence += 1;
                assert!(silence < 100, "the server fell silent after {} blocks", got.blocks);
                // Only what was received is repeated; the server's own clock does the rest.
                if self.server.is_some() {
                    self.acknowledge(got.blocks);
                }
                in_window = 0;
                continue;
            };
            silence = 0;
            match u16::from_be_bytes([packet[0], packet[1]]) {
                3 => {
                    got.packets += 1;
                    let block = u16::from_be_bytes([packet[2], packet[3]]);
                    if block != on_the_wire(got.blocks + 1) {
                        if !std::mem::replace(&mut told_gap, true) {
                            self.acknowledge(got.blocks);
                            in_window = 0;
                        }
                        continue;
                    }
                    told_gap = false;
                    got.blocks += 1;
                    got.bytes.extend_from_slice(&packet[4..]);
                    in_window += 1;
                    let last = packet.len() - 4 < size;
                    if last || in_window == window {
                        self.acknowledge(got.blocks);
                        in_window = 0;
                    }
                    if last {
                        self.linger(got.blocks);
                        return Ok(got);
                    }
                }
                5 => return Err(text(&packet[4..])),
                6 => {
                    got.options = options(&packet[2..]);
                    size = got.options.get("blksize").map_or(512, |size| usize::try_from(*size).unwrap());
                    window = got.options.get("windowsize").copied().unwrap_or(1);
                    self.acknowledge(0);
                }
                other => panic!("opcode {other}"),
            }
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        let packet = self.receive_one()?;
        let is_data = packet[1] == 3;
        if is_data && self.chance(self.get.loss) {
            return None.or_else(|| self.receive());
        }
        if is_data && self.chance(self.get.late) {
            self.held = Some(packet);
            let next = self.receive_one();
            return next.or_else(|| self.held.take());
        }
        Some(packet)
    }

    fn receive_one(&mut self) -> Option<Vec<u8>> {
        let mut buffer = [0; 65536];
        match crate::patience::recv_from(&self.socket, &mut buffer) {
            Ok((count, std::net::SocketAddr::V4(from))) => {
                assert_eq!(*self.server.get_or_insert(from), from, "the server changed its port");
                Some(buffer[..count].to_vec())
            }
            Ok(_) => unreachable!("an IPv4 socket"),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn acknowledge(&mut self, block: u64) {
        let server = self.server.unwrap();
        let mut packet = vec![0, 4];
        packet.extend_from_slice(&on_the_wire(block).to_be_bytes());
        if !self.chance(self.get.loss) {
            self.socket.send_to(&packet, server).unwrap();
        }
        if self.chance(self.get.doubled) {
            self.socket.send_to(&packet, server).unwrap();
        }
    }

    /// Answers a repeated last block for a while, since the last ACK may have been lost.
    fn linger(&mut self, block: u64) {
        if self.get.loss == 0 {
            return;
        }
        for _ in 0..10 {
            if self.receive_one().is_some() {
                self.acknowledge(block);
            }
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % 100 < percent
    }
}

/// Block numbers have 16 bits and start again at 0.
fn on_the_wire(block: u64) -> u16 {
    u16::try_from(block % 65536).unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap()).into_owned()
}

pub(crate) fn options(bytes: &[u8]) -> HashMap<String, u64> {
    let words: Vec<_> = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    words.chunks_exact(2).map(|pair| (pair[0].to_lowercase(), pair[1].parse().unwrap())).collect()
}
