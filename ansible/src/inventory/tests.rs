//! The folder as call-homes, operators and full disks treat it.

use vocabulary::Mac;

use super::*;

fn host(n: u8) -> InventoryHost {
    InventoryHost {
        node: NodeId::of(Mac([0x52, 0x54, 0, 0, 0, n])),
        address: Ipv4Addr::new(10, 77, 1, n),
        user: SshUser::root(),
        host_keys: Vec::new(),
    }
}

fn inventory() -> (tempfile::TempDir, Inventory) {
    let folder = tempfile::tempdir().unwrap();
    let inventory = Inventory::new(folder.path().join("inventory"), Duration::from_secs(30));
    fs::create_dir(inventory.folder()).unwrap();
    (folder, inventory)
}

#[test]
fn the_file_is_as_documented() {
    let (_folder, inventory) = inventory();
    let written = inventory.put(&host(1)).unwrap();
    assert_eq!((written.generation, written.change), (1, Change::Replaced));
    let text = fs::read_to_string(inventory.folder().join(FILE_NAME)).unwrap();
    let (header, body) = text.split_once("# sha256: ").unwrap();
    assert!(header.ends_with("# generation: 1\n"), "{header}");
    assert_eq!(
        body.split_once('\n').unwrap().1,
        "control:\n  hosts:\n    roost-control:\n      ansible_connection: local\n\
         nodes:\n  hosts:\n    node-525400000001:\n      ansible_host: 10.77.1.1\n      ansible_user: \"root\"\n"
    );
}

#[test]
fn the_same_entry_again_changes_nothing() {
    let (_folder, inventory) = inventory();
    inventory.put(&host(1)).unwrap();
    let again = inventory.put(&host(1)).unwrap();
    assert_eq!((again.generation, again.change), (1, Change::None));
    assert_eq!(inventory.remove(&host(1).node).unwrap().generation, 2);
    assert!(inventory.check().unwrap().nodes.is_empty());
}

#[test]
fn an_address_has_one_node() {
    let (_folder, inventory) = inventory();
    inventory.put(&host(1)).unwrap();
    let newcomer = InventoryHost { address: host(1).address, ..host(2) };
    assert_eq!(inventory.put(&newcomer).unwrap().displaced, [host(1).node]);
    assert_eq!(inventory.check().unwrap().nodes.len(), 1);
}

#[test]
fn sync_makes_the_file_what_the_store_says() {
    let (_folder, inventory) = inventory();
    inventory.put(&host(1)).unwrap();
    inventory.sync(&[host(2), host(3)]).unwrap();
    let nodes: Vec<_> = inventory.check().unwrap().nodes.into_keys().collect();
    assert_eq!(nodes, [host(2).node, host(3).node]);
    assert_eq!(inventory.sync(&[host(3), host(2)]).unwrap().change, Change::None);
}

#[test]
fn b35_a_hundred_writers_lose_nothing_and_touch_nothing_foreign() {
    let (_folder, inventory) = inventory();
    let foreign = "# my rack\nall:\n  hosts:\n    printer: {}  # keep\n";
    fs::write(inventory.folder().join("10-mine.yaml"), foreign).unwrap();
    std::thread::scope(|scope| {
        for n in 0..100 {
            let inventory = inventory.clone();
            scope.spawn(move || inventory.put(&host(n)).unwrap());
        }
    });
    let page = inventory.check().unwrap();
    assert_eq!((page.nodes.len(), page.generation), (100, 100));
    assert_eq!(fs::read_to_string(inventory.folder().join("10-mine.yaml")).unwrap(), foreign);
}

#[test]
fn a_hand_edit_is_refused_and_kept() {
    let (_folder, inventory) = inventory();
    inventory.put(&host(1)).unwrap();
    let path = inventory.folder().join(FILE_NAME);
    let edited = fs::read_to_string(&path).unwrap().replace("10.77.1.1", "10.77.1.9");
    fs::write(&path, &edited).unwrap();
    let error = inventory.put(&host(2)).unwrap_err();
    assert!(matches!(error, InventoryError::Edited { .. }) && error.remedy().contains("file of your own"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), edited);
    fs::remove_file(&path).unwrap();
    inventory.sync(&[host(1), host(2)]).unwrap();
}

#[test]
fn an_operators_name_is_never_doubled() {
    for (file, text, name) in [
        ("10-mine.yaml", "rack:\n  hosts:\n    node-525400000001: {}\n", "node-525400000001"),
        ("10-mine.yml", "all:\n  children:\n    nodes: {}\n", "nodes"),
        ("hosts", "[control]\nlocalhost\n", "control"),
        ("hosts.ini", "node-5254000000[01:09]\n", "node-5254000000[01:09]"),
        ("more.json", "{\"x\": {\"hosts\": {\"roost-control\": {}}}}", "roost-control"),
    ] {
        let (_folder, inventory) = inventory();
        let path = inventory.folder().join(file);
        fs::write(&path, text).unwrap();
        let error = inventory.put(&host(1)).unwrap_err();
        assert_eq!(error.remedy(), format!("rename {name} in {}", path.display()), "{error}");
        assert!(!inventory.folder().join(FILE_NAME).exists());
    }
}

#[test]
fn a_broken_foreign_file_is_a_warning() {
    let (_folder, inventory) = inventory();
    fs::write(inventory.folder().join("half.yaml"), "all: [").unwrap();
    fs::write(inventory.folder().join("notes.md"), "nodes").unwrap();
    let written = inventory.put(&host(1)).unwrap();
    assert_eq!(written.warnings.len(), 1);
    assert!(written.warnings[0].path.ends_with("half.yaml"));
}

#[test]
fn b35_a_held_lock_is_waited_for_and_named() {
    let (_folder, mut inventory) = inventory();
    inventory.patience = Duration::from_millis(20);
    let held = files::lock(&inventory.lock_file(), Duration::ZERO).unwrap();
    let error = inventory.put(&host(1)).unwrap_err();
    assert!(matches!(error, InventoryError::Lock(LockError::Held { .. })) && error.remedy().contains("fuser"));
    drop(held);
    inventory.put(&host(1)).unwrap();
}

#[test]
fn a_snapshot_is_whole_and_unmoved_by_later_writes() {
    let (folder, inventory) = inventory();
    fs::create_dir(inventory.folder().join("group_vars")).unwrap();
    fs::write(inventory.folder().join("group_vars/nodes.yaml"), "a: 1\n").unwrap();
    inventory.put(&host(1)).unwrap();
    let target = folder.path().join("copy");
    let files = inventory.snapshot(&target).unwrap();
    inventory.put(&host(2)).unwrap();
    let told: Vec<_> = files.iter().map(|file| (file.name.to_str().unwrap(), file.is_program)).collect();
    assert_eq!(told, [(FILE_NAME, false), ("group_vars/nodes.yaml", false)]);
    assert_eq!(files[1].sha256, hex::encode(<sha2::Sha256 as sha2::Digest>::digest("a: 1\n")));
    let copied = Page::parse(&fs::read_to_string(target.join(FILE_NAME)).unwrap()).unwrap();
    assert_eq!(copied.nodes.len(), 1);
    assert_eq!(fs::read_to_string(target.join("group_vars/nodes.yaml")).unwrap(), "a: 1\n");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 2, "hidden files stay out");
}

#[test]
fn each_reason_of_a_missing_copy_has_its_remedy() {
    let remedy = |kind: io::ErrorKind| SnapshotError::Copy { path: "/x".into(), source: kind.into() }.remedy();
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
        assert_eq!(remedy(kind), "free space for a copy of /x");
    }
    assert_eq!(remedy(io::ErrorKind::PermissionDenied), "let the daemon read /x");
    let large = SnapshotError::TooLarge { path: "/x".into(), what: "16 levels" };
    assert_eq!(large.remedy(), "move what is no inventory out of /x");
    let held = SnapshotError::Lock(LockError::Held { path: "/x".into(), waited_ms: 5 });
    assert!(held.remedy().starts_with("let the holder of the lock end: /x"));
}

#[test]
fn a_link_to_a_great_tree_does_not_fill_the_disk() {
    let (folder, inventory) = inventory();
    std::os::unix::fs::symlink(inventory.folder(), inventory.folder().join("loop")).unwrap();
    let error = inventory.snapshot(&folder.path().join("copy")).unwrap_err();
    assert!(matches!(error, SnapshotError::TooLarge { .. }), "{error}");
}

#[test]
fn a_user_is_a_user() {
    assert!(SshUser::try_from("_apt-1".to_owned()).is_ok());
    for bad in ["", "Root", "root ansible_connection=local", "{{x}}", "-x", "1a", &"a".repeat(33)] {
        assert!(SshUser::try_from(bad.to_owned()).is_err(), "{bad:?}");
    }
}

proptest::proptest! {
    #[test]
    fn pages_round_trip(macs: Vec<[u8; 6]>, generation: u64) {
        let mut page = Page { generation, nodes: BTreeMap::new() };
        for (n, mac) in macs.into_iter().enumerate() {
            page.put(NodeId::of(Mac(mac)), Ipv4Addr::from(u32::try_from(n).unwrap()), SshUser::root());
        }
        proptest::prop_assert_eq!(Page::parse(&page.render()).unwrap(), page);
    }
}
