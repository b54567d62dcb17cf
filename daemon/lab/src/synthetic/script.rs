//! What iPXE would take out of its script: kernel, initrds, command line, and the token in it.
//!
//! No interpreter: a boot script is read for its last `kernel` and its `initrd`s, after the variables that iPXE knows
//! of a machine are filled in. A script without a kernel is one that waits or refuses; its text says so.

use std::time::Duration;

use vocabulary::{Firmware, Mac, SmbiosUuid, Token};

/// An iPXE script as a synthetic machine understands it.
#[derive(Debug, Clone)]
pub struct Script {
    /// As served; holds the token, so it is never to be logged.
    text: String,
    /// The kernel's URL, as written.
    pub kernel: Option<String>,
    /// The initrds' URLs, as written.
    pub initrds: Vec<String>,
    /// The kernel's command line.
    pub command_line: String,
    /// `roost.token=`.
    pub token: Option<Token>,
}

impl Script {
    /// Reads a script whose variables are filled in.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut script =
            Self { text: text.to_owned(), kernel: None, initrds: Vec::new(), command_line: String::new(), token: None };
        for line in text.replace("\\\n", " ").lines().map(|line| line.split("||").next().unwrap_or_default()) {
            let mut words = line.split_ascii_whitespace();
            let command = words.next();
            let mut plain = words.skip_while(|word| word.starts_with("--"));
            match command {
                Some("kernel") => {
                    script.kernel = plain.next().map(str::to_owned);
                    script.command_line = plain.collect::<Vec<_>>().join(" ");
                }
                // `--name NAME URL`: what is fetched stands last.
                Some("initrd") => script.initrds.extend(plain.find(|word| word.contains('/')).map(str::to_owned)),
                _ => (),
            }
        }
        script.token = script.argument("roost.token").and_then(|token| Token::try_from(token).ok());
        script
    }

    /// The value of `name=` on the kernel's command line.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<String> {
        let value = |word: &str| word.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        self.command_line.split_ascii_whitespace().find_map(value)
    }

    /// The text with its token taken out.
    #[must_use]
    pub fn shown(&self) -> String {
        vocabulary::redact_tokens(&self.text)
    }
}

/// How long a script that waits sleeps before it asks again.
pub(super) fn refresh(text: &str) -> Duration {
    let seconds = text.lines().find_map(|line| line.trim().strip_prefix("sleep ")?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

/// Fills in the variables that iPXE has of this machine; unknown ones are empty, as in iPXE.
pub(super) fn expand(text: &str, mac: Mac, uuid: SmbiosUuid, firmware: Firmware) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else { break };
        filled.push_str(&variable(name, mac, uuid, firmware));
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

fn variable(name: &str, mac: Mac, uuid: SmbiosUuid, firmware: Firmware) -> String {
    match name {
        "uuid" => uuid.to_string(),
        "mac" | "net0/mac" => mac.to_string(),
        "mac:hexhyp" | "net0/mac:hexhyp" => mac.hyphenated(),
        "buildarch" => match firmware {
            Firmware::Bios => "i386",
            Firmware::UefiX64 | Firmware::HttpX64 => "x86_64",
            Firmware::UefiArm64 | Firmware::HttpArm64 => "arm64",
        }
        .into(),
        "platform" => if firmware == Firmware::Bios { "pcbios" } else { "efi" }.into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::uuid_for;

    #[test]
    fn finds_kernel_initrd_and_token() {
        let token = Token::from_random([1; 32]);
        let text = format!(
            "#!ipxe\nkernel http://10.77.0.1:7601/assets/a/vmlinuz initrd=initrd.img \\\n roost.token={} quiet || goto no\n\
             initrd --name initrd.img http://10.77.0.1:7601/assets/b/initrd.img\nboot\n",
            token.expose()
        );
        let script = Script::parse(&text);
        assert_eq!(script.kernel.as_deref(), Some("http://10.77.0.1:7601/assets/a/vmlinuz"));
        assert_eq!(script.initrds, ["http://10.77.0.1:7601/assets/b/initrd.img"]);
        assert_eq!(script.token, Some(token));
        assert!(script.command_line.ends_with("quiet") && script.shown().contains("roost.token=<token>"));
    }

    #[test]
    fn a_script_that_waits_has_no_kernel() {
        let script = Script::parse("#!ipxe\necho waiting for approval\nsleep 5\n");
        assert!(script.kernel.is_none() && script.token.is_none());
    }

    #[test]
    fn variables_are_filled_in() {
        let mac = Mac([0x52, 0x54, 0, 1, 2, 3]);
        let url =
            expand("/${mac:hexhyp}.ipxe?uuid=${uuid}&p=${platform}&x=${none}", mac, uuid_for(mac), Firmware::Bios);
        assert_eq!(url, format!("/52-54-00-01-02-03.ipxe?uuid={}&p=pcbios&x=", uuid_for(mac)));
    }
}
