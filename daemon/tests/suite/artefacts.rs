//! What every machine on the boot network may fetch, searched for what nobody there may have: kernel, initrd and root
//! image as they were built, unpacked.
//!
//! What a Debian package brought unchanged is public, also where it looks like a secret (GnuTLS has the private keys of
//! its self-test in it): a file with the digest of one that a package lists is passed over.
//! grep searches: half a gigabyte is a matter of seconds for it and of minutes for a test without optimisation.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::boot;

/// What gives a secret away, for `grep -P`.
const SIGNS: [(&str, &str); 4] = [
    ("private key", r"PRIVATE KEY-----\r?\n\s*(?:[A-Za-z0-9+/=]{32,}|[A-Z][A-Za-z-]*: )"),
    ("password hash", r"\$(?:y|gy|7|6|5|2[aby]|1)\$[./A-Za-z0-9,=]{1,40}\$[./A-Za-z0-9]{20,}"),
    ("call-home token", r"(?<![A-Za-z0-9_-])rt_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    ("API key", r"(?<![A-Za-z0-9_-])rk_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Files in which a sign stands, each with the sign's name.
fn found(tree: &Path) -> Vec<(&'static str, PathBuf)> {
    let mut found = Vec::new();
    for (name, sign) in SIGNS {
        // -z: a line is what stands between zeros, so that a sign may cross an end of line.
        let grep = Command::new("grep").args(["-rlaPz", "-e", sign, "."]).current_dir(tree).output().unwrap();
        let said = String::from_utf8_lossy(&grep.stderr);
        assert!(matches!(grep.status.code(), Some(0 | 1)) && said.is_empty(), "{name}: {said}");
        let files = String::from_utf8(grep.stdout).unwrap();
        found.extend(files.lines().map(|file| (name, PathBuf::from(file.trim_start_matches("./")))));
    }
    found
}

/// Each file of a package in the image, from the image's root, by the MD5 that the package gives for it.
fn packaged(root: &Path) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(root.join("var/lib/dpkg/info")).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|extension| extension == "md5sums") {
            let list = fs::read_to_string(entry.path()).unwrap();
            let lines = list.lines().filter_map(|line| line.split_once("  "));
            files.extend(lines.map(|(digest, file)| (digest.to_owned(), PathBuf::from(file))));
        }
    }
    files
}

fn md5(file: &Path) -> String {
    let done = Command::new("md5sum").arg(file).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().split_whitespace().next().unwrap().to_owned()
}

/// The files of the newest image, as the daemon would serve them: kernel, initrd, root.
fn newest(assets: &Path) -> [PathBuf; 3] {
    let manifest = fs::read(assets.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let image =
        manifest["images"].as_array().unwrap().iter().max_by_key(|image| image["built"].as_str().unwrap()).unwrap();
    ["kernel", "initrd", "root"].map(|part| assets.join("objects").join(image[part]["sha256"].as_str().unwrap()))
}

fn done(command: &mut Command) {
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// The initrd is two archives one after another: the first as it is, the second compressed.
fn unpack_initrd(initrd: &Path, to: &Path) {
    let bytes = fs::read(initrd).unwrap();
    let end = bytes.windows(10).position(|window| window == b"TRAILER!!!").unwrap_or_default();
    let start = end + bytes[end..].windows(4).position(|window| window == ZSTD_MAGIC).expect("a zstd archive");
    let archives = tempfile::tempdir_in("/var/tmp").unwrap();
    let (first, second) = (archives.path().join("first"), archives.path().join("second"));
    fs::write(&first, &bytes[..start]).unwrap();
    fs::write(second.with_extension("zst"), &bytes[start..]).unwrap();
    done(Command::new("zstd").args(["-q", "-d", "--rm"]).arg(second.with_extension("zst")));
    for archive in [first, second] {
        let input = fs::File::open(archive).unwrap();
        done(Command::new("busybox").args(["cpio", "-idu"]).current_dir(to).stdin(input));
    }
    assert!(to.join("init").exists() && to.join("scripts").exists(), "the initrd was not unpacked");
}

fn nobody_logs_in_by_password(root: &Path) {
    let shadow = fs::read_to_string(root.join("etc/shadow")).unwrap();
    let open = |line: &&str| !line.split(':').nth(1).unwrap().starts_with(['*', '!']);
    assert_eq!(
        shadow.lines().filter(open).collect::<Vec<_>>(),
        [""; 0],
        "accounts with a password, or without need of one"
    );
    assert!(shadow.lines().any(|line| line.starts_with("root:")), "{shadow}");
}

/// What is made on a machine is a machine's own: no image gives one to all.
fn it_is_nobody_yet(root: &Path) {
    let keys = fs::read_dir(root.join("etc/ssh")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(keys.filter(|name| name.to_string_lossy().starts_with("ssh_host_")).count(), 0);
    assert_eq!(fs::read_dir(root.join("root/.ssh")).unwrap().count(), 0, "the key that opens it comes with its boot");
    let id = fs::read_to_string(root.join("etc/machine-id")).unwrap_or_default();
    assert!(matches!(id.trim(), "" | "uninitialized"), "{id}");
    for own in ["var/lib/systemd/random-seed", "var/lib/systemd/credential.secret"] {
        assert!(!root.join(own).exists(), "{own}");
    }
}

#[test]
#[ignore = "boots machines: needs what they boot, and searches it"]
fn boot_artefacts_as_they_were_built_hold_no_secret() {
    let [kernel, initrd, image] = newest(&boot::prepared());
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let (root, early) = (folder.path().join("root"), folder.path().join("initrd"));
    done(Command::new("unsquashfs").args(["-quiet", "-no-progress", "-dest"]).arg(&root).arg(image));
    fs::create_dir(&early).unwrap();
    unpack_initrd(&initrd, &early);

    let packaged = packaged(&root);
    assert!(packaged.len() > 2000, "only {} files of packages", packaged.len());
    let kernels = packaged.get(&md5(&kernel)).filter(|file| file.starts_with("boot"));
    assert!(kernels.is_some(), "the kernel is not what Debian's package brought");
    let mut secrets = Vec::new();
    for tree in [&root, &early] {
        let own = |(_, file): &(_, PathBuf)| !packaged.contains_key(&md5(&tree.join(file)));
        secrets.extend(found(tree).into_iter().filter(own));
    }
    assert!(secrets.is_empty(), "{secrets:#?}");
    nobody_logs_in_by_password(&root);
    it_is_nobody_yet(&root);
}

#[test]
fn the_search_of_boot_artefacts_finds_each_kind_of_secret() {
    let folder = tempfile::tempdir().unwrap();
    let plant = |name: &str, text: &str| fs::write(folder.path().join(name), format!("\0x\n{text}\n\0")).unwrap();
    let key = folder.path().join("key");
    done(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key));
    plant("shadow", &format!("root:$y$j9T${}${}:20000:0:::::", "s".repeat(22), "h".repeat(43)));
    plant("old-shadow", &format!("root:$6$salt${}:20000:0:::::", "h".repeat(86)));
    plant("token", &format!("roost.token=rt_{} quiet", "A".repeat(43)));
    plant("first-key", &format!("rk_{}", "b-_".repeat(14) + "c"));
    plant("harmless", "-----BEGIN OPENSSH PRIVATE KEY-----\0 rt_short $6$ssh-ed25519 AAAA");
    let mut names: Vec<_> =
        found(folder.path()).into_iter().map(|(sign, file)| (file.display().to_string(), sign)).collect();
    names.sort();
    let expected = [
        ("first-key", "API key"),
        ("key", "private key"),
        ("old-shadow", "password hash"),
        ("shadow", "password hash"),
        ("token", "call-home token"),
    ];
    assert_eq!(names, expected.map(|(file, sign)| (file.to_owned(), sign)));
}
