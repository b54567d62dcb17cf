//! The seeds of the fuzz targets for names and script values, and each of them cut at every byte, without a fuzzer.

use std::{fs, path::Path};

#[path = "../fuzz/harness/public_path.rs"]
mod public_path;
#[path = "../fuzz/harness/script_values.rs"]
mod script_values;

fn replay(target: &str, check: fn(&[u8])) -> usize {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let seeds: Vec<_> = fs::read_dir(seeds).unwrap().map(|seed| fs::read(seed.unwrap().path()).unwrap()).collect();
    for bytes in &seeds {
        (0..=bytes.len()).for_each(|end| check(&bytes[..end]));
    }
    seeds.len()
}

#[test]
fn b22_every_seed_of_a_name_stays_inside() {
    assert!(replay("public_path", public_path::name) >= 12);
}

#[test]
fn every_seed_of_a_value_leaves_a_script_in_shape() {
    assert!(replay("script_values", script_values::value) >= 14);
}
