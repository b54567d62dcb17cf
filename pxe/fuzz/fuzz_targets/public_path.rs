//! Any bytes as the name of a file over TFTP or under /files/.

#![no_main]

#[path = "../harness/public_path.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::name(bytes));
