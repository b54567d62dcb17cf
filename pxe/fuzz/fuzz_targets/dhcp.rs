//! Any bytes as a DHCP packet, on the link and through a relay.

#![no_main]

#[path = "../harness/dhcp.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::packet(bytes));
