//! A read over TFTP (RFC 1350, 2347-2349), as firmware fetches its loader: blksize and tsize asked, one block at a time.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use super::place::Synthetic;
use crate::namespace::EnterError;

const BLOCK_BYTES: usize = 1468;
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: u32 = 5;

/// The file was not had.
#[derive(Debug, thiserror::Error)]
pub enum TftpError {
    /// The server's ERROR packet; its text is what a console shows.
    #[error("TFTP error {code} for {file}: {message}")]
    Refused {
        /// What was asked for.
        file: String,
        /// Its code.
        code: u16,
        /// Its text.
        message: String,
    },
    /// The server fell silent.
    #[error("no TFTP answer for {file} after block {block}")]
    Silence {
        /// What was asked for.
        file: String,
        /// The last block that came.
        block: u16,
    },
    /// The socket failed.
    #[error("cannot speak TFTP")]
    Io(#[from] io::Error),
    /// The namespace is gone.
    #[error("cannot speak TFTP")]
    Enter(#[from] EnterError),
    /// The runtime is going down.
    #[error("the runtime stops")]
    Runtime(#[from] tokio::task::JoinError),
}

impl Synthetic {
    /// Fetches a file from port 69 of this server.
    pub async fn tftp(&self, server: Ipv4Addr, file: &str) -> Result<Vec<u8>, TftpError> {
        let socket = self.namespace.enter(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))??;
        let file = file.trim_start_matches('/').to_owned();
        tokio::task::spawn_blocking(move || Transfer { socket, file, block: 0, bytes: Vec::new() }.fetch(server))
            .await?
    }
}

struct Transfer {
    socket: UdpSocket,
    file: String,
    block: u16,
    bytes: Vec<u8>,
}

impl Transfer {
    fn fetch(mut self, server: Ipv4Addr) -> Result<Vec<u8>, TftpError> {
        self.socket.set_read_timeout(Some(PATIENCE))?;
        let mut peer = SocketAddr::from((server, 69));
        let mut ours = [&[0, 1][..], self.file.as_bytes(), b"\0octet\0blksize\x001468\0tsize\x000\0"].concat();
        let mut tries = 0;
        let mut block_bytes = 512;
        loop {
            self.socket.send_to(&ours, peer)?;
            let Some((packet, from)) = self.receive()? else {
                tries += 1;
                if tries == TRIES {
                    return Err(TftpError::Silence { file: self.file, block: self.block });
                }
                continue;
            };
            (tries, peer) = (0, from);
            match (u16::from_be_bytes([packet[0], packet[1]]), u16::from_be_bytes([packet[2], packet[3]])) {
                (5, code) => return Err(self.refused(code, &packet[4..])),
                (6, _) => block_bytes = BLOCK_BYTES,
                (3, block) if block == self.block.wrapping_add(1) => {
                    self.block = block;
                    self.bytes.extend(&packet[4..]);
                }
                _ => (),
            }
            ours = [&[0, 4][..], &self.block.to_be_bytes()].concat();
            if packet[1] == 3 && packet.len() - 4 < block_bytes {
                self.socket.send_to(&ours, peer)?;
                return Ok(self.bytes);
            }
        }
    }

    fn receive(&self) -> io::Result<Option<(Vec<u8>, SocketAddr)>> {
        let mut packet = [0; 2048];
        match self.socket.recv_from(&mut packet) {
            Ok((count, from)) if count >= 4 => Ok(Some((packet[..count].to_vec(), from))),
            Ok(_) => Ok(None),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn refused(&self, code: u16, text: &[u8]) -> TftpError {
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        let message = String::from_utf8_lossy(&text[..end]).into_owned();
        TftpError::Refused { file: self.file.clone(), code, message }
    }
}
