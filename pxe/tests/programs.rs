//! Programs on their way to nodes: adopted as the control node has them, served packed and by content.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use pxe::{
    assets::{AdoptError, Adoption, Blob},
    http::Limits,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use tasks::{Clock as _, SystemClock};

use crate::{
    boot_rig::{MAC, Rig, pattern},
    http_files::{client, get},
};

/// Says that it is Consul of this version, and is as large as a program.
fn program(rig: &Rig, version: &str) -> PathBuf {
    let mut content = format!("#!/bin/sh\necho Consul v{version}\necho Revision none\nexit\n").into_bytes();
    content.extend(pattern(400_000, 3));
    rig.put("consul", &content);
    let path = rig.files.path().join("consul");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_served_packed_by_content_and_nowhere_else() {
    let mut rig = Rig::empty();
    let path = program(&rig, "1.2.3");
    let (adopted, adoption) = rig.assets.adopt("consul", &path).await.unwrap();
    assert_eq!((adopted.version.as_str(), adoption), ("1.2.3", Adoption::New));
    assert_eq!(adopted.program, Blob::of_file(&path).unwrap());
    assert_eq!(rig.assets.program("consul").unwrap().unwrap(), adopted);
    assert_eq!(rig.assets.program("nomad").unwrap(), None);
    assert_eq!(std::fs::read_dir(rig.folder().join("partial")).unwrap().count(), 0, "no draft stays behind");

    let image = rig.add_image(1, 3000);
    let server = rig.http(Limits::default(), axum::Router::new());
    let url = format!("/programs/{}/consul.zst", adopted.packed.sha256);
    let got = get(server, &url).await;
    assert_eq!(got.headers()[header::CONTENT_LENGTH], adopted.packed.bytes.to_string());
    assert_eq!(got.headers()[header::ETAG], format!("\"{}\"", adopted.packed.sha256));
    let whole = got.bytes().await.unwrap();
    let rest = client().get(format!("http://{server}{url}")).header(header::RANGE, "bytes=1000-").send().await.unwrap();
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    assert!(rest.bytes().await.unwrap() == whole[1000..]);
    let line = rig.seen.wait_for(vocabulary::Step::Note, 1).await;
    assert!(line[0].mac == Some(MAC) && line[0].detail.starts_with("consul.zst over HTTP, "), "{line:?}");

    let fetched = rig.files.path().join("fetched.zst");
    std::fs::write(&fetched, &whole).unwrap();
    let unpacked = Command::new("zstd").args(["-dqc"]).arg(&fetched).output().unwrap().stdout;
    assert!(unpacked == std::fs::read(&path).unwrap(), "a node unpacks what was adopted");

    for url in [
        "/programs".to_owned(),
        "/programs/".to_owned(),
        format!("/programs/{}", adopted.packed.sha256),
        format!("/programs/{}/consul", adopted.program.sha256),
        format!("/programs/{}/vmlinuz", image.kernel.sha256),
        format!("/assets/{}/consul.zst", adopted.packed.sha256),
    ] {
        assert_eq!(get(server, &url).await.status(), StatusCode::NOT_FOUND, "{url}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn an_upgrade_keeps_the_version_before_it_and_a_repeat_changes_nothing() {
    let rig = Rig::empty();
    let (old, _) = rig.assets.adopt("consul", &program(&rig, "1")).await.unwrap();
    let path = program(&rig, "2");
    let (new, _) = rig.assets.adopt("consul", &path).await.unwrap();
    let before = std::fs::read(rig.folder().join("manifest.json")).unwrap();
    assert_eq!(rig.assets.adopt("consul", &path).await.unwrap(), (new.clone(), Adoption::Known));
    assert_eq!(std::fs::read(rig.folder().join("manifest.json")).unwrap(), before);
    assert!(rig.assets.object(&old.packed).is_some() && rig.assets.object(&new.packed).is_some());
    std::fs::remove_file(rig.folder().join("objects").join(new.packed.sha256.to_string())).unwrap();
    assert_eq!(rig.assets.program("consul").unwrap(), None, "what is not there is not promised to a node");
    assert_eq!(rig.assets.adopt("consul", &path).await.unwrap(), (new, Adoption::New), "it is taken again");
}

#[tokio::test]
async fn what_is_not_the_program_is_not_adopted() {
    let rig = Rig::empty();
    let path = program(&rig, "1");
    let error = rig.assets.adopt("nomad", &path).await.unwrap_err();
    assert!(matches!(&error, AdoptError::NotIt { said, .. } if said == "Consul v1"), "{error}");
    assert_eq!(rig.assets.list().unwrap(), []);
}

/// What role `program` runs on a node, with this input: its answer.
async fn place(input: Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ansible/roles/program/files/place.py");
    let placed = tokio::task::spawn_blocking(move || {
        let mut python = Command::new("/usr/bin/python3");
        python.arg("-I").arg("-c").arg(std::fs::read_to_string(script).unwrap()).env_remove("http_proxy");
        let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        python.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
        python.wait_with_output().unwrap().stdout
    });
    serde_json::from_slice(&placed.await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_checks_a_program_before_it_unpacks_it_and_before_it_runs_it() {
    let mut rig = Rig::empty();
    let path = program(&rig, "1.2.3");
    let (adopted, _) = rig.assets.adopt("consul", &path).await.unwrap();
    let server = rig.http(Limits::default(), axum::Router::new());
    let node = tempfile::tempdir().unwrap();
    let at = |name: &str| node.path().join(name);
    let url = |digest: &dyn std::fmt::Display| format!("http://{server}/programs/{digest}/consul.zst");
    let wanted = |packed: &str, program: &str, secret: &str| {
        let silent = url(&"00".repeat(32));
        json!({
            "program": {"path": at("bin/consul"), "sha256": program, "packed": packed,
                "urls": [silent, url(&adopted.packed.sha256)]},
            "folders": [{"path": at("etc"), "mode": "700"}],
            "files": [{"path": at("etc/consul.json"), "mode": "600", "content": "{}"}],
            "certificates": {},
            "credentials": [{"path": at("etc/token"), "mode": "600", "content": secret}],
            "introductions": [{"path": at("etc/word"), "mode": "600", "content": secret}],
            "unit": {},
        })
    };
    let (packed, whole) = (adopted.packed.sha256.to_string(), adopted.program.sha256.to_string());
    let other = "ab".repeat(32);
    for (packed, whole, said) in [(&other, &whole, "not what Roost promised"), (&packed, &other, "would be")] {
        let placed = place(wanted(packed, whole, "one")).await;
        assert!(placed["failed"].as_str().unwrap().contains(said) && !at("bin/consul").exists(), "{placed}");
        assert!(placed["failed"].as_str().unwrap().contains(". Remedy: "), "{placed}");
        assert_eq!(std::fs::read_dir(at("bin")).unwrap().count(), 0, "no draft stays behind");
    }
    let placed = place(wanted(&packed, &whole, "one")).await;
    assert_eq!(placed, json!({"changed": ["program", "consul.json"], "renewed": ["token"]}));
    assert_eq!(Blob::of_file(&at("bin/consul")).unwrap(), adopted.program);
    let mode = |name: &str| std::fs::metadata(at(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!([mode("bin/consul"), mode("etc"), mode("etc/token")], [0o755, 0o700, 0o600]);

    rig.stop().await;
    let placed = place(wanted(&packed, &whole, "one")).await;
    assert_eq!(placed, json!({"changed": [], "renewed": []}), "nothing is fetched that is there");
    let placed = place(wanted(&packed, &whole, "two")).await;
    assert_eq!(placed, json!({"changed": [], "renewed": ["token"]}));
    std::fs::remove_file(at("bin/consul")).unwrap();
    let placed = place(wanted(&packed, &whole, "two")).await;
    assert!(placed["failed"].as_str().unwrap().starts_with("cannot fetch the program"), "{placed}");
}

/// An authority, and what it certifies: for thirty days, so many of which are over.
struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self(Issuer::new(params, key), pem)
    }

    /// Authority, certificate and key, as role `program` takes them.
    fn issue(&self, folder: &Path, days_over: i64) -> Value {
        self.issue_to("node", folder, days_over)
    }

    fn issue_to(&self, name: &str, folder: &Path, days_over: i64) -> Value {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "node");
        let day = |days: i64| {
            let at = SystemClock.now().checked_add(jiff::SignedDuration::from_hours(days * 24)).unwrap();
            let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
            rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
        };
        (params.not_before, params.not_after) = (day(-days_over), day(30 - days_over));
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.0).unwrap().pem();
        let file = |name: &str, content: &str| json!({"path": folder.join(name), "mode": "600", "content": content});
        json!({"authority": file("ca.pem", &self.1), "certificate": file("a.pem", &pem),
            "key": file("a-key.pem", &key.serialize_pem())})
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_when_a_third_of_its_life_is_over_or_its_authority_is_another() {
    let (ours, other) = (Authority::new(), Authority::new());
    let node = tempfile::tempdir().unwrap();
    let program = node.path().join("program");
    std::fs::write(&program, "x").unwrap();
    let known = json!({"path": program, "sha256": Blob::of_file(&program).unwrap().sha256, "packed": "", "urls": []});
    let renewed = async |certificates: Value| {
        let files: Vec<Value> = Vec::new();
        let placed = place(json!({"program": known, "folders": files, "files": files, "credentials": files,
            "introductions": files, "unit": {}, "certificates": certificates}));
        placed.await["renewed"].as_array().unwrap().len()
    };
    assert_eq!(renewed(ours.issue(node.path(), 9)).await, 3, "there is none yet");
    assert_eq!(renewed(ours.issue(node.path(), 0)).await, 0, "the one that is there is fresh");
    assert_eq!(renewed(other.issue(node.path(), 11)).await, 3, "the new authority does not vouch for it");
    assert_eq!(renewed(other.issue(node.path(), 0)).await, 2, "more than a third of its life is over");
    std::fs::remove_file(node.path().join("a.pem")).unwrap();
    assert_eq!(renewed(other.issue(node.path(), 31)).await, 2, "it is gone");
    assert_eq!(renewed(other.issue(node.path(), 0)).await, 2, "it is expired");
    assert_eq!(renewed(other.issue(node.path(), 0)).await, 0);
    std::fs::write(node.path().join("a-key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert_eq!(renewed(other.issue(node.path(), 0)).await, 2, "the key beside it is another one's");
    assert_eq!(renewed(other.issue(node.path(), 0)).await, 0);
    assert_eq!(renewed(other.issue_to("server", node.path(), 0)).await, 2, "it is to prove something else");
}

/// Says yes to everything but a restart while `refuse` is there, and notes what it was told.
const SYSTEMCTL: &str = "#!/bin/sh\necho \"$1\" >>\"$NODE/words\"\n[ \"$1\" != show ] || \
                         printf 'ActiveState=active\\nUnitFileState=enabled\\n'\n\
                         [ \"$1\" != restart ] || [ ! -e \"$NODE/refuse\" ]\n";
/// The script as it runs on a node, whose units and /run are this folder's.
const AS_NODE: &str = "mount -t tmpfs tmpfs /etc && mkdir /etc/systemd && ln -s $NODE/units /etc/systemd/system && \
                       mount --bind $NODE/run /run && exec /usr/bin/python3 -I -c \"$PLACE\"";

/// A node that is only this far: its folder, and the script on it.
struct Node(tempfile::TempDir);

impl Node {
    fn new() -> Self {
        let node = tempfile::tempdir().unwrap();
        for folder in ["bin", "units", "run"] {
            std::fs::create_dir(node.path().join(folder)).unwrap();
        }
        let systemctl = node.path().join("bin/systemctl");
        std::fs::write(&systemctl, SYSTEMCTL).unwrap();
        std::fs::set_permissions(&systemctl, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(node.path().join("program"), "x").unwrap();
        Self(node)
    }

    /// Its answer, and what systemd was told but for questions.
    fn place(&self, content: &str, secret: &str) -> (Value, String) {
        let at = |name: &str| self.0.path().join(name);
        let sha256 = Blob::of_file(&at("program")).unwrap().sha256;
        let nothing: Vec<Value> = Vec::new();
        let input = json!({
            "program": {"path": at("program"), "sha256": sha256, "packed": "", "urls": nothing},
            "folders": nothing, "certificates": {}, "introductions": nothing,
            "files": [{"path": at("file"), "mode": "600", "content": content}],
            "credentials": [{"path": at("token"), "mode": "600", "content": secret}],
            "unit": {"name": "tried.service", "content": "[Service]"},
        });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ansible/roles/program/files/place.py");
        let path = format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", AS_NODE]).env("NODE", self.0.path()).env("PATH", path);
        command.env("PLACE", std::fs::read_to_string(script).unwrap()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
        let answer = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
        let words = std::fs::read_to_string(at("words")).unwrap_or_default();
        let _ = std::fs::remove_file(at("words"));
        (answer, words.lines().filter(|word| *word != "show").collect::<Vec<_>>().join(" "))
    }
}

#[test]
fn what_a_run_that_was_cut_off_changed_reaches_its_unit_with_the_next_one() {
    let node = Node::new();
    let told = |changed: &[&str], renewed: &[&str]| json!({"changed": changed, "renewed": renewed});
    let first = node.place("one", "one");
    assert_eq!(first, (told(&["file", "unit"], &["token"]), "daemon-reload restart".to_owned()));
    assert_eq!(node.place("one", "one"), (told(&[], &[]), String::new()));
    assert_eq!(node.place("one", "two"), (told(&[], &["token"]), "daemon-reload reload-or-restart".to_owned()));
    std::fs::write(node.0.path().join("refuse"), "").unwrap();
    let (failed, _) = node.place("two", "two");
    assert!(
        failed["failed"].as_str().unwrap().ends_with("Remedy: journalctl -u tried.service on the node"),
        "{failed}"
    );
    std::fs::remove_file(node.0.path().join("refuse")).unwrap();
    assert_eq!(node.place("two", "two"), (told(&["restarted"], &[]), "daemon-reload restart".to_owned()));
    assert_eq!(node.place("two", "two"), (told(&[], &[]), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_data_never_lie_in_ram() {
    let node = tempfile::tempdir().unwrap();
    let ram = tempfile::tempdir_in("/dev/shm").unwrap();
    let program = node.path().join("program");
    std::fs::write(&program, "x").unwrap();
    let known = json!({"path": program, "sha256": Blob::of_file(&program).unwrap().sha256, "packed": "", "urls": []});
    let place_on = async |folder: &Path| {
        let files = json!([{"path": node.path().join("conf"), "mode": "600", "content": "{}"}]);
        let none: [Value; 0] = [];
        place(json!({"program": known, "folders": none, "files": files, "credentials": none,
            "introductions": none, "unit": {}, "certificates": {}, "durable": [folder]}))
        .await
    };
    let refused = place_on(ram.path()).await;
    let said = refused["failed"].as_str().unwrap();
    assert!(said.contains("would not outlive a reboot") && said.contains("roost node disk"), "{said}");
    assert!(!node.path().join("conf").exists(), "nothing was changed");
    assert_eq!(place_on(Path::new(env!("CARGO_MANIFEST_DIR"))).await["changed"], json!(["conf"]));
}
