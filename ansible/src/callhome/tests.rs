//! What honest machines send passes; each attack is refused by name.

use serde_json::{Value, json};

use super::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy";

fn token() -> String {
    Token::from_random([7; 32]).expose().to_owned()
}

fn honest() -> Value {
    json!({
        "token": token(),
        "hostname": "node-525400123456",
        "addresses": ["10.77.1.2", "2001:db8::1"],
        "mac": "52:54:00:12:34:56",
        "smbios_uuid": "4c4c4544-0042-3510-8054-b4c04f564433",
        "machine_id": "0123456789abcdef0123456789abcdef",
        "ssh_host_keys": [KEY],
        "hardware": {
            "vendor": "QEMU", "product": "Standard PC (Q35 + ICH9, 2009)", "architecture": "x86_64",
            "firmware": "uefi_x64", "cpus": 2, "memory_mib": 2048,
            "disks": [{"name": "vda", "size_bytes": 1_073_741_824u64}],
        },
    })
}

/// The refusal of an honest body in which one field (a JSON pointer) was changed.
#[track_caller]
fn refused(pointer: &str, value: Value) -> Refusal {
    let mut body = honest();
    *body.pointer_mut(pointer).unwrap() = value;
    call_home(body.to_string().as_bytes()).expect_err("an attack was taken")
}

#[test]
fn an_honest_machine_is_heard() {
    let claim = call_home(honest().to_string().as_bytes()).unwrap();
    assert_eq!(claim.hostname, "node-525400123456");
    let report = progress(json!({"token": token(), "step": "image_fetched"}).to_string().as_bytes()).unwrap();
    assert_eq!((report.step, report.detail.as_str()), (Step::ImageFetched, ""));
}

#[test]
fn b34_attacks_through_the_host_name_are_refused() {
    let attacks = [
        "x ansible_connection=local",
        "{{ lookup('pipe','id') }}",
        "node\nevil ansible_connection=local",
        "node\u{0}",
        "-oProxyCommand=id",
        "",
        "a..b",
        "../../etc/passwd",
        "$(reboot)",
        "\u{202e}edon",
        &"a".repeat(64),
        &["a"; 200].join("."),
    ];
    for attack in attacks {
        let refusal = refused("/hostname", json!(attack));
        assert!(matches!(refusal, Refusal::Hostname { .. }), "{attack:?}: {refusal}");
        assert!(!refusal.to_string().contains(['\n', '\u{0}', '\u{202e}']), "{refusal}");
        assert!(!refusal.hint().is_empty());
    }
}

#[test]
fn b34_another_nodes_name_is_refused() {
    for name in ["node-525400999999", "NODE-525400999999.rack.example"] {
        let refusal = refused("/hostname", json!(name));
        assert!(matches!(refusal, Refusal::ForeignName { .. }), "{refusal}");
    }
    let mut body = honest();
    body["hostname"] = json!("Node-525400123456.rack.example");
    call_home(body.to_string().as_bytes()).unwrap();
}

#[test]
fn addresses_that_no_other_host_reaches_are_refused() {
    for address in [
        "127.0.0.1",
        "::1",
        "169.254.1.1",
        "fe80::1",
        "224.0.0.1",
        "ff02::1",
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "240.0.0.1",
        "0.1.2.3",
        "::ffff:10.0.0.1",
    ] {
        let refusal = refused("/addresses", json!([address]));
        assert!(matches!(refusal, Refusal::Address { .. }), "{address}: {refusal}");
    }
    assert!(matches!(refused("/addresses", json!(["10.0.0.1", "10.0.0.1"])), Refusal::Duplicate { .. }));
    let many: Vec<_> = (0..33).map(|n| format!("10.0.0.{n}")).collect();
    assert!(matches!(refused("/addresses", json!(many)), Refusal::TooMany { .. }));
    assert!(matches!(refused("/addresses", json!(["10.0.0.1 ansible_connection=local"])), Refusal::Malformed { .. }));
}

#[test]
fn texts_and_numbers_are_bounded() {
    let text = |refusal: Refusal| assert!(matches!(refusal, Refusal::Text { .. }), "{refusal}");
    for pointer in ["/hardware/vendor", "/hardware/product"] {
        for attack in ["{{ lookup('pipe','id') }}", "{% raw %}", "${IFS}", "a\nb", "a\u{0}b", "\u{1b}[2J", "\u{feff}"] {
            text(refused(pointer, json!(attack)));
        }
        assert!(matches!(refused(pointer, json!("v".repeat(129))), Refusal::TooMany { .. }));
    }
    text(refused("/hardware/architecture", json!("x86 64")));
    text(refused("/hardware/disks/0/name", json!("../vda")));
    assert!(matches!(refused("/hardware/cpus", json!(70_000)), Refusal::TooMany { .. }));
    assert!(matches!(refused("/hardware/memory_mib", json!(u64::MAX)), Refusal::TooMany { .. }));
    let twice = json!([{"name": "vda", "size_bytes": 1}, {"name": "vda", "size_bytes": 2}]);
    assert!(matches!(refused("/hardware/disks", twice), Refusal::Duplicate { .. }));
}

#[test]
fn what_a_machine_says_of_its_data_disk_is_bounded() {
    let with = |data: Value| {
        let mut body = honest();
        body["data"] = data;
        call_home(body.to_string().as_bytes())
    };
    let uuid = "0b9a5bd2-1111-4222-8333-444455556666";
    let said =
        with(json!({"state": "unusable", "uuid": uuid, "detail": "e2fsck: errors are left"})).unwrap().data.unwrap();
    assert_eq!((said.state, said.uuid.unwrap().to_string()), (vocabulary::DataState::Unusable, uuid.to_owned()));
    assert_eq!(with(Value::Null).unwrap().data, None);
    assert!(matches!(with(json!({"state": "unusable", "detail": "{{ x }}"})), Err(Refusal::Text { .. })));
    assert!(matches!(with(json!({"state": "unusable", "detail": "x".repeat(257)})), Err(Refusal::TooMany { .. })));
    for bad in [json!({"state": "fine"}), json!({"state": "mounted", "uuid": "x"}), json!({"state": "mounted", "x": 1})]
    {
        assert!(matches!(with(bad), Err(Refusal::Malformed { .. })));
    }
}

#[test]
fn keys_and_mac_are_a_single_machines() {
    assert!(matches!(refused("/ssh_host_keys", json!([])), Refusal::Empty { .. }));
    assert!(matches!(refused("/ssh_host_keys", json!([KEY, KEY])), Refusal::Duplicate { .. }));
    assert!(matches!(refused("/ssh_host_keys", json!(["@cert-authority * ssh-rsa AAAA"])), Refusal::Malformed { .. }));
    assert!(matches!(refused("/mac", json!("ff:ff:ff:ff:ff:ff")), Refusal::NoStation { .. }));
    assert!(matches!(refused("/mac", json!("00:00:00:00:00:00")), Refusal::NoStation { .. }));
}

#[test]
fn a_body_of_another_shape_is_refused() {
    for body in ["", "[]", "{}", "null", "{\"token\":", &format!("{}x", honest()), &"[".repeat(5000)] {
        assert!(matches!(call_home(body.as_bytes()), Err(Refusal::Malformed { .. })), "{body:.40}");
    }
    let mut body = honest();
    body["ansible_connection"] = json!("local");
    assert!(matches!(call_home(body.to_string().as_bytes()), Err(Refusal::Malformed { .. })));
    let long = format!("{}{}", honest(), " ".repeat(CALL_HOME_LIMIT_BYTES));
    assert!(matches!(call_home(long.as_bytes()), Err(Refusal::TooLong { .. })));
    let twice = honest().to_string().replacen('{', "{\"hostname\":\"a\",", 1);
    assert!(matches!(call_home(twice.as_bytes()), Err(Refusal::Malformed { .. })));
}

#[test]
fn a_refusal_never_shows_a_token_or_a_raw_character() {
    let body = format!("{{\"{}\\n\\u0000\": 1}}", token());
    let refusal = call_home(body.as_bytes()).unwrap_err().to_string();
    assert!(refusal.contains("<token>") && !refusal.contains(&token()) && !refusal.contains('\n'), "{refusal}");
}

#[test]
fn a_machine_reports_its_own_stations_only() {
    for step in Step::ALL {
        let body = json!({"token": token(), "step": step.name(), "detail": "eth0 up"}).to_string();
        assert_eq!(progress(body.as_bytes()).is_ok(), REPORTABLE.contains(step), "{step}");
    }
    let body = |detail: &str| json!({"token": token(), "step": "note", "detail": detail}).to_string();
    for attack in ["a\nb", "a\u{0}", "{{ x }}", "\u{1b}[31m"] {
        assert!(matches!(progress(body(attack).as_bytes()), Err(Refusal::Text { .. })), "{attack:?}");
    }
    assert!(matches!(progress(body(&"d".repeat(513)).as_bytes()), Err(Refusal::TooMany { .. })));
    assert_eq!(progress(body(&format!("roost.token={}", token())).as_bytes()).unwrap().detail, "roost.token=<token>");
    assert!(matches!(progress(&[b' '; PROGRESS_LIMIT_BYTES + 1]), Err(Refusal::TooLong { .. })));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        let _ = call_home(&body);
        let _ = progress(&body);
    }

    #[test]
    fn whatever_is_taken_is_safe_to_show(hostname: String, vendor: String, detail: String) {
        let mut body = honest();
        body["hostname"] = json!(hostname);
        body["hardware"]["vendor"] = json!(vendor);
        if let Ok(claim) = call_home(body.to_string().as_bytes()) {
            let shown = format!("{}{}", claim.hostname, claim.hardware.vendor);
            let safe = !shown.contains("{{") && !shown.chars().any(char::is_control);
            proptest::prop_assert!(safe);
        }
        let body = json!({"token": token(), "step": "note", "detail": detail});
        if let Ok(report) = progress(body.to_string().as_bytes()) {
            let safe = !report.detail.chars().any(char::is_control) && !report.detail.contains("${");
            proptest::prop_assert!(safe);
        }
    }
}

#[test]
fn the_fuzz_seeds_are_taken() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/callhome");
    for seed in std::fs::read_dir(seeds).unwrap() {
        let path = seed.unwrap().path();
        let body = std::fs::read(&path).unwrap();
        assert!(call_home(&body).is_ok() || progress(&body).is_ok(), "{}", path.display());
    }
}
