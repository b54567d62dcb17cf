//! The four scripts and the values that go into them.
//!
//! Templates stand in `pxe/templates/` and are compiled in; they are rendered with strict undefined values, so a
//! misspelt name is an error in a test rather than an empty word on a command line. Everything that a template is
//! given is a [`Word`], a [`Phrase`] or a number.
//!
//! `autoexec.ipxe`: iPXE on UEFI asks for it beside the loader before it does anything else (by TFTP, or by HTTP
//! where the loader came by HTTP). It gets an empty file, which iPXE discards without a word and goes on to its usual
//! autoboot. Rejected: a miss (an error on the console that people take for the cause), and a script that runs
//! `autoboot` (as a command it tries every interface, where the built-in one keeps to the one that was booted from).

use std::{fmt, net::SocketAddrV4};

use minijinja::{Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig, value::merge_maps};
use vocabulary::{Firmware, Mac, NodeId, Reason};

use super::{
    desk::LiveBoot,
    word::{Phrase, Word, WordError},
};
use crate::assets::Image;

/// How often a script tries to fetch a kernel or an initrd before it asks for a new script.
const ATTEMPTS: u32 = 10;
/// How long a refusal stays on the console before the firmware goes on.
const REFUSE_PAUSE_S: u32 = 30;

const TEMPLATES: [(&str, &str); 4] = [
    ("boot-live", include_str!("../../templates/boot-live.ipxe.j2")),
    ("wait", include_str!("../../templates/wait.ipxe.j2")),
    ("refuse", include_str!("../../templates/refuse.ipxe.j2")),
    ("boot-local", include_str!("../../templates/boot-local.ipxe.j2")),
];

/// A script, ready to be sent. It may hold a token, so it does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Script(String);

/// Who a script is for, and where it finds Roost.
#[derive(Debug, Clone, Copy)]
pub struct Addressee {
    /// Its boot interface.
    pub mac: Mac,
    /// The boot listener as the machine reached it; an IP literal, since loaders lose their DNS servers.
    pub base: SocketAddrV4,
}

/// How a machine starts from its own disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalBoot {
    /// Leave iPXE; the firmware goes on to its next boot entry.
    Exit,
    /// Start the first BIOS drive; many BIOSes stop after a network boot that merely ended.
    Sanboot,
}

/// The scripts.
#[derive(Debug)]
pub struct Scripts {
    templates: Environment<'static>,
}

/// A script could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A value is not fit for a script.
    #[error("a value is not fit for a boot script")]
    Value(#[from] WordError),
    /// A template is wrong.
    #[error("the template of a boot script is wrong")]
    Template(#[from] minijinja::Error),
}

impl Script {
    /// The bytes for the machine, and for it alone.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    /// The script as it may be shown: without its token.
    #[must_use]
    pub fn shown(&self) -> String {
        vocabulary::redact_tokens(&self.0)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl LocalBoot {
    /// What works on most machines of this kind.
    #[must_use]
    pub const fn usual(firmware: Option<Firmware>) -> Self {
        match firmware {
            Some(Firmware::Bios) => Self::Sanboot,
            _ => Self::Exit,
        }
    }

    /// As the template knows it.
    const fn name(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Sanboot => "sanboot",
        }
    }
}

impl Scripts {
    /// Compiles the templates.
    ///
    /// # Errors
    /// A template does not parse.
    pub fn new() -> Result<Self, ScriptError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_syntax(
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?,
        );
        // Its error reports would quote the values, and one of them is the token.
        templates.set_debug(false);
        for (name, source) in TEMPLATES {
            templates.add_template(name, source)?;
        }
        Ok(Self { templates })
    }

    /// Starts the live image.
    ///
    /// # Errors
    /// A value or the template is wrong.
    pub fn boot_live(&self, to: Addressee, image: &Image, live: &LiveBoot) -> Result<Script, ScriptError> {
        let token = Word::new(format!("roost.token={}", live.token.expose()))?;
        let ssh_key = Word::new(format!("roost.ssh={}", live.ssh_key.body()))?;
        self.live(to, image, token, ssh_key)
    }

    /// What [`Self::boot_live`] would send, for a person: `<token>` and `<key>` stand where a boot has its own.
    ///
    /// # Errors
    /// A value or the template is wrong.
    pub fn explain_boot_live(&self, to: Addressee, image: &Image) -> Result<String, ScriptError> {
        let token = Word::placeholder("roost.token=<token>");
        let ssh_key = Word::placeholder("roost.ssh=<key>");
        Ok(self.live(to, image, token, ssh_key)?.shown())
    }

    /// Shows who it is and why it waits, and asks again.
    ///
    /// # Errors
    /// The template is wrong.
    pub fn wait(&self, to: Addressee, reason: &Reason, refresh_s: u32) -> Result<Script, ScriptError> {
        self.render("wait", merge_maps([who(to)?, why(reason), context! { refresh_s }]))
    }

    /// Says no. The subject is who or what is refused: a machine, a URL.
    ///
    /// # Errors
    /// The template is wrong.
    pub fn refuse(&self, subject: &str, reason: &Reason) -> Result<Script, ScriptError> {
        let subject = Phrase::new(subject);
        self.render("refuse", merge_maps([why(reason), context! { subject, pause_s => REFUSE_PAUSE_S }]))
    }

    /// Starts from the machine's own disk.
    ///
    /// # Errors
    /// The template is wrong.
    pub fn boot_local(&self, to: Addressee, reason: &Reason, method: LocalBoot) -> Result<Script, ScriptError> {
        let method = method.name();
        self.render("boot-local", merge_maps([who(to)?, why(reason), context! { method }]))
    }

    fn live(&self, to: Addressee, image: &Image, token: Word, ssh_key: Word) -> Result<Script, ScriptError> {
        let live = context! {
            kernel => Word::new(image.kernel.sha256.to_string())?,
            initrd => Word::new(image.initrd.sha256.to_string())?,
            built => Word::new(image.built.strftime("%Y-%m-%dT%H:%MZ").to_string())?,
            arguments => arguments(to, image, token, ssh_key)?,
            attempts => ATTEMPTS,
        };
        self.render("boot-live", merge_maps([who(to)?, live]))
    }

    fn render(&self, name: &str, values: Value) -> Result<Script, ScriptError> {
        Ok(Script(self.templates.get_template(name)?.render(values)?))
    }
}

/// In every script that is for one machine.
fn who(to: Addressee) -> Result<Value, WordError> {
    Ok(context! {
        mac => Word::new(to.mac.to_string())?,
        file => Word::new(to.mac.hyphenated())?,
        node => Word::new(NodeId::of(to.mac).to_string())?,
        base => Word::new(format!("http://{}", to.base))?,
    })
}

/// In every script that explains itself.
fn why(reason: &Reason) -> Value {
    context! { cause => Phrase::new(&reason.cause), remedy => Phrase::new(&reason.remedy) }
}

/// The kernel's command line: words, joined by single spaces.
struct Arguments(Vec<Word>);

impl From<Arguments> for Value {
    fn from(arguments: Arguments) -> Self {
        Self::from(arguments.0.iter().map(Word::as_str).collect::<Vec<_>>().join(" "))
    }
}

/// How long a panic can be read on the console, in seconds: as long as any other failure (`pxe/image/`).
const PANIC_S: u32 = 60;

/// `initrd=` names the file as the script names it: the UEFI stub of older kernels looks for it there.
fn arguments(to: Addressee, image: &Image, token: Word, ssh_key: Word) -> Result<Arguments, WordError> {
    let root = image.root.sha256;
    Ok(Arguments(vec![
        Word::new("initrd=initrd.img")?,
        Word::new("boot=roost")?,
        Word::new(format!("roost.url=http://{}", to.base))?,
        token,
        Word::new(format!("roost.image=/assets/{root}/root.squashfs"))?,
        Word::new(format!("roost.sha256={root}"))?,
        Word::new(format!("roost.bytes={}", image.root.bytes))?,
        ssh_key,
        Word::new(format!("roost.mac={}", to.mac))?,
        Word::new(format!("BOOTIF=01-{}", to.mac.hyphenated()))?,
        Word::new("console=ttyS0,115200")?,
        Word::new("console=tty0")?,
        // A kernel that panics starts over like every other failed boot; without the word it stands still for ever.
        Word::new(format!("panic={PANIC_S}"))?,
        Word::new("quiet")?,
    ]))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use vocabulary::{HostKey, Token};

    use super::*;
    use crate::{assets::Blob, ipxe::FleetKey};

    const BODY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0Yx8E0fMmzQzVmU1nJqFZ0WkV5Yk1pQm9vdEtleTEy";

    fn to() -> Addressee {
        Addressee { mac: Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]), base: "10.77.0.1:7601".parse().unwrap() }
    }

    fn image() -> Image {
        let blob = |fill: u8| Blob { sha256: hex::encode([fill; 32]).parse().unwrap(), bytes: 1000 + u64::from(fill) };
        Image { kernel: blob(1), initrd: blob(2), root: blob(3), built: Timestamp::UNIX_EPOCH, version: "6.12".into() }
    }

    fn live() -> LiveBoot {
        let key = HostKey::try_from(format!("ssh-ed25519 {BODY}")).unwrap();
        LiveBoot { token: Token::from_random([7; 32]), ssh_key: FleetKey::try_from(&key).unwrap() }
    }

    fn reason(cause: &str) -> Reason {
        Reason { cause: cause.into(), remedy: "roost node approve node-525400123456".into() }
    }

    #[test]
    fn the_live_script_has_exactly_these_arguments() {
        let (live, root) = (live(), "03".repeat(32));
        let script = Scripts::new().unwrap().boot_live(to(), &image(), &live).unwrap().into_bytes();
        let script = String::from_utf8(script).unwrap();
        let expected = format!(
            "kernel --name vmlinuz http://10.77.0.1:7601/assets/{}/vmlinuz initrd=initrd.img boot=roost \
             roost.url=http://10.77.0.1:7601 roost.token={} roost.image=/assets/{root}/root.squashfs roost.sha256={root} \
             roost.bytes=1003 roost.ssh={BODY} roost.mac=52:54:00:12:34:56 BOOTIF=01-52-54-00-12-34-56 \
             console=ttyS0,115200 console=tty0 panic=60 quiet && goto initrd ||",
            "01".repeat(32),
            live.token.expose(),
        );
        assert!(script.starts_with("#!ipxe\n"), "{script}");
        assert!(script.lines().any(|line| line == expected), "{script}");
        assert!(script.contains("initrd --name initrd.img http://10.77.0.1:7601/assets/0202"), "{script}");
        assert!(script.contains("?uuid=${uuid}&arch=${buildarch}&platform=${platform} ||"), "{script}");
    }

    #[test]
    fn nobody_is_shown_a_token() {
        let (scripts, live) = (Scripts::new().unwrap(), live());
        let script = scripts.boot_live(to(), &image(), &live).unwrap();
        assert!(!format!("{script:?}").contains(live.token.expose()));
        let explained = scripts.explain_boot_live(to(), &image()).unwrap();
        assert!(explained.contains(" roost.token=<token> "), "{explained}");
        assert_eq!(explained.replace("<key>", BODY), script.shown(), "what is explained is what is sent");
    }

    #[test]
    fn no_reason_escapes_from_its_line() {
        let scripts = Scripts::new().unwrap();
        let lines = |script: Script| String::from_utf8(script.into_bytes()).unwrap().lines().count();
        let usual = lines(scripts.wait(to(), &reason("waits"), 10).unwrap());
        for attack in ["x\nshell", "${net0/mac}", "{{ 7*7 }}", "{% raw %}", "x;shell", "x||shell", "a\\", "-n", ""] {
            let script = scripts.wait(to(), &reason(attack), 10).unwrap();
            assert!(!script.shown().contains("49") && !script.shown().contains("${net0"), "{script:?}");
            assert_eq!(lines(script), usual, "{attack:?}");
            scripts.refuse(attack, &reason(attack)).unwrap();
        }
    }

    #[test]
    fn each_firmware_has_its_way_to_the_disk() {
        let scripts = Scripts::new().unwrap();
        let script =
            |firmware| scripts.boot_local(to(), &reason("installed"), LocalBoot::usual(firmware)).unwrap().shown();
        assert!(script(Some(Firmware::Bios)).contains("\nsanboot --no-describe --drive 0x80 ||\n"));
        for firmware in [Some(Firmware::UefiX64), Some(Firmware::UefiArm64), None] {
            assert!(!script(firmware).contains("sanboot"));
            assert!(script(firmware).ends_with("\nexit\n"));
        }
    }
}
