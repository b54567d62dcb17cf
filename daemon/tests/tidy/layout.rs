//! Rules on the shape of the workspace: who may depend on whom, what is compiled, how much comes from outside.

use std::{collections::HashSet, process::Command};

use serde_json::Value;

use crate::{
    findings::{Finding, none},
    sources::{files, root, sources, text},
};

/// Which of our packages each may use. `daemon` may use all; tests may use `lab` besides.
const MAY_USE: &[(&str, &[&str])] = &[
    ("daemon", &["vocabulary", "tasks", "store", "lab", "pxe", "ansible", "jobs", "systemd"]),
    ("lab", &["vocabulary", "tasks", "store", "pxe", "ansible", "jobs", "systemd"]),
    ("pxe", &["vocabulary", "tasks"]),
    ("ansible", &["vocabulary", "tasks"]),
    ("jobs", &["vocabulary", "tasks"]),
    ("generate", &[]),
    ("store", &["vocabulary"]),
    ("systemd", &[]),
    ("tasks", &[]),
    ("vocabulary", &[]),
];

/// Packages in Cargo.lock. Each is read by nobody here and compiled by everybody: raise it only with a reason.
const LOCKED_PACKAGES: usize = 520;

/// What cargo knows of our packages.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap()
}

fn manifest(package: &Value) -> String {
    let path = package["manifest_path"].as_str().unwrap();
    path.strip_prefix(&*root().to_string_lossy()).unwrap_or(path).trim_start_matches('/').to_owned()
}

#[test]
fn dependencies_point_downwards() {
    let mut found = Vec::new();
    for package in packages() {
        let from = name(&package);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == from) else {
            found.push(Finding::new(&manifest(&package), 1, format!("`{from}` is not in MAY_USE yet")));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap().iter().filter(|it| it["path"].is_string()) {
            let to = name(dependency);
            let in_tests_alone = dependency["kind"] == "dev" && to == "lab";
            if !allowed.contains(&to) && !in_tests_alone {
                found.push(Finding::new(&manifest(&package), 1, format!("`{from}` depends on `{to}`")));
            }
        }
    }
    none(
        "daemon -> everything; pxe, ansible, jobs -> tasks, vocabulary; store -> vocabulary; the rest -> nothing of ours",
        "state the need as a narrow trait in the leaf and implement it in daemon/src/adapters.rs (docs/architecture.md)",
        &found,
    );
}

#[test]
fn packages_are_named_after_their_folder_and_keep_the_house_lints() {
    let mut found = Vec::new();
    for package in packages() {
        let manifest = manifest(&package);
        let folder = manifest.rsplit('/').nth(1).unwrap_or_default();
        if folder != name(&package) {
            found.push(Finding::new(&manifest, 1, format!("package `{}` is in the folder `{folder}`", name(&package))));
        }
        if !text(&manifest).unwrap_or_default().contains("[lints]\nworkspace = true") {
            found.push(Finding::new(&manifest, 1, "has no `[lints] workspace = true`"));
        }
    }
    none("a package is named after its folder and keeps the workspace's lints", "rename it; add the two lines", &found);
}

#[test]
fn every_rust_file_is_compiled() {
    let modules = sources().iter().flat_map(|source| &source.modules);
    let mut declared: HashSet<String> = modules.flat_map(|module| module.files.clone()).collect();
    for package in packages() {
        for target in package["targets"].as_array().unwrap() {
            let path = target["src_path"].as_str().unwrap();
            declared
                .insert(path.strip_prefix(&*root().to_string_lossy()).unwrap_or(path).trim_start_matches('/').into());
        }
    }
    // Fuzz targets belong to workspaces of their own, which cargo metadata does not show from here.
    let lost = |path: &String| !declared.contains(path) && !path.contains("/fuzz/");
    let found: Vec<Finding> = sources()
        .iter()
        .filter(|source| lost(&source.path))
        .map(|source| Finding::new(&source.path, 1, "no `mod` names it"))
        .collect();
    none("every Rust file is part of a target, tests above all", "declare it as a module, or delete it", &found);
}

#[test]
fn integration_tests_are_one_binary_a_package() {
    let several = |package: &Value| {
        let is_test = |target: &&Value| target["kind"][0] == "test" && target["name"] != "tidy";
        let tests = package["targets"].as_array().unwrap().iter().filter(is_test).count();
        (tests > 1).then(|| Finding::new(&manifest(package), 1, format!("{tests} integration test binaries")))
    };
    none(
        "a package has one integration test binary: each more is linked anew at every change",
        "make it a module of tests/main.rs",
        &packages().iter().filter_map(several).collect::<Vec<_>>(),
    );
}

#[test]
fn little_comes_from_outside() {
    let lock = text("Cargo.lock").unwrap();
    let count = lock.matches("[[package]]").count();
    let over = (count > LOCKED_PACKAGES).then(|| Finding::new("Cargo.lock", 1, format!("{count} packages")));
    none(
        "Cargo.lock holds at most 520 packages",
        "look for what brought them (cargo tree -i NAME), drop features; else raise LOCKED_PACKAGES and say why",
        &over.into_iter().collect::<Vec<_>>(),
    );
}

#[test]
fn no_binary_is_committed() {
    // Pictures in documents and packets that fuzzing starts from are bytes by nature, and small.
    let allowed = |file: &str| file.starts_with("docs/") || file.contains("/fuzz/seeds/");
    let opaque = |file: &&String| text(file).is_none() && !allowed(file);
    let found: Vec<Finding> = files().iter().filter(opaque).map(|file| Finding::new(file, 1, "is no text")).collect();
    none("nothing binary is committed", "make it in the build, or fetch it with a checksum", &found);
}
