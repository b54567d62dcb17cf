//! Where Nomad and Consul are: PATH, or the cache that `scripts/agents` fills.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::Kind;

/// The program is nowhere.
#[derive(Debug, thiserror::Error)]
#[error("{name} is neither in PATH nor in {} (scripts/agents has it at hand)", looked.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", "))]
pub struct NoBinary {
    /// Which.
    pub name: &'static str,
    /// The folders besides PATH.
    pub looked: Vec<PathBuf>,
}

/// The program to start.
pub fn find(kind: Kind) -> Result<PathBuf, NoBinary> {
    let name = kind.program();
    let path = env::var_os("PATH").unwrap_or_default();
    let caches = caches();
    let folders = env::split_paths(&path).chain(caches.iter().cloned());
    let found = folders.map(|folder| folder.join(name)).find(|file| is_program(file));
    found.ok_or(NoBinary { name, looked: caches })
}

/// As scripts/common.sh has it.
fn caches() -> Vec<PathBuf> {
    let tools = |cache: PathBuf| cache.join("tools/bin");
    if let Some(cache) = env::var_os("ROOST_CACHE") {
        return vec![tools(cache.into())];
    }
    let home = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    let user = home.map(|home| tools(home.join("roost")));
    [Some(tools("/var/cache/roost".into())), user].into_iter().flatten().collect()
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
