//! Scripts: what the desk decides is what the machine is told, and refusals reach a console.

use pxe::{http::Limits, ipxe::ScriptAnswer};
use reqwest::{StatusCode, header};
use vocabulary::{Firmware, Step};

use crate::{
    boot_rig::{MAC, Rig, reason},
    http_files::{client, get},
};

const SCRIPT: &str = "/boot/52-54-00-12-34-56.ipxe?uuid=4c4c4544-0042-3510-8054-b4c04f564433&arch=x86_64&platform=efi";

#[tokio::test(flavor = "multi_thread")]
async fn an_admitted_machine_gets_its_image_and_its_token() {
    let mut rig = Rig::empty();
    let image = rig.add_image(1, 1000);
    let server = rig.http(Limits::default(), axum::Router::new());
    let got = get(server, SCRIPT).await;
    assert_eq!((got.status(), &got.headers()[header::CACHE_CONTROL]), (StatusCode::OK, &"no-store".parse().unwrap()));
    let length = got.content_length().unwrap();
    let script = got.text().await.unwrap();
    assert_eq!(length, script.len() as u64);
    assert!(script.starts_with("#!ipxe\n"), "{script}");
    for part in [
        format!("kernel --name vmlinuz http://{server}/assets/{}/vmlinuz initrd=initrd.img ", image.kernel.sha256),
        format!(" roost.token={} ", rig.token.expose()),
        format!(" roost.url=http://{server} "),
        format!(" roost.image=/assets/{0}/root.squashfs roost.sha256={0} roost.bytes=1000 ", image.root.sha256),
    ] {
        assert!(script.contains(&part), "{part} is not in\n{script}");
    }
    let asked = rig.asked();
    assert_eq!((asked.len(), asked[0].mac, asked[0].firmware), (1, MAC, Some(Firmware::UefiX64)));
    assert!(asked[0].uuid.is_some() && asked[0].blocked.is_none());
    let seen = rig.seen.wait_for(Step::Script, 1).await;
    assert_eq!((seen[0].mac, seen[0].firmware, seen[0].uuid), (Some(MAC), Some(Firmware::UefiX64), asked[0].uuid));
    assert!(!seen[0].detail.contains(rig.token.expose()));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_door_opens_no_boot() {
    let mut rig = Rig::empty();
    rig.add_image(1, 1000);
    let server = rig.http(Limits::default(), axum::Router::new());
    let head = client().head(format!("http://{server}{SCRIPT}")).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert!(rig.asked().is_empty() && rig.seen.all().is_empty());
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_machine_is_shown_who_it_is_and_why() {
    let mut rig = Rig::empty();
    rig.add_image(1, 1000);
    rig.answer(ScriptAnswer::Wait { reason: reason("never seen before\nshell ${net0/mac}"), again: None });
    let server = rig.http(Limits { wait_refresh_s: 3, ..Limits::default() }, axum::Router::new());
    let script = get(server, SCRIPT).await.text().await.unwrap();
    for line in [
        "echo MAC: 52:54:00:12:34:56".to_owned(),
        "echo Node: node-525400123456".to_owned(),
        "echo Why: never seen before shell ??net0/mac?".to_owned(),
        "sleep 3".to_owned(),
        format!(
            "chain --replace --autofree http://{server}/boot/52-54-00-12-34-56.ipxe?uuid=${{uuid}}&arch=${{buildarch}}&platform=${{platform}} ||"
        ),
    ] {
        assert!(script.lines().any(|known| known == line), "{line} is not in\n{script}");
    }
    rig.seen.wait_for(Step::Waiting, 1).await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_image_nobody_boots_and_everybody_is_told() {
    let mut rig = Rig::empty();
    let server = rig.http(Limits::default(), axum::Router::new());
    let script = get(server, SCRIPT).await.text().await.unwrap();
    assert!(script.contains("echo Why: no node image is built yet\n"), "{script}");
    assert!(!script.contains(rig.token.expose()), "a token that the desk minted all the same is not sent");
    let blocked = rig.asked()[0].blocked.clone().unwrap();
    assert!(blocked.remedy.contains("roost image build"));

    let image = rig.add_image(1, 1000);
    std::fs::remove_file(rig.folder().join("objects").join(image.initrd.sha256.to_string())).unwrap();
    let script = get(server, SCRIPT).await.text().await.unwrap();
    assert!(script.contains("echo Why: the node image is incomplete\n"), "{script}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_and_an_installed_machine_get_their_answers() {
    let mut rig = Rig::empty();
    rig.answer(ScriptAnswer::Refuse { reason: reason("denied by an operator") });
    let server = rig.http(Limits::default(), axum::Router::new());
    let script = get(server, SCRIPT).await.text().await.unwrap();
    assert!(script.contains("echo Roost: node-525400123456 (52:54:00:12:34:56) is refused\n"), "{script}");
    assert!(script.contains("echo Why: denied by an operator\n") && script.ends_with("\nexit 1\n"), "{script}");
    rig.seen.wait_for(Step::Refused, 1).await;

    rig.answer(ScriptAnswer::BootLocal { reason: reason("installed") });
    let bios = get(server, "/boot/52-54-00-12-34-56.ipxe?uuid=&arch=i386&platform=pcbios").await.text().await.unwrap();
    assert!(bios.contains("\nsanboot --no-describe --drive 0x80 ||\n"), "{bios}");
    let uefi = get(server, SCRIPT).await.text().await.unwrap();
    assert!(!uefi.contains("sanboot") && uefi.ends_with("\nexit\n"), "{uefi}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b24_a_refusal_to_ipxe_is_a_script_that_says_why() {
    let mut rig = Rig::empty();
    rig.put("secret.ipxe", "#!ipxe\n");
    let server = rig.http(Limits::default(), axum::Router::new());
    for (path, status, why) in [
        ("/boot/not-a-mac.ipxe", StatusCode::NOT_FOUND, "name is a MAC address"),
        ("/files/secret.ipxe", StatusCode::FORBIDDEN, "looks like a secret"),
    ] {
        let person = get(server, path).await;
        assert_eq!(person.status(), status);
        assert!(person.text().await.unwrap().contains(why));
        let ipxe = client().get(format!("http://{server}{path}")).header(header::USER_AGENT, "iPXE/1.21.1+git");
        let ipxe = ipxe.send().await.unwrap();
        assert_eq!(ipxe.status(), StatusCode::OK, "iPXE runs nothing else");
        let script = ipxe.text().await.unwrap();
        assert!(script.starts_with("#!ipxe\n") && script.contains(why), "{script}");
    }
    assert!(rig.asked().is_empty());
    rig.stop().await;
}
