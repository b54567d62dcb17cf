//! The fuzz target's seeds, and each of them cut at every byte, without a fuzzer.

use std::{fs, path::Path};

#[path = "../fuzz/harness/dhcp.rs"]
mod harness;

#[test]
fn b13_the_seeds_and_all_their_prefixes_hold() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/dhcp");
    let mut replayed = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        let bytes = fs::read(seed.unwrap().path()).unwrap();
        for end in 0..=bytes.len() {
            harness::packet(&bytes[..end]);
        }
        replayed += 1;
    }
    assert!(replayed >= 18, "{replayed} seeds");
}
