//! Addresses and ports that nobody else uses.
//!
//! Every process has its own address in 127.0.0.0/8, made of its pid, so a port that is free there now stays free until
//! the agent binds it: only this process would take it, and it remembers what it gave away.

use std::{
    collections::HashSet,
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::{Mutex, PoisonError},
};

static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// The address on loopback at which all agents of this process answer; certificates name it.
#[must_use]
pub fn address() -> Ipv4Addr {
    // 22 bits are the largest pid that Linux gives; 127.0.x.x is left to others.
    let bits = (std::process::id() & 0x003f_ffff) | 0x0040_0000;
    Ipv4Addr::from(0x7f00_0000 | bits)
}

/// A port that is free for TCP and UDP alike.
pub(super) fn free(address: Ipv4Addr) -> io::Result<u16> {
    const TRIES: usize = 100;
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_default();
    for _ in 0..TRIES {
        let listener = TcpListener::bind((address, 0))?;
        let port = listener.local_addr()?.port();
        if UdpSocket::bind((address, port)).is_ok() && given.insert(port) {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free for both TCP and UDP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_and_the_address_is_loopback() {
        let ports: HashSet<u16> = (0..50).map(|_| free(address()).unwrap()).collect();
        assert_eq!(ports.len(), 50);
        assert!(address().is_loopback() && address() != Ipv4Addr::LOCALHOST);
    }
}
