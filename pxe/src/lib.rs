//! .

pub mod ipxe;
