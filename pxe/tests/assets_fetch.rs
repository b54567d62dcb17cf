//! `fetch` against an archive of our own on loopback: signed, tampered with, unsigned, gone.
//!
//! The archive is made with Debian's own tools, signed by a key made for the test, and served by the boot listener.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

use pxe::{
    assets::{Assets, Condition, Config, FetchError, FetchStep, LOADERS, Progress},
    http::Limits,
};

use crate::boot_rig::Rig;

#[derive(Default)]
struct Steps(Mutex<Vec<(FetchStep, u8)>>);

impl Progress for Steps {
    fn at(&self, step: FetchStep, percent: u8) {
        self.0.lock().unwrap().push((step, percent));
    }
}

fn run(program: &str, folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(program);
    command.current_dir(folder).env("GNUPGHOME", folder.join("gnupg")).args(arguments);
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// An archive with one package under `files/debian`, and the keyring that trusts it.
struct Archive {
    workshop: tempfile::TempDir,
    root: PathBuf,
}

impl Archive {
    fn new(files: &Path) -> Self {
        let workshop = tempfile::tempdir().unwrap();
        std::fs::create_dir(workshop.path().join("gnupg")).unwrap();
        std::fs::set_permissions(workshop.path().join("gnupg"), std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .unwrap();
        let archive = Self { workshop, root: files.join("debian") };
        let folder = archive.workshop.path();
        let key = ["--batch", "--passphrase", "", "--quick-gen-key", "archive@test", "ed25519", "sign", "never"];
        run("gpg", folder, &key);
        std::fs::write(archive.keyring(), run("gpg", folder, &["--export", "archive@test"])).unwrap();
        archive.publish("1.0");
        archive
    }

    fn keyring(&self) -> PathBuf {
        self.workshop.path().join("keyring.gpg")
    }

    /// Builds the package in this version and signs an index with it.
    fn publish(&self, version: &str) {
        let folder = self.workshop.path();
        let tree = folder.join(version);
        for part in ["DEBIAN", "usr/lib/ipxe"] {
            std::fs::create_dir_all(tree.join(part)).unwrap();
        }
        let control =
            format!("Package: ipxe\nVersion: {version}\nArchitecture: all\nMaintainer: t <t@t>\nDescription: t\n");
        std::fs::write(tree.join("DEBIAN/control"), &control).unwrap();
        for name in LOADERS {
            std::fs::write(tree.join("usr/lib/ipxe").join(name), format!("{name} {version}")).unwrap();
        }
        let index = self.root.join("dists/trixie");
        std::fs::create_dir_all(index.join("main/binary-amd64")).unwrap();
        let package = self.package(version);
        run("dpkg-deb", folder, &["--root-owner-group", "-b", version, package.to_str().unwrap()]);
        let digest = |path: &Path| text(run("sha256sum", folder, &[path.to_str().unwrap()]))[..64].to_owned();
        let bytes = |path: &Path| std::fs::metadata(path).unwrap().len();
        let name = package.file_name().unwrap().to_str().unwrap();
        let entry = format!("{control}Filename: {name}\nSize: {}\nSHA256: {}\n", bytes(&package), digest(&package));
        let architecture = text(run("dpkg", folder, &["--print-architecture"])).trim().to_owned();
        let packages = index.join(format!("main/binary-{architecture}/Packages"));
        std::fs::create_dir_all(packages.parent().unwrap()).unwrap();
        std::fs::write(&packages, entry).unwrap();
        let release = format!(
            "Suite: stable\nCodename: trixie\nDate: {}\nArchitectures: {architecture}\nComponents: main\nSHA256:\n {} {} main/binary-{architecture}/Packages\n",
            text(run("date", folder, &["-Ru"])).trim(),
            digest(&packages),
            bytes(&packages),
        );
        std::fs::write(folder.join("Release"), release).unwrap();
        let signed = run("gpg", folder, &["--batch", "--clearsign", "--output", "-", "Release"]);
        std::fs::write(index.join("InRelease"), signed).unwrap();
    }

    fn package(&self, version: &str) -> PathBuf {
        self.root.join(format!("ipxe_{version}_all.deb"))
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// A second store that fetches from the rig's folder.
fn store(server: std::net::SocketAddrV4, archive: &Archive) -> (tempfile::TempDir, Assets) {
    let data = tempfile::tempdir().unwrap();
    let mirror = format!("http://{server}/files/debian").parse().unwrap();
    let config = Config { mirror, keyring: archive.keyring(), ..Config::new(data.path().join("assets")) };
    (data, Assets::open(config).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn loaders_come_from_a_signed_archive_and_from_no_other() {
    let mut rig = Rig::empty();
    let archive = Archive::new(rig.files.path());
    let server = rig.http(Limits::default(), axum::Router::new());
    let (_data, assets) = store(server, &archive);

    let steps = Steps::default();
    let fetched = assets.fetch(&steps).await.unwrap();
    assert_eq!((fetched.from.as_str(), fetched.loaders.len()), ("ipxe 1.0 (trixie)", LOADERS.len()));
    let steps = steps.0.into_inner().unwrap();
    assert_eq!((steps[0], steps[steps.len() - 1]), ((FetchStep::Index, 0), (FetchStep::Store, 100)));
    let (_, bytes) = assets.loader("undionly.kpxe").unwrap().unwrap();
    assert_eq!(bytes.unwrap(), "undionly.kpxe 1.0");
    assert!(assets.list().unwrap().iter().all(|listed| listed.present));

    archive.publish("1.1");
    assert_eq!(assets.fetch(&Steps::default()).await.unwrap().from, "ipxe 1.1 (trixie)");
    let (_, bytes) = assets.loader("ipxe-arm64.efi").unwrap().unwrap();
    assert_eq!(bytes.unwrap(), "ipxe-arm64.efi 1.1");
    assert!(assets.verify().unwrap().iter().all(|(_, condition)| *condition == Condition::Intact));

    archive.publish("1.2");
    std::fs::write(archive.package("1.2"), "another package").unwrap();
    let error = assets.fetch(&Steps::default()).await.unwrap_err();
    assert!(matches!(error, FetchError::Failed { step: FetchStep::Package, .. }), "{error}");
    assert!(error.to_string().contains("run `roost assets fetch` again"), "{error}");

    let index = archive.root.join("dists/trixie/InRelease");
    let signed = std::fs::read_to_string(&index).unwrap();
    std::fs::write(&index, signed.replace("Codename: trixie", "Codename: trixi3")).unwrap();
    let error = assets.fetch(&Steps::default()).await.unwrap_err();
    assert!(matches!(error, FetchError::Failed { step: FetchStep::Index, .. }), "{error}");

    std::fs::remove_file(&index).unwrap();
    let error = assets.fetch(&Steps::default()).await.unwrap_err().to_string();
    assert!(error.contains("cannot fetch the archive's index: apt-get ended with"), "{error}");
    let (_, bytes) = assets.loader("undionly.kpxe").unwrap().unwrap();
    assert_eq!(bytes.unwrap(), "undionly.kpxe 1.1", "what was there is still there");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nobody_trusts_signs_nothing() {
    let mut rig = Rig::empty();
    let archive = Archive::new(rig.files.path());
    let other = tempfile::tempdir().unwrap();
    let stranger = Archive::new(other.path());
    let server = rig.http(Limits::default(), axum::Router::new());
    let (_data, trusting_another) = store(server, &stranger);
    let error = trusting_another.fetch(&Steps::default()).await.unwrap_err();
    assert!(matches!(error, FetchError::Failed { step: FetchStep::Index, .. }), "{error}");

    std::fs::remove_file(archive.keyring()).unwrap();
    let (_data, without_keyring) = store(server, &archive);
    let error = without_keyring.fetch(&Steps::default()).await.unwrap_err();
    assert!(matches!(error, FetchError::Keyring { .. }), "{error}");
    assert!(without_keyring.list().unwrap().is_empty());
    rig.stop().await;
}
