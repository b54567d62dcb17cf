//! What must hold for any file name from the network; shared by the fuzz target and the test that replays the seeds.

use std::path::{Component, Path};

use pxe::assets::{PublicFiles, PublicPath, RefusedFile};

/// A name that is taken stays below the folder, and opening it finds nothing outside.
pub(crate) fn name(bytes: &[u8]) {
    let name = String::from_utf8_lossy(bytes);
    let Ok(path) = PublicPath::parse(&name) else { return };
    let inside = |part| matches!(part, Component::Normal(_));
    assert!(Path::new(path.as_str()).components().all(inside), "{name:?} became {path}");
    assert_eq!(PublicPath::parse(path.as_str()).as_ref(), Ok(&path), "reading it again changes nothing");
    let opened = PublicFiles::new(Some("/proc/self/fdinfo".into())).open(&path);
    let absent = matches!(opened, Err(RefusedFile::Absent)) || path.as_str().bytes().all(|byte| byte.is_ascii_digit());
    assert!(absent, "{path}: {opened:?}");
}
