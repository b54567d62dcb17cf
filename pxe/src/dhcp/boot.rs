//! What a machine is told to load: a pure decision from what it says it is.
//!
//! ```text
//!  firmware, PXE   -> the iPXE loader for its architecture, by TFTP
//!  firmware, HTTP  -> the same loader, as a URL
//!  iPXE with HTTP  -> its script, as a URL            (so iPXE is loaded once and never again)
//!  iPXE without    -> the loader once more: ours has HTTP and gets the script next
//!  anything else   -> an address and no file; unknown firmware says why on the timeline
//! ```
//!
//! Rejected: a default loader for unknown architectures. `undionly.kpxe` on an arm board hangs without a word, while
//! a firmware without a file says so on its console.

use std::net::{Ipv4Addr, SocketAddrV4};

use vocabulary::{Firmware, Mac};

/// Where the machines of one network find what they boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootFiles {
    /// The TFTP server.
    pub tftp: Ipv4Addr,
    /// The boot listener; an address and no name, because firmware loses its name servers on the way.
    pub http: SocketAddrV4,
    /// The loaders by TFTP.
    pub loaders: Loaders,
    /// The loaders by HTTP, as absolute paths on the boot listener.
    pub http_loaders: HttpLoaders,
}

/// File names on the TFTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaders {
    /// PC BIOS.
    pub bios: String,
    /// UEFI on x86-64.
    pub uefi_x64: String,
    /// UEFI on arm64.
    pub uefi_arm64: String,
}

/// Paths on the boot listener, each with its leading `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLoaders {
    /// UEFI on x86-64.
    pub x64: String,
    /// UEFI on arm64.
    pub arm64: String,
}

impl Default for Loaders {
    fn default() -> Self {
        Self { bios: "undionly.kpxe".into(), uefi_x64: "ipxe-amd64.efi".into(), uefi_arm64: "ipxe-arm64.efi".into() }
    }
}

/// How option 43 answers a PXE client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VendorOptions {
    /// Discovery control 8: load the file that this packet names, look for no other boot server.
    #[default]
    Bypass,
    /// Discovery control 8, with a boot menu of this server alone that is chosen without waiting (sub-options 9, 10
    /// and 71): for firmware that takes a file only from a menu.
    BypassWithMenu,
    /// No option 43: for UEFI firmware that drops offers which bypass discovery.
    Absent,
}

/// How one machine deviates from what its kind understands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quirks {
    /// This loader instead of its architecture's.
    pub loader: Option<String>,
    /// The form of option 43.
    pub vendor_options: VendorOptions,
}

/// What asks, as its options tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// PXE firmware, with its architecture where it names one.
    Pxe(Option<u16>),
    /// UEFI HTTP boot firmware.
    Http(Option<u16>),
    /// iPXE that can load its script by HTTP.
    Ipxe(Option<u16>),
    /// iPXE built without HTTP.
    IpxeWithoutHttp(Option<u16>),
    /// Not booting: an installed system, a switch, a BMC.
    Plain,
}

/// What to tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BootFile {
    /// A file on the TFTP server.
    Tftp(String),
    /// A URL: the script for iPXE, the loader for HTTP boot firmware.
    Url(String),
    /// Nothing, and why, where a person should know.
    Nothing(Option<String>),
}

impl Asker {
    /// The architecture it named (RFC 4578, option 93).
    #[must_use]
    pub const fn architecture(self) -> Option<u16> {
        match self {
            Self::Pxe(arch) | Self::Http(arch) | Self::Ipxe(arch) | Self::IpxeWithoutHttp(arch) => arch,
            Self::Plain => None,
        }
    }

    /// The firmware behind that number; 7 and 9 were swapped in RFC 4578 as printed, so both are x86-64.
    #[must_use]
    pub fn firmware(self) -> Option<Firmware> {
        self.architecture().and_then(firmware_of)
    }

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pxe(_) => "PXE firmware",
            Self::Http(_) => "UEFI HTTP boot",
            Self::Ipxe(_) | Self::IpxeWithoutHttp(_) => "iPXE",
            Self::Plain => "DHCP client",
        }
    }
}

/// The firmware of an architecture number (IANA, processor architecture types); 15 is what some x86-64 firmware sends
/// for HTTP boot.
#[must_use]
pub const fn firmware_of(architecture: u16) -> Option<Firmware> {
    Some(match architecture {
        0 => Firmware::Bios,
        7 | 9 => Firmware::UefiX64,
        11 => Firmware::UefiArm64,
        15 | 16 => Firmware::HttpX64,
        19 => Firmware::HttpArm64,
        _ => return None,
    })
}

impl BootFiles {
    /// The URL that iPXE gets; it fills in the `${}` itself.
    #[must_use]
    pub fn script_url(&self, mac: Mac) -> String {
        let (http, mac) = (self.http, mac.hyphenated());
        format!("http://{http}/boot/{mac}.ipxe?uuid=${{uuid}}&arch=${{buildarch}}&platform=${{platform}}")
    }

    /// What this machine is told to load.
    #[must_use]
    pub fn choose(&self, asker: Asker, mac: Mac, quirks: &Quirks) -> BootFile {
        match asker {
            Asker::Plain => BootFile::Nothing(None),
            Asker::Ipxe(_) => BootFile::Url(self.script_url(mac)),
            Asker::Pxe(_) | Asker::IpxeWithoutHttp(_) | Asker::Http(_) => self.loader(asker, quirks),
        }
    }

    fn loader(&self, asker: Asker, quirks: &Quirks) -> BootFile {
        let Some(firmware) = asker.firmware() else { return BootFile::Nothing(Some(unknown(asker))) };
        let wants_url = matches!(asker, Asker::Http(_));
        if wants_url {
            let path = match firmware {
                Firmware::HttpX64 | Firmware::UefiX64 => &self.http_loaders.x64,
                Firmware::HttpArm64 | Firmware::UefiArm64 => &self.http_loaders.arm64,
                Firmware::Bios => return BootFile::Nothing(Some("no loader for HTTP boot of a PC BIOS".into())),
            };
            return BootFile::Url(format!("http://{}{path}", self.http));
        }
        let by_architecture = match firmware {
            Firmware::Bios => &self.loaders.bios,
            Firmware::UefiX64 | Firmware::HttpX64 => &self.loaders.uefi_x64,
            Firmware::UefiArm64 | Firmware::HttpArm64 => &self.loaders.uefi_arm64,
        };
        BootFile::Tftp(quirks.loader.as_ref().unwrap_or(by_architecture).clone())
    }
}

fn unknown(asker: Asker) -> String {
    match asker.architecture() {
        Some(number) => format!("no loader for architecture {number} (option 93); 0, 7, 9, 11, 15, 16 and 19 have one"),
        None => "the firmware names no architecture (option 93 and the Arch: of option 60 are missing)".into(),
    }
}

#[cfg(test)]
#[path = "boot_tests.rs"]
mod tests;
