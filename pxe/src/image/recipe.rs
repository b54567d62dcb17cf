//! The two programs that make an image: what they are told, and the files they are told about.

use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt as _, path::Path};

use tasks::child::Spec;

use super::{
    BuildError, Inputs,
    error::io_error,
    inputs::{Kind, RootFile},
};

/// Folders of one build, inside its temporary folder.
pub(super) const OVERLAY: &str = "overlay";
pub(super) const TREE: &str = "tree";
pub(super) const OUT: &str = "out";

/// Packs half a gigabyte in ten seconds; 12 gains a thousandth, 19 takes minutes for 6 %.
const ZSTD_LEVEL: &str = "9";
/// Larger blocks pack better, but a boot reads scattered small files and unpacks a whole block for each.
const BLOCK: &str = "128K";

/// Writes what the hooks read: the overlay, the lists, the finishing script.
pub(super) fn lay_out(inputs: &Inputs, work: &Path) -> Result<(), BuildError> {
    for file in inputs.files {
        write(&work.join(OVERLAY), file)?;
    }
    for (path, content) in [("finish.sh", inputs.finish), ("masked", inputs.masked), ("generators", inputs.generators)]
    {
        write(work, &RootFile { path, kind: Kind::Text, content })?;
    }
    let sources = work.join("sources.list");
    fs::write(&sources, inputs.sources.join("\n") + "\n").map_err(io_error("write", &sources))?;
    let out = work.join(OUT);
    fs::create_dir(&out).map_err(io_error("create", &out))
}

/// Modes are set, not asked for: a strict umask must not make a root that nobody can read.
fn write(below: &Path, file: &RootFile) -> Result<(), BuildError> {
    let path = below.join(file.path);
    let mode = match file.kind {
        Kind::Program => 0o755,
        Kind::Text => 0o644,
    };
    for folder in
        path.ancestors().skip(1).take_while(|folder| folder.starts_with(below)).collect::<Vec<_>>().iter().rev()
    {
        fs::create_dir_all(folder).map_err(io_error("create", *folder))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(io_error("set mode of", *folder))?;
    }
    fs::write(&path, file.content).map_err(io_error("write", &path))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(io_error("set mode of", &path))
}

/// Installs the packages into `work/tree`. In mode `root` it takes a mount namespace of its own, so that whatever
/// happens to it, no mount of it is ever seen here.
pub(super) fn mmdebstrap(inputs: &Inputs, work: &Path) -> Spec {
    let hook = |name: &str, command: String| format!("--{name}-hook={command}");
    let w = quoted(work);
    Spec::new("mmdebstrap")
        .args(["--mode=root", "--variant=minbase", "--format=directory", "--verbose"])
        .arg(format!("--include={}", inputs.packages.join(",")))
        .args([
            "--aptopt=Apt::Install-Recommends \"false\"",
            "--aptopt=Acquire::Retries \"3\"",
            "--dpkgopt=force-unsafe-io",
        ])
        .args(inputs.dpkg.iter().map(|line| format!("--dpkgopt={line}")))
        .arg(hook("setup", format!("cp -r {w}/{OVERLAY}/. \"$1\"")))
        .arg(hook("customize", format!("sh {w}/finish.sh \"$1\" {w}/masked {w}/generators")))
        .arg(inputs.suite)
        .arg(work.join(TREE))
        .arg(work.join("sources.list"))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C.UTF-8")
}

/// Packs `work/tree`, kernel and initrd already taken out of it.
pub(super) fn mksquashfs(work: &Path) -> Spec {
    let words = ["-comp", "zstd", "-Xcompression-level", ZSTD_LEVEL, "-b", BLOCK, "-noappend", "-no-progress"];
    let root: OsString = work.join(OUT).join(super::manifest::ROOT).into();
    Spec::new("mksquashfs").arg(work.join(TREE)).arg(root).args(words)
}

/// For the shell that runs hooks.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
