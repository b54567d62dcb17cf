//! Any bytes as what a machine says of its TPM.

#![no_main]

#[path = "../harness/tpm_lines.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::lines(bytes));
