//! Options that DHCP libraries hand over as bytes: sub-options of 43, 82 and 175, user class, architecture, UUID.
//!
//! All of them come from machines whose firmware nobody will mend, so each reader takes what it can and ignores the
//! rest; none fails.

use std::net::Ipv4Addr;

use uuid::Uuid;
use vocabulary::SmbiosUuid;

/// Sub-option of 175 that iPXE with HTTP lists among its features (iPXE, dhcp.h: DHCP_EB_FEATURE_HTTP).
const IPXE_FEATURE_HTTP: u8 = 0x13;
/// Sub-option of 175 that tells iPXE not to wait two seconds for a proxy (iPXE, dhcp.h: DHCP_EB_NO_PXEDHCP).
const IPXE_NO_PROXY: u8 = 0xb0;
/// Sub-options of 82 (RFC 3527 and RFC 5107).
const LINK_SELECTION: u8 = 5;
const SERVER_ID_OVERRIDE: u8 = 11;
/// PXE 2.1, table 2-1: boot server list, boot menu, menu prompt, boot item, end.
const PXE_DISCOVERY_CONTROL: u8 = 6;
const PXE_BOOT_SERVERS: u8 = 8;
const PXE_BOOT_MENU: u8 = 9;
const PXE_MENU_PROMPT: u8 = 10;
const PXE_BOOT_ITEM: u8 = 71;
const END: u8 = 255;
/// Discovery control bit 3: load the file of this packet; bits 0 and 1: no broadcast, no multicast discovery.
const LOAD_THIS_FILE: u8 = 8;

/// The sub-options in encapsulated form, up to the first that does not fit.
pub(super) fn sub_options(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let [code, length, tail @ ..] = rest else { return None };
        let value = tail.get(..usize::from(*length)).filter(|_| *code != END)?;
        rest = &tail[value.len()..];
        Some((*code, value))
    })
}

/// The address in a sub-option of option 82.
fn relay_address(option_82: &[u8], wanted: u8) -> Option<Ipv4Addr> {
    let value = sub_options(option_82).find(|(code, _)| *code == wanted)?.1;
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

/// The network that a relay asks an address from, where it is not its own.
pub(super) fn link_selection(option_82: &[u8]) -> Option<Ipv4Addr> {
    relay_address(option_82, LINK_SELECTION)
}

/// The server address that a relay wants its clients to see: its own.
pub(super) fn server_id_override(option_82: &[u8]) -> Option<Ipv4Addr> {
    relay_address(option_82, SERVER_ID_OVERRIDE)
}

/// What option 175 says about HTTP; nothing where it is no option of iPXE's.
pub(super) fn ipxe_has_http(option_175: &[u8]) -> Option<bool> {
    sub_options(option_175).next()?;
    Some(sub_options(option_175).any(|(code, value)| code == IPXE_FEATURE_HTTP && value != [0]))
}

/// Whether option 77 says iPXE: bare, as iPXE sends it, or as a list of counted strings (RFC 3004).
pub(super) fn is_ipxe_class(option_77: &[u8]) -> bool {
    let counted = || {
        let mut rest = option_77;
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first()?;
            let class = tail.get(..usize::from(*length))?;
            rest = &tail[class.len()..];
            Some(class)
        })
    };
    option_77 == b"iPXE" || counted().any(|class| class == b"iPXE")
}

/// The architectures of option 93, most wanted first.
pub(super) fn architectures(option_93: &[u8]) -> impl Iterator<Item = u16> {
    option_93.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// The number after `Arch:` in option 60, which some firmware sends instead of option 93.
pub(super) fn architecture_in_class(option_60: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(option_60).ok()?;
    text.split_once("Arch:")?.1.split(':').next()?.parse().ok()
}

/// The UUID of option 97: type 0 and sixteen bytes in SMBIOS order, or it is none.
pub(super) fn machine_uuid(option_97: &[u8]) -> Option<SmbiosUuid> {
    let (kind, bytes) = option_97.split_first()?;
    let bytes: [u8; 16] = bytes.try_into().ok().filter(|_| *kind == 0)?;
    Some(SmbiosUuid(Uuid::from_bytes_le(bytes)))
}

/// Option 43 of PXE: load the file that this packet names, ask no other server.
pub(super) fn pxe_bypass() -> Vec<u8> {
    vec![PXE_DISCOVERY_CONTROL, 1, LOAD_THIS_FILE, END]
}

/// The same with a menu of one entry that is chosen at once.
pub(super) fn pxe_bypass_with_menu(server: Ipv4Addr) -> Vec<u8> {
    const TITLE: &[u8] = b"Roost";
    const TITLE_BYTES: u8 = 5;
    /// Any number of our own; 0 means the local disk.
    const BOOT_SERVER_TYPE: [u8; 2] = [0x80, 0];
    let mut bytes = vec![PXE_DISCOVERY_CONTROL, 1, LOAD_THIS_FILE, PXE_BOOT_SERVERS, 7];
    bytes.extend(BOOT_SERVER_TYPE);
    bytes.push(1);
    bytes.extend(server.octets());
    bytes.extend([PXE_BOOT_MENU, 3 + TITLE_BYTES]);
    bytes.extend(BOOT_SERVER_TYPE);
    bytes.push(TITLE_BYTES);
    bytes.extend(TITLE);
    bytes.extend([PXE_MENU_PROMPT, 1 + TITLE_BYTES, 0]);
    bytes.extend(TITLE);
    bytes.extend([PXE_BOOT_ITEM, 4]);
    bytes.extend(BOOT_SERVER_TYPE);
    bytes.extend([0, 0, END]);
    bytes
}

/// Option 175 for iPXE: do not wait for a proxy, this answer is whole.
pub(super) fn ipxe_no_proxy() -> Vec<u8> {
    vec![IPXE_NO_PROXY, 1, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b16_ipxe_is_known_by_its_class_in_both_spellings() {
        for class in [&b"iPXE"[..], b"\x04iPXE", b"\x03abc\x04iPXE"] {
            assert!(is_ipxe_class(class), "{class:?}");
        }
        for class in [&b""[..], b"iPX", b"gPXE", b"\x05iPXE", b"\x04iPX", b"\xff"] {
            assert!(!is_ipxe_class(class), "{class:?}");
        }
    }

    #[test]
    fn b16_ipxe_tells_whether_it_has_http() {
        assert_eq!(ipxe_has_http(&[0xb1, 1, 1, 0x13, 1, 1, 0xeb, 3, 1, 0, 0]), Some(true));
        assert_eq!(ipxe_has_http(&[0xb1, 1, 1]), Some(false));
        assert_eq!(ipxe_has_http(&[0x13]), None);
    }

    #[test]
    fn b02_a_uuid_is_seventeen_bytes_of_type_zero() {
        let mut option = vec![0];
        option.extend((1..=16).collect::<Vec<u8>>());
        let uuid = machine_uuid(&option).map(|uuid| uuid.to_string());
        assert_eq!(uuid.as_deref(), Some("04030201-0605-0807-090a-0b0c0d0e0f10"));
        assert_eq!(machine_uuid(&option[..16]), None);
        assert_eq!(machine_uuid(&[]), None);
        option[0] = 1;
        assert_eq!(machine_uuid(&option), None);
    }

    #[test]
    fn b01_an_architecture_is_found_in_either_option() {
        assert_eq!(architectures(&[0, 7, 0, 9, 1]).collect::<Vec<_>>(), [7, 9]);
        assert_eq!(architecture_in_class(b"PXEClient:Arch:00007:UNDI:003016"), Some(7));
        assert_eq!(architecture_in_class(b"PXEClient"), None);
        assert_eq!(architecture_in_class(b"PXEClient:Arch:\xff"), None);
    }

    #[test]
    fn a_relay_names_another_network() {
        assert_eq!(link_selection(&[1, 2, 9, 9, 5, 4, 10, 0, 0, 0]), Some(Ipv4Addr::new(10, 0, 0, 0)));
        assert_eq!(link_selection(&[5, 3, 10, 0, 0]), None);
        assert_eq!(server_id_override(&[11, 4, 10, 0, 0, 1]), Some(Ipv4Addr::new(10, 0, 0, 1)));
    }

    #[test]
    fn option_43_reads_back() {
        let menu = pxe_bypass_with_menu(Ipv4Addr::new(10, 77, 0, 1));
        let codes: Vec<u8> = sub_options(&menu).map(|(code, _)| code).collect();
        assert_eq!(codes, [6, 8, 9, 10, 71]);
        assert_eq!(sub_options(&pxe_bypass()).collect::<Vec<_>>(), [(6, &[8][..])]);
    }
}
