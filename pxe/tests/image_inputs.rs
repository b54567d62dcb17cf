//! The name of an image follows everything that goes into it, and nothing in the folder is left out.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pxe::image::{Config, Inputs, PackageName, PlanState, plan};

fn config() -> Config {
    Config::new(PathBuf::from("/nonexistent/image"))
}

#[test]
fn the_same_inputs_have_the_same_key() {
    assert_eq!(Inputs::of(&config()).key(), Inputs::of(&config()).key());
    let elsewhere = Config { cache: "/somewhere/else".into(), ..config() };
    assert_eq!(Inputs::of(&elsewhere).key(), Inputs::of(&config()).key(), "the folder is no input");
}

#[test]
fn each_input_changes_the_key() {
    let now = Inputs::of(&config());
    let with = |change: &dyn Fn(&mut Inputs)| {
        let mut changed = now.clone();
        change(&mut changed);
        changed.key().to_string()
    };
    let keys = BTreeSet::from([
        now.key().to_string(),
        with(&|i| i.builder = "another"),
        with(&|i| i.suite = "forky"),
        with(&|i| i.sources[0].push('x')),
        with(&|i| i.packages.truncate(1)),
        with(&|i| i.dpkg.truncate(1)),
        with(&|i| i.masked = ""),
        with(&|i| i.generators = ""),
        with(&|i| i.finish = ""),
        with(&|i| i.files = &i.files[1..]),
    ]);
    assert_eq!(keys.len(), 10);
}

#[test]
fn the_configuration_is_an_input() {
    let mirror = Config { mirror: "http://mirror.example/debian".parse().unwrap(), ..config() };
    let security = Config { security: None, ..config() };
    let package = Config { packages: vec!["htop".parse().unwrap()], ..config() };
    let known = Config { packages: vec!["busybox".parse().unwrap()], ..config() };
    let key = |config: &Config| Inputs::of(config).key();
    let base = key(&config());
    assert!([mirror, security, package].iter().all(|changed| key(changed) != base));
    assert_eq!(key(&known), base, "a package that is in the list anyway changes nothing");
}

#[test]
fn every_file_of_the_tree_is_compiled_in() {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("image/root");
    let mut folders = vec![tree.clone()];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(&tree).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let listed: BTreeSet<String> = Inputs::of(&config()).files.iter().map(|file| file.path.to_owned()).collect();
    assert_eq!(listed, found);
}

#[test]
fn each_package_has_its_reason() {
    let list = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("image/packages.list")).unwrap();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (name, reason) = line.split_once('#').unwrap_or_else(|| panic!("{line:?} has no reason"));
        name.trim().parse::<PackageName>().unwrap();
        assert!(reason.trim().len() > 10, "{line:?}");
    }
}

#[test]
fn a_package_name_is_one_plain_word() {
    for bad in ["", "a", "Htop", "htop,ssh", "htop nano", "--include", "$(id)", "htop\n"] {
        assert!(bad.parse::<PackageName>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_plan_says_what_is_missing() {
    let plan = plan(&config());
    assert_eq!(plan.state, PlanState::Missing);
    assert!(plan.packages.iter().any(|package| package == "docker.io"));
    assert!(plan.folder.ends_with(plan.key.to_string()));
}
