//! Any bytes as a value in a boot script.

#![no_main]

#[path = "../harness/script_values.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::value(bytes));
