//! The build in reading order: is it there, can it be made, make it, name it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tasks::{Clock, Stop, child::Spec};

use super::{
    BuildError, BuiltImage, Config, Inputs, Origin, Plan, PlanState, Progress, Stage,
    cache::Cache,
    error::io_error,
    manifest::{self, Manifest},
    recipe::{self, OUT, TREE},
    run::{Job, run},
};
use crate::assets::Blob;

/// Programs of a build and the packages they come from.
const TOOLS: [(&str, &str); 4] =
    [("mmdebstrap", "mmdebstrap"), ("mksquashfs", "squashfs-tools"), ("apt-get", "apt"), ("unshare", "util-linux")];

/// What [`build`] would do; touches nothing.
#[must_use]
pub fn plan(config: &Config) -> Plan {
    let inputs = Inputs::of(config);
    let key = inputs.key();
    let folder = config.cache.join(key.to_string());
    let state = if Manifest::of_complete(&folder, &key).is_some() { PlanState::Cached } else { PlanState::Missing };
    Plan { key, folder, state, packages: inputs.packages }
}

/// Returns the image of these inputs, building it if it is not in the cache. Needs root only when it builds.
///
/// Copies and hashes hundreds of megabytes on the calling task: meant for a command, not for the daemon's loop.
///
/// # Errors
/// No root, a missing tool, no room, a failing program, or `stop`. The cache then holds what it held before.
pub async fn build(
    config: &Config,
    clock: &dyn Clock,
    progress: &dyn Progress,
    stop: &Stop,
) -> Result<BuiltImage, BuildError> {
    if let Some(image) = cached(config) {
        return Ok(image);
    }
    check_host(config, progress, stop).await?;
    let cache = match Cache::try_open(&config.cache)? {
        Some(cache) => cache,
        None => timed(clock, progress, Stage::Wait, Cache::wait(&config.cache, stop)).await?,
    };
    if let Some(image) = cached(config) {
        return Ok(image);
    }
    make(&cache, &Inputs::of(config), clock, progress, stop).await
}

fn cached(config: &Config) -> Option<BuiltImage> {
    let Plan { key, folder, .. } = plan(config);
    let manifest = Manifest::of_complete(&folder, &key)?;
    Some(BuiltImage { folder, manifest, origin: Origin::Cache })
}

async fn make(
    cache: &Cache,
    inputs: &Inputs,
    clock: &dyn Clock,
    progress: &dyn Progress,
    stop: &Stop,
) -> Result<BuiltImage, BuildError> {
    let work = cache.work()?;
    let (tree, out) = (work.path().join(TREE), work.path().join(OUT));
    recipe::lay_out(inputs, work.path())?;
    let install = Job {
        stage: Stage::Packages,
        program: "mmdebstrap",
        spec: recipe::mmdebstrap(inputs, work.path()),
        remedy: "is the mirror reachable ([image] mirror) and the keyring new enough (apt-get install debian-archive-keyring)?",
    };
    timed(clock, progress, Stage::Packages, run(install, progress, stop)).await?;
    let kernel_release = take_kernel(&tree, &out)?;
    let status = tree.join("var/lib/dpkg/status");
    let packages = manifest::installed(&fs::read_to_string(&status).map_err(io_error("read", &status))?);
    let pack = Job {
        stage: Stage::Pack,
        program: "mksquashfs",
        spec: recipe::mksquashfs(work.path()),
        remedy: "is the disk full?",
    };
    timed(clock, progress, Stage::Pack, run(pack, progress, stop)).await?;
    let publish = async {
        let manifest = describe(inputs, clock, &out, kernel_release, packages)?;
        manifest.write(&out).map_err(io_error("write", out.join(manifest::MANIFEST)))?;
        let folder = cache.publish(&out, &manifest.key)?;
        Ok(BuiltImage { folder, manifest, origin: Origin::Built })
    };
    timed(clock, progress, Stage::Publish, publish).await
}

fn describe(
    inputs: &Inputs,
    clock: &dyn Clock,
    out: &Path,
    kernel_release: String,
    packages: std::collections::BTreeMap<String, String>,
) -> Result<Manifest, BuildError> {
    let blob = |name: &str| Blob::of_file(&out.join(name)).map_err(io_error("read", out.join(name)));
    Ok(Manifest {
        key: inputs.key(),
        built: clock.now(),
        kernel_release,
        kernel: blob(manifest::KERNEL)?,
        initrd: blob(manifest::INITRD)?,
        root: blob(manifest::ROOT)?,
        packages,
    })
}

/// Moves kernel and initrd out of the root, where they would be carried along for nothing; returns the release.
fn take_kernel(tree: &Path, out: &Path) -> Result<String, BuildError> {
    let boot = tree.join("boot");
    let names = fs::read_dir(&boot).map_err(io_error("read", &boot))?.flatten().map(|entry| entry.file_name());
    let names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    let releases: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("vmlinuz-")).collect();
    let [release] = releases.as_slice() else { return Err(BuildError::Kernel { found: releases.len() }) };
    let take = |from: PathBuf, name: &str| fs::rename(&from, out.join(name)).map_err(io_error("move", &from));
    take(boot.join(format!("vmlinuz-{release}")), manifest::KERNEL)?;
    take(boot.join(format!("initrd.img-{release}")), manifest::INITRD)?;
    for rest in names.iter().map(|name| boot.join(name)).filter(|path| path.is_file()) {
        fs::remove_file(&rest).map_err(io_error("remove", &rest))?;
    }
    Ok((*release).to_owned())
}

async fn check_host(config: &Config, progress: &dyn Progress, stop: &Stop) -> Result<(), BuildError> {
    if !rustix::process::geteuid().is_root() {
        return Err(BuildError::NotRoot);
    }
    for (program, package) in TOOLS {
        if !on_path(program) {
            return Err(BuildError::Missing { program, package });
        }
    }
    if !config.keyring.is_file() {
        return Err(BuildError::Keyring { path: config.keyring.clone() });
    }
    // In a chroot `/` is no mount, so its propagation could not be changed and need not be.
    let spec = Spec::new("unshare").args(["--mount", "--propagation", "unchanged", "true"]);
    let probe = Job { stage: Stage::Packages, program: "unshare", spec, remedy: "" };
    match run(probe, progress, stop).await {
        Err(BuildError::Failed { .. }) => Err(BuildError::NoMounts),
        other => other,
    }
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

async fn timed<T>(
    clock: &dyn Clock,
    progress: &dyn Progress,
    stage: Stage,
    work: impl Future<Output = Result<T, BuildError>>,
) -> Result<T, BuildError> {
    let from: Duration = clock.uptime();
    progress.begin(stage);
    let done = work.await?;
    progress.end(stage, clock.uptime().saturating_sub(from));
    Ok(done)
}
