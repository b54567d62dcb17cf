//! The seeds of the daemon's fuzz targets, and each of them cut at every byte, without a fuzzer.

use std::{fs, path::Path};

#[path = "../../fuzz/harness/tpm_lines.rs"]
mod tpm_lines;

#[test]
fn no_seed_of_a_conversation_proves_a_key_or_reaches_a_person_unprinted() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/tpm_lines");
    let seeds: Vec<_> = fs::read_dir(seeds).unwrap().map(|seed| fs::read(seed.unwrap().path()).unwrap()).collect();
    assert!(seeds.len() >= 9);
    for bytes in &seeds {
        (0..=bytes.len()).for_each(|end| tpm_lines::lines(&bytes[..end]));
    }
}
