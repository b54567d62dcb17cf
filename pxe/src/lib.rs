//! What a bare machine is given over the network until its own system runs: an address, a loader, a script, a kernel,
//! an image.
//!
//! One module a protocol, each pure inside and with its sockets at the rim. They share no state: what one of them saw
//! it tells its [`witness::Witness`], and whoever needs the whole story listens there. Nothing here knows what a node
//! is or where anything is stored; the daemon brings both behind narrow traits.

pub mod assets;
pub mod dhcp;
pub mod http;
pub mod image;
pub mod ipxe;
mod lock;
pub mod tftp;
pub mod witness;
