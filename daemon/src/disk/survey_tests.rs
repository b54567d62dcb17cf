//! What a node says of its disks, word by word, and each reason to leave one alone.

use proptest::prelude::*;
use vocabulary::NodeId;

use super::*;

fn disk(name: &str) -> Found {
    Found {
        device: name.parse().unwrap(),
        size_bytes: 3 << 30,
        read_only: false,
        removable: false,
        serial: format!("serial-{name}"),
        model: String::new(),
        holds: String::new(),
        users: String::new(),
        data: false,
    }
}

fn holding(name: &str, holds: &str) -> Found {
    Found { holds: holds.to_owned(), ..disk(name) }
}

fn data(name: &str) -> Found {
    Found { data: true, users: "/run/roost/data".to_owned(), ..holding(name, "ext4, gpt") }
}

fn order(device: Option<&str>, wipe: Option<&str>) -> DiskOrder {
    let node: NodeId = "node-525400123456".parse().unwrap();
    DiskOrder { node, device: device.map(|name| name.parse().unwrap()), wipe: wipe.map(str::to_owned) }
}

#[track_caller]
fn made(found: &[Found], order: &DiskOrder) -> (String, Content) {
    match choose(found, order) {
        Ok(Choice::Make(disk, content)) => (disk.device.to_string(), content),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused(found: &[Found], order: &DiskOrder, words: &str) {
    let refusal = choose(found, order).unwrap_err();
    assert!(refusal.cause.contains(words) && !refusal.remedy.is_empty(), "{refusal:?}");
}

fn survey(lines: &[&str]) -> Result<Vec<Found>, DiskError> {
    let mut survey = Survey::default();
    lines.iter().for_each(|line| survey.hear(line));
    survey.end()
}

#[test]
fn a_disk_is_read_as_the_node_writes_it() {
    let packed = |text: &str| STANDARD.encode(text);
    let line = format!(
        "roost-disk disk nvme0n1 3221225472 rw fixed {} {} {} - data\n",
        packed("S4\u{1b}[2J"),
        packed("QEMU NVMe"),
        packed("gpt, ext4")
    );
    let found = survey(&["Welcome", &line, "roost-disk end"]).unwrap();
    let expected = Found {
        serial: "S4[2J".to_owned(),
        model: "QEMU NVMe".to_owned(),
        holds: "gpt, ext4".to_owned(),
        data: true,
        ..disk("nvme0n1")
    };
    assert_eq!(found, [expected]);
    assert_eq!(found[0].described(), "3.0 GiB, QEMU NVMe, serial S4[2J");
    assert_eq!(found[0].content(), "holds gpt, ext4");
}

#[test]
fn what_is_cut_off_or_makes_no_sense_is_no_survey() {
    assert!(matches!(survey(&["roost-disk lacks sfdisk"]), Err(DiskError::Lacks(what)) if what == "sfdisk"));
    for lines in [
        &["roost-disk disk vda 1 rw fixed - - - - -"][..],
        &["roost-disk sing", "roost-disk end"],
        &["roost-disk disk vda 1 rw fixed - - - - maybe", "roost-disk end"],
        &["roost-disk disk vda -1 rw fixed - - - - -", "roost-disk end"],
        &["roost-disk disk a;b 1 rw fixed - - - - -", "roost-disk end"],
        &["roost-disk disk vda 1 rw fixed * - - - -", "roost-disk end"],
    ] {
        assert!(matches!(survey(lines), Err(DiskError::Unclear(_))), "{lines:?}");
    }
    assert_eq!(survey(&["roost-disk end"]).unwrap(), []);
}

#[test]
fn the_last_word_of_an_order_is_known_by_its_mark() {
    assert_eq!(verdict("roost-disk made mounted /dev/vda1\n"), Some(Made::Done("mounted /dev/vda1".into())));
    assert_eq!(verdict("roost-disk refused vda is in use: /"), Some(Made::Refused("vda is in use: /".into())));
    assert_eq!(verdict("roost-disk failed at its label: x"), Some(Made::Failed("at its label: x".into())));
    assert_eq!((verdict("made it"), verdict("roost-disk end")), (None, None));
}

#[test]
fn the_only_empty_disk_is_taken_unasked_and_nothing_else() {
    let stick = Found { removable: true, ..disk("sdz") };
    let small = Found { size_bytes: SMALLEST_BYTES - 1, ..disk("vdc") };
    let found = [holding("vda", "gpt, ext4"), disk("vdb"), stick.clone(), small];
    assert_eq!(made(&found, &order(None, None)), ("vdb".into(), Content::Keep));
    refused(&[disk("vda"), disk("vdb")], &order(None, None), "several");
    refused(&[], &order(None, None), "no disk");
    refused(std::slice::from_ref(&stick), &order(None, None), "no empty disk");
    assert_eq!(made(&[stick], &order(Some("sdz"), None)).0, "sdz", "named, it is a person's choice");
}

#[test]
fn what_is_on_a_disk_is_given_up_by_its_serial_number_alone() {
    for holds in ["gpt, partition vda1", "LVM2_member", "linux_raid_member", "crypto_LUKS", "ext4", "unreadable vda"] {
        let found = [holding("vda", holds)];
        refused(&found, &order(Some("vda"), None), "which would be lost");
        refused(&found, &order(Some("vda"), Some("another")), "another serial");
        assert_eq!(made(&found, &order(Some("vda"), Some("serial-vda"))), ("vda".into(), Content::Destroy));
        assert_eq!(made(&found, &order(None, Some("serial-vda"))), ("vda".into(), Content::Destroy));
    }
    let nameless = [Found { serial: String::new(), ..holding("vda", "ext4") }];
    refused(&nameless, &order(Some("vda"), None), "no serial number");
    refused(&nameless, &order(Some("vda"), Some("")), "another serial number");
    refused(&[disk("vda")], &order(Some("vdb"), None), "no such disk");
    refused(&[disk("vda")], &order(None, Some("x")), "no such disk");
}

#[test]
fn a_disk_that_is_in_use_or_takes_no_writes_is_made_by_nobodys_word() {
    let wiped = order(Some("vda"), Some("serial-vda"));
    refused(&[Found { users: "/srv".into(), ..holding("vda", "ext4") }], &wiped, "in use: /srv");
    refused(&[Found { read_only: true, ..disk("vda") }], &wiped, "read-only");
    refused(&[Found { size_bytes: 1 << 20, ..disk("vda") }], &wiped, "smaller");
}

#[test]
fn a_second_data_disk_is_never_made() {
    let found = [data("vda"), disk("vdb")];
    for asked in [order(None, None), order(Some("vda"), None)] {
        assert!(matches!(choose(&found, &asked), Ok(Choice::Already(disk)) if disk.device.to_string() == "vda"));
    }
    refused(&found, &order(Some("vdb"), None), "already");
    refused(&found, &order(Some("vda"), Some("serial-vda")), "in use");
    let loose = [Found { users: String::new(), ..data("vda") }, disk("vdb")];
    assert_eq!(made(&loose, &order(Some("vda"), Some("serial-vda"))), ("vda".into(), Content::Destroy), "made anew");
    refused(&[data("vda"), data("vdb")], &order(None, None), "several");
}

proptest! {
    #[test]
    fn no_line_of_a_machine_makes_it_panic(word in "(disk|end|lacks|made|refused|failed|) ?", rest: String) {
        let line = format!("roost-disk {word}{rest}");
        drop(verdict(&line));
        drop(survey(&[&line, "roost-disk end"]));
    }
}
