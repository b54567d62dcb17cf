//! Which file a request asks for: the path and query of a URL, read without any I/O.
//!
//! ```text
//!   /boot/<mac>.ipxe?uuid=..&arch=..&platform=..    a script, made for this machine
//!   /assets/<sha256>/<name>                         a file of the asset store, by content
//!   /programs/<sha256>/<name>                       a program that nodes run, by content
//!   /loaders/<name>                                 a loader by name, for firmware whose URL is fixed by DHCP
//!   /files/<path>                                   the operator's own files
//! ```
//!
//! Empty parts are dropped, so that `//boot///x` is `/boot/x` without a redirect, which UEFI does not follow.
//! Rejected: the router's own patterns, because they answer a doubled slash with "not found".

use vocabulary::{Firmware, Mac, SmbiosUuid};

use crate::assets::{Digest, PublicPath, Refused};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A script.
    Script(Machine),
    /// A script for something that is no MAC.
    NotAMachine(String),
    /// A file of the store.
    Asset {
        /// Which bytes.
        sha256: Digest,
        /// For the log and for the client's idea of a type; the digest alone decides.
        name: String,
    },
    /// A program of the store.
    Program(Digest),
    /// A loader by name.
    Loader(String),
    /// One of the operator's files.
    File(PublicPath),
    /// A name that is not served.
    Refused(String, Refused),
    /// Nothing of ours.
    Unknown,
}

/// A machine as its script's URL describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) mac: Mac,
    pub(super) uuid: Option<SmbiosUuid>,
    pub(super) firmware: Option<Firmware>,
}

impl Route {
    pub(super) fn of(path: &str, query: &str) -> Self {
        let Some(parts) = parts(path) else { return Self::Unknown };
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["boot", name] => Self::script(name, query),
            ["assets", sha256, name] => match sha256.parse() {
                Ok(sha256) => Self::Asset { sha256, name: (*name).to_owned() },
                Err(_) => Self::Unknown,
            },
            ["programs", sha256, _] => sha256.parse().map_or(Self::Unknown, Self::Program),
            ["loaders", name] => Self::Loader((*name).to_owned()),
            ["files", rest @ ..] => {
                let name = rest.join("/");
                PublicPath::parse(&name).map_or_else(|refused| Self::Refused(name.clone(), refused), Self::File)
            }
            _ => Self::Unknown,
        }
    }

    fn script(name: &str, query: &str) -> Self {
        let mac = name.strip_suffix(".ipxe").and_then(|mac| mac.parse().ok());
        mac.map_or_else(|| Self::NotAMachine(name.to_owned()), |mac| Self::Script(Machine::of(mac, query)))
    }
}

impl Machine {
    /// iPXE leaves a value empty where it knows none; then so do we.
    fn of(mac: Mac, query: &str) -> Self {
        let value = |key: &str| query.split('&').find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == key));
        let value = |key| value(key).map(|(_, value)| value).unwrap_or_default();
        let firmware = match (value("platform"), value("arch")) {
            ("pcbios", _) => Some(Firmware::Bios),
            ("efi", "x86_64") => Some(Firmware::UefiX64),
            ("efi", "arm64") => Some(Firmware::UefiArm64),
            _ => None,
        };
        Self { mac, uuid: value("uuid").parse().ok(), firmware }
    }
}

/// The path with empty parts dropped: what the composed-in routes are matched against.
pub(super) fn without_doubled_slashes(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    format!("/{}", parts.join("/"))
}

/// The decoded parts of a path; nothing if it is no text.
fn parts(path: &str) -> Option<Vec<String>> {
    path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
}

/// Percent-decoding (RFC 3986); a lone `%` stands for itself, as browsers have it.
fn decode(part: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| tail.get(..2).and_then(|digits| hex::decode(digits).ok())).flatten();
        match escaped {
            Some(byte) => {
                decoded.extend(byte);
                rest = &tail[2..];
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAC: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);

    #[test]
    fn a_script_knows_the_machine() {
        let query = "uuid=4c4c4544-0042-3510-8054-b4c04f564433&arch=x86_64&platform=efi";
        let uuid = "4c4c4544-0042-3510-8054-b4c04f564433".parse().ok();
        let machine = Machine { mac: MAC, uuid, firmware: Some(Firmware::UefiX64) };
        for path in ["/boot/52-54-00-12-34-56.ipxe", "//boot//52:54:00:12:34:56.ipxe", "/boot/52%3A54:00:12:34:56.ipxe"]
        {
            assert_eq!(Route::of(path, query), Route::Script(machine), "{path}");
        }
    }

    #[test]
    fn firmware_is_read_from_ipxe_and_absent_where_it_is_odd() {
        let firmware = |query| Machine::of(MAC, query).firmware;
        assert_eq!(firmware("uuid=&arch=i386&platform=pcbios"), Some(Firmware::Bios));
        assert_eq!(firmware("arch=arm64&platform=efi"), Some(Firmware::UefiArm64));
        assert_eq!(firmware("arch=riscv64&platform=efi"), None);
        assert_eq!(firmware(""), None);
        assert_eq!(Machine::of(MAC, "uuid=&arch=").uuid, None);
    }

    #[test]
    fn everything_else_is_named() {
        let digest = "ab".repeat(32);
        assert_eq!(
            Route::of(&format!("/assets/{digest}/vmlinuz"), ""),
            Route::Asset { sha256: digest.parse().unwrap(), name: "vmlinuz".into() }
        );
        let program = Route::of(&format!("//programs/{digest}//consul.zst"), "");
        assert_eq!(program, Route::Program(digest.parse().unwrap()));
        assert_eq!(Route::of("/boot/evil.ipxe", ""), Route::NotAMachine("evil.ipxe".into()));
        assert_eq!(Route::of("/loaders/ipxe-amd64.efi", ""), Route::Loader("ipxe-amd64.efi".into()));
        assert_eq!(Route::of("/files//a/b", ""), Route::File(PublicPath::parse("a/b").unwrap()));
        assert_eq!(Route::of("/files/%2e%2e/etc", ""), Route::Refused("../etc".into(), Refused::Outside));
        assert_eq!(Route::of("/files/..%5cx", ""), Route::Refused("..\\x".into(), Refused::Backslash));
        assert_eq!(Route::of("/files/a%00b", ""), Route::Refused("a\0b".into(), Refused::Control));
        assert_eq!(Route::of("/files/", ""), Route::Refused(String::new(), Refused::Empty));
        for path in [
            "/",
            "/assets/xyz/vmlinuz",
            "/assets",
            "/programs",
            "/programs/xyz/consul.zst",
            "/other",
            "/files/%ff",
            "/boot/a/b",
        ] {
            assert_eq!(Route::of(path, ""), Route::Unknown, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_url_panics_and_no_file_leads_out(path: String, query: String) {
            if let Route::File(path) = Route::of(&format!("/files/{path}"), &query) {
                prop_assert!(path.as_str().split('/').all(|part| part != ".." && !part.is_empty()));
            }
        }
    }
}
