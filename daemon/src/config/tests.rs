//! What an operator may write, and what the mistakes look like.

use super::*;

fn no_env(_: &str) -> Option<String> {
    None
}

/// The mistakes as `line path: message | hint`.
fn mistakes(text: &str) -> Vec<String> {
    let list = parse(text, &no_env).err().unwrap_or_default();
    Problems::new(None, list)
        .list
        .into_iter()
        .map(|p| format!("{} {}: {} | {}", p.line.unwrap_or(0), p.path, p.message, p.hint.unwrap_or_default()))
        .collect()
}

/// Asserts that this text has this one mistake.
fn one_mistake(text: &str, start: &str) {
    let found = mistakes(text);
    assert!(found.len() == 1 && found[0].starts_with(start), "{text}\nexpected {start}\nfound {found:#?}");
}

const RACK: &str = r#"
[boot]
listen = ["10.77.0.1:7601"]
[dhcp]
mode = "full"
interfaces = ["rack0"]
[[dhcp.subnet]]
cidr = "10.77.0.0/16"
pools = ["10.77.1.0-10.77.255.250"]
router = "10.77.0.1"
dns = ["10.77.0.1"]
lease = "1h"
[tftp]
listen = ["10.77.0.1:69"]
"#;

#[test]
fn without_a_file_the_api_is_on_loopback_and_dhcp_is_off() {
    let config = parse("", &no_env).unwrap();
    assert_eq!(config.data_dir, Path::new("/var/lib/roost"));
    assert_eq!(config.http.listen, ["127.0.0.1:7600".parse().unwrap()]);
    assert_eq!(config.http.socket, Path::new("/var/lib/roost/roost.sock"));
    assert_eq!((config.dhcp.mode, config.nodes.enroll), (DhcpMode::Off, Enroll::Approve));
    assert!(config.boot.listen.is_empty() && config.tftp.listen.is_empty());
}

#[test]
fn a_rack_is_read() {
    let config = parse(RACK, &no_env).unwrap();
    let subnet = &config.dhcp.subnet[0];
    assert_eq!(config.dhcp.interfaces, ["rack0"]);
    assert_eq!(subnet.pools[0].first.to_string(), "10.77.1.0");
    assert_eq!(subnet.lease.as_secs(), 3600);
}

#[test]
fn every_mistake_is_reported_at_once_with_its_line() {
    let text = "data_dir = 7\n[http]\nlisen = []\nplaintext = \"no\"\n[dhcp]\nmode = \"proxy\"\n\
                [[dhcp.subnet]]\nlease = 60\npools = [\n  \"10.0.0.1\",\n  \"10.0.0.9-10.0.0.5\",\n]\n[nodess]\n";
    assert_eq!(
        mistakes(text),
        [
            "1 data_dir: expected path, found a number | ",
            "3 http.lisen: unknown key | did you mean `listen`?",
            "4 http.plaintext: expected true or false, found text | ",
            "6 dhcp.mode: \"proxy\" is not built yet | what works today: \"full\", \"off\"",
            "7 dhcp.subnet[0].cidr: missing | for example cidr = \"10.77.0.0/16\"",
            "8 dhcp.subnet[0].lease: expected duration such as \"90s\" or \"1h 30m\", found a number | ",
            "10 dhcp.subnet[0].pools[0]: \"10.0.0.1\" is not right: no `-` between two addresses | expected pool such as \"10.77.1.0-10.77.255.250\"",
            "11 dhcp.subnet[0].pools[1]: \"10.0.0.9-10.0.0.5\" is not right: the first address is above the last | expected pool such as \"10.77.1.0-10.77.255.250\"",
            "13 nodess: unknown key | did you mean `nodes`?",
        ]
    );
}

#[test]
fn lines_that_are_no_toml_do_not_hide_other_mistakes() {
    let found = mistakes("[http]\nlisten = [\"127.0.0.1:1\"]\n[boot]\nfiles = /srv\n[log]\nlevel = \"loud\"\n");
    assert!(found.iter().any(|line| line.starts_with("6 log.level: \"loud\" is no choice here")), "{found:#?}");
    assert!(found.iter().any(|line| line.starts_with("4 : this is not TOML")), "{found:#?}");
    assert_eq!(
        mistakes("[log\nlevel = \"loud\"\nformat = 3").len(),
        1,
        "keys without their section would be judged wrongly"
    );
    let twice = mistakes("[log]\nlevel = \"info\"\nlevel = \"warn\"\nformat = 1\n");
    assert!(twice.len() == 2 && twice[0].starts_with("3 : this is not TOML: duplicate key"), "{twice:#?}");
}

#[test]
fn what_a_later_version_builds_is_named() {
    one_mistake(
        "[nodes]\nmethod = \"image\"",
        "2 nodes.method: \"image\" is not built yet | what works today: \"live\"",
    );
    one_mistake("[nodes]\nmethod = \"preseed\"", "2 nodes.method: \"preseed\" is not built yet");
    one_mistake("[dhcp]\nmode = \"proxy\"", "2 dhcp.mode: \"proxy\" is not built yet");
}

#[test]
fn auto_needs_a_boot_network_that_is_trusted() {
    one_mistake("[nodes]\nenroll = \"auto\"", "2 nodes.enroll: \"auto\" admits whoever is on the boot network");
    assert!(parse("[nodes]\nenroll = \"auto\"\ntrust_boot_network = true", &no_env).is_ok());
}

#[test]
fn an_api_beyond_loopback_needs_tls_or_a_word_for_it() {
    for listen in ["0.0.0.0:7600", "[::]:7600", "10.0.0.1:7600", "[::ffff:10.0.0.1]:7600"] {
        let text = format!("[http]\nlisten = [\"127.0.0.1:1\", \"{listen}\"]\n");
        one_mistake(&text, &format!("2 http.listen: {listen} is reachable by other machines, without TLS"));
        assert!(parse(&format!("{text}plaintext = true"), &no_env).is_ok(), "{listen}");
        assert!(parse(&format!("{text}[http.tls]\nsource = \"roost\""), &no_env).is_ok(), "{listen}");
    }
    for listen in ["127.8.0.1:7600", "[::1]:7600", "[::ffff:127.0.0.1]:7600"] {
        assert!(parse(&format!("[http]\nlisten = [\"{listen}\"]\n"), &no_env).is_ok(), "{listen}");
    }
}

#[test]
fn certificates_and_their_source_agree() {
    let files = mistakes("[http.tls]\nsource = \"files\"");
    assert_eq!(files.len(), 2, "{files:#?}");
    one_mistake("[http.tls]\ncert = \"/c\"", "2 http.tls.cert: has no effect");
}

#[test]
fn full_dhcp_needs_interfaces_a_subnet_and_both_listeners() {
    let found = mistakes("[dhcp]\nmode = \"full\"");
    let paths: Vec<&str> = found.iter().filter_map(|line| line.split([' ', ':']).nth(1)).collect();
    let mut paths = paths;
    paths.sort_unstable();
    assert_eq!(paths, ["boot.listen", "dhcp.interfaces", "dhcp.subnet", "tftp.listen"], "{found:#?}");
}

#[test]
fn listeners_of_the_boot_network_are_real_addresses() {
    one_mistake("[boot]\nlisten = [\"0.0.0.0:7601\"]", "2 boot.listen: 0.0.0.0:7601 names no address");
    one_mistake("[tftp]\nlisten = [\"0.0.0.0:69\"]", "2 tftp.listen: 0.0.0.0:69 names no address");
}

#[test]
fn what_dhcp_finds_wrong_has_its_key_and_line() {
    let rack = |from: &str, to: &str| RACK.replace(from, to);
    one_mistake(
        &rack("10.77.255.250\"", "10.78.0.1\""),
        "9 dhcp.subnet[0].pools[0]: 10.78.0.1 is outside 10.77.0.0/16",
    );
    one_mistake(
        &rack("router = \"10.77.0.1\"", "router = \"10.1.0.1\""),
        "10 dhcp.subnet[0].router: 10.1.0.1 is outside",
    );
    let twin = "\n[[dhcp.subnet.reservation]]\nmac = \"52:54:00:00:00:01\"\naddress = \"10.77.0.9\"\n";
    one_mistake(
        &rack("\n[tftp]", &format!("{twin}{}[tftp]", twin.replace("0.9", "0.8"))),
        "18 dhcp.subnet[0].reservation[1].mac: ",
    );
    one_mistake(&rack("interfaces = [\"rack0\"]", "interfaces = []"), "6 dhcp.interfaces: ");
    assert!(
        parse(&rack("mode = \"full\"", "mode = \"off\"").replace("router = \"10.77", "router = \"10.78"), &no_env)
            .is_ok()
    );
}

#[test]
fn machines_are_sent_to_the_listener_in_their_network() {
    let second = "[[dhcp.subnet]]\ncidr = \"10.78.0.0/24\"\npools = [\"10.78.0.9-10.78.0.20\"]\n[tftp]";
    let text =
        RACK.replace("[tftp]", second).replace("[\"10.77.0.1:7601\"]", "[\"10.77.0.1:7601\", \"10.78.0.1:7601\"]");
    let subnets = parse(&text, &no_env).unwrap().dhcp().subnets;
    let boot: Vec<_> = subnets.into_iter().map(|subnet| subnet.boot.unwrap()).collect();
    assert_eq!(boot[0].http, "10.77.0.1:7601".parse().unwrap());
    assert_eq!(boot[1].http, "10.78.0.1:7601".parse().unwrap());
    assert_eq!(boot[1].tftp, std::net::Ipv4Addr::new(10, 77, 0, 1), "the only one there is");
    assert_eq!(boot[0].http_loaders.x64, "/loaders/ipxe-amd64.efi");
}

#[test]
fn a_mirror_is_an_archive() {
    one_mistake("[assets]\nmirror = \"deb.debian.org\"", "2 assets.mirror: \"deb.debian.org\" is no Debian archive");
    one_mistake("[image]\nmirror = \"http://x y\"", "2 image.mirror: \"http://x y\" is no Debian archive");
    one_mistake("[image]\nsecurity = \"no\"", "2 image.security: \"no\" is no Debian archive");
    one_mistake("[image]\npackages = [\"a b\"]", "2 image.packages[0]: \"a b\" is no Debian package name");
    let image = parse("[image]\nsecurity = \"none\"\npackages = [\"htop\"]", &no_env).unwrap().image();
    assert_eq!((image.security, image.packages.len()), (None, 1));
    assert!(parse("", &no_env).unwrap().image().security.is_some());
}

#[test]
fn times_that_contradict_each_other_are_mistakes() {
    one_mistake("[nodes]\ntoken_ttl = \"1m\"", "2 nodes.token_ttl: a machine that boots within");
    one_mistake("[ansible]\ntimeout = \"2h\"", "0 nodes.sla.configuring: a run may take longer");
}

#[test]
fn commands_are_words_with_known_placeholders() {
    one_mistake("[power]\nmethod = \"command\"", "1 power.command: power.method = \"command\" needs it");
    one_mistake("[power]\ncommand = [\"x\", \"{host}\"]", "2 power.command: \"{host}\" has a placeholder");
    one_mistake("[power]\ncommand = \"reboot\"", "2 power.command: expected a list, found text");
    one_mistake("[power]\ncommand = []", "2 power.command: no program");
    let config = parse("[power]\nmethod = \"command\"\ncommand = [\"x\", \"{mac}-{action}\"]", &no_env).unwrap();
    assert_eq!(config.power.command, Some(CommandTemplate(vec!["x".into(), "{mac}-{action}".into()])));
}

#[test]
fn keys_come_from_the_file_and_the_environment() {
    let hash = "ab".repeat(32);
    let text = format!("[[http.keys]]\nname = \"a\"\nsha256 = \"{hash}\"\nscopes = [\"read\", \"operate\"]\n");
    let env = |name: &str| (name == "ROOST_HTTP_KEYS").then(|| format!("b:{hash}:models c:{hash}:read+admin"));
    let keys = parse(&text, &env).unwrap().http.keys;
    assert_eq!(keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(keys[2].scopes, [Scope::Read, Scope::Admin]);
    let wrong = |name: &str| (name == "ROOST_HTTP_KEYS").then(|| "d:secret-in-the-wrong-place:read".to_owned());
    let list = parse("", &wrong).unwrap_err();
    assert_eq!((list.len(), list[0].path.as_str()), (1, "ROOST_HTTP_KEYS"));
    assert!(!list[0].message.contains("secret"), "{list:?}");
    one_mistake(&format!("{text}{text}"), "6 http.keys[1].name: a second key named \"a\"");
}

#[test]
fn relative_paths_lie_under_the_data_directory() {
    let env = |name: &str| (name == "ROOST_DATA_DIR").then(|| "/elsewhere".to_owned());
    let config = parse("data_dir = \"/d\"\n[ansible]\ninventory = \"inv\"\nvenv = \"/opt/venv\"", &env).unwrap();
    assert_eq!(config.data_dir, Path::new("/elsewhere"));
    assert_eq!(
        (config.ansible.inventory.as_path(), config.ansible.venv.as_path()),
        (Path::new("/elsewhere/inv"), Path::new("/opt/venv"))
    );
    assert!(parse("data_dir = \"here\"", &no_env).unwrap().data_dir.is_absolute());
}

#[test]
fn the_file_is_found_where_it_is_said_to_be() {
    let env = |name: &str| (name == "ROOST_CONFIG").then(|| "/nowhere/env.toml".to_owned());
    assert_eq!(find(Some(Path::new("/a.toml")), &env), Some("/a.toml".into()));
    assert_eq!(find(None, &env), Some("/nowhere/env.toml".into()));
    let (text, sound) = report(None, &env);
    assert!(!sound && text.contains("/nowhere/env.toml: cannot be read"), "{text}");
}

/// Compares a committed file with what the declarations say; `ROOST_RENEW=1` writes it.
fn up_to_date(file: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("ROOST_RENEW").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{file} is behind daemon/src/config: ROOST_RENEW=1 cargo test -p daemon --lib config"
    );
}

#[test]
fn the_example_and_the_reference_are_up_to_date() {
    up_to_date("config.example.toml", &example());
    up_to_date("docs/configuration.md", &reference());
}

/// Every key of the example, uncommented.
fn example_uncommented() -> String {
    let lines = example();
    lines
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_changes_nothing() {
    assert_eq!(parse(&example(), &no_env).unwrap(), parse("", &no_env).unwrap());
}

/// Also reads every default: a default that is wrong TOML would be a missing key here.
#[test]
fn every_key_of_the_example_is_read() {
    let text = example_uncommented();
    let found = mistakes(&text);
    let expected =
        ["http.tls.cert", "http.tls.key", "cluster.consul", "cluster.nomad"].map(|key| format!("{key}: has no effect"));
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for part in expected {
        assert!(found.iter().any(|line| line.contains(&part)), "{found:#?}");
    }
    let text = text.replace("source = \"off\"", "source = \"files\"").replace("mode = \"none\"", "mode = \"join\"");
    assert!(parse(&text, &no_env).is_ok());
}

#[test]
fn a_cluster_says_what_it_needs() {
    for (cluster, mistake) in [
        ("mode = \"own\"", "cluster.advertise"),
        ("mode = \"own\"\nadvertise = \"0.0.0.0\"", "no address that a node could reach"),
        ("mode = \"own\"\nadvertise = \"10.0.0.1\"\ncertificate_lifetime = \"2m\"", "at least 3m"),
        ("datacenter = \"DC 1\"", "cluster.datacenter"),
        ("nomad = \"https://10.0.0.5:4646\"", "has no effect"),
        ("mode = \"join\"\nnomad = \"10.0.0.5\"", "no address"),
        ("mode = \"join\"\ncert = \"/a.pem\"", "go together"),
    ] {
        let found = mistakes(&format!("[cluster]\n{cluster}\n"));
        assert!(found.len() == 1 && found[0].contains(mistake), "{cluster}: {found:#?}");
    }
    assert!(parse("[cluster]\nmode = \"own\"\nadvertise = \"10.0.0.1\"\n", &no_env).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _ = parse(&text, &no_env);
    }

    #[test]
    fn no_broken_example_panics(cut in 0_usize..20_000, put in "[\\[\\]\"=.#\n{}]{0,4}") {
        let mut text = example_uncommented();
        let mut at = cut % text.len();
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text.insert_str(at, &put);
        let _ = parse(&text, &no_env);
    }
}
