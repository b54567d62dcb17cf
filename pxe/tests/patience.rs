//! Receiving with a time limit, where signals interrupt: other tests of this process have children, and a socket with
//! a timeout is not restarted by the kernel when one of them ends (socket(7), signal(7)).

use std::{
    io,
    net::{SocketAddr, UdpSocket},
};

/// As [`UdpSocket::recv_from`], but only a packet or the time limit ends it.
pub(crate) fn recv_from(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            ended => return ended,
        }
    }
}
