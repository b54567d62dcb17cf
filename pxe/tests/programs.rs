//! Programs on their way to nodes: adopted as the control node has them, served packed and by content.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

use pxe::{
    assets::{AdoptError, Adoption, Blob},
    http::Limits,
};
use reqwest::{StatusCode, header};

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
