//! The store on disk: what is listed, what is found damaged, who may change it.

use pxe::assets::{Condition, Role, StoreError};

use crate::boot_rig::{LOADER, Rig, pattern};

#[test]
fn an_image_is_listed_verified_and_served() {
    let rig = Rig::with_loader(1000);
    assert_eq!(rig.assets.current_image().unwrap(), None);
    let image = rig.add_image(1, 5000);
    assert_eq!(rig.assets.current_image().unwrap(), Some(image.clone()));
    assert!(rig.assets.has(&image));

    let listed = rig.assets.list().unwrap();
    let names: Vec<_> = listed.iter().map(|line| (line.entry.name.as_str(), line.entry.role, line.present)).collect();
    let expected = [
        (LOADER, Role::Loader, true),
        ("vmlinuz", Role::Kernel, true),
        ("initrd.img", Role::Initrd, true),
        ("root.squashfs", Role::Root, true),
    ];
    assert_eq!(names, expected);
    assert!(rig.assets.verify().unwrap().iter().all(|(_, condition)| *condition == Condition::Intact));
}

#[test]
fn verify_names_every_mismatch() {
    let rig = Rig::with_loader(1000);
    let image = rig.add_image(1, 5000);
    let object = |sha256: &pxe::assets::Digest| rig.folder().join("objects").join(sha256.to_string());
    let mut damaged = pattern(5000, 1);
    damaged[4999] ^= 1;
    std::fs::write(object(&image.kernel.sha256), damaged).unwrap();
    std::fs::remove_file(object(&image.root.sha256)).unwrap();

    let verdicts = rig.assets.verify().unwrap();
    let of = |role| verdicts.iter().find(|(entry, _)| entry.role == role).unwrap().1;
    assert_eq!(of(Role::Loader), Condition::Intact);
    assert!(matches!(of(Role::Kernel), Condition::Changed { found } if found.bytes == 5000));
    assert_eq!(of(Role::Initrd), Condition::Intact);
    assert_eq!(of(Role::Root), Condition::Missing);
    assert!(!rig.assets.has(&image));
}

#[test]
fn one_process_changes_the_store_at_a_time() {
    let rig = Rig::empty();
    let held = std::fs::File::options().create(true).append(true).open(rig.folder().join("lock")).unwrap();
    held.lock().unwrap();
    let files = pxe::assets::ImageFiles {
        kernel: "/dev/null".into(),
        initrd: "/dev/null".into(),
        root: "/dev/null".into(),
        built: vocabulary::Timestamp::UNIX_EPOCH,
        version: String::new(),
    };
    let error = rig.assets.add_image(&files).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
    drop(held);
    rig.assets.add_image(&files).unwrap();
}

#[test]
fn another_process_sees_a_new_image_at_once() {
    let rig = Rig::empty();
    let other = pxe::assets::Assets::open(pxe::assets::Config::new(rig.folder())).unwrap();
    assert_eq!(other.current_image().unwrap(), None);
    let image = rig.add_image(1, 100);
    assert_eq!(other.current_image().unwrap(), Some(image));
    let newer = rig.add_image(5, 100);
    assert_eq!(other.current_image().unwrap(), Some(newer));
}

#[test]
fn a_missing_file_changes_nothing() {
    let rig = Rig::empty();
    let image = rig.add_image(1, 100);
    let files = pxe::assets::ImageFiles {
        kernel: "/dev/null".into(),
        initrd: "/nowhere/initrd".into(),
        root: "/dev/null".into(),
        built: vocabulary::Timestamp::UNIX_EPOCH,
        version: String::new(),
    };
    let error = rig.assets.add_image(&files).unwrap_err();
    assert_eq!(error.to_string(), "cannot open /nowhere/initrd");
    assert_eq!(rig.assets.current_image().unwrap(), Some(image.clone()));
    assert!(rig.assets.has(&image));
}
