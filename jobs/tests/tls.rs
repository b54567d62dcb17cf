//! Both agents behind TLS with an authority of their own: who shows a certificate is served, nobody else.

use std::{fs, path::Path};

use ::jobs::{
    BadCertificate, CallError, ClientCertificate, Endpoint, Fault, Query, Tls, Whose,
    consul::{self, Cas, Catalog as _, KeyValue as _},
    nomad,
};
use lab::agents::{Client, Consul, Identity, Spec, address};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};
use vocabulary::Secret;

use crate::support::{eventually, now_query, start};

/// An authority and what it issued, as PEM.
struct Issued {
    authority: String,
    certificate: String,
    key: String,
}

/// One certificate for every role, as only a test would have it.
fn issue() -> Issued {
    Authority::new().issue(2020, 2100)
}

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&authority_key).unwrap();
        Self { pem: authority.pem(), issuer: Issuer::new(params, authority_key) }
    }

    /// Valid from one year to another.
    fn issue(&self, from: i32, until: i32) -> Issued {
        let names = ["server.global.nomad", "server.dc1.consul"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.subject_alt_names.push(SanType::IpAddress(address().into()));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { authority: self.pem.clone(), certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Issued {
    fn written_to(&self, dir: &Path) -> Identity {
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        Identity {
            authority: write("ca.pem", &self.authority),
            certificate: write("cert.pem", &self.certificate),
            key: write("key.pem", &self.key),
        }
    }

    fn towards(&self, url: &str, server_name: &str) -> Endpoint {
        let client = ClientCertificate { chain: self.certificate.clone(), key: Secret::new(self.key.clone()) };
        let tls =
            Tls { authority: self.authority.clone(), client: Some(client), server_name: Some(server_name.to_owned()) };
        Endpoint { tls: Some(tls), ..Endpoint::plain(url) }
    }
}

#[tokio::test]
async fn only_a_certificate_of_the_right_authority_and_name_gets_through() {
    let dir = tempfile::tempdir().unwrap();
    let issued = issue();
    let gossip_key = Some("cg8StVXbQJ0gPvMd9o7yrg==".to_owned());
    let tls = Some(issued.written_to(dir.path()));
    let agents = start(Spec { tls, gossip_key, client: Client::No, ..Spec::default() }).await;
    let (nomad_url, consul_url) = (agents.nomad()[0].url(), agents.consul()[0].url());

    let nomad = nomad::Client::build(&issued.towards(&nomad_url, "server.global.nomad")).unwrap();
    assert!(nomad.jobs(&now_query()).await.unwrap().value.is_empty());
    let consul = consul::Client::build(&issued.towards(&consul_url, "server.dc1.consul")).unwrap();
    // A leader is elected a moment before its own node stands in the catalog.
    eventually("Consul's own node", async || {
        Some(consul.nodes(&Query::default()).await.unwrap().value).filter(|nodes| nodes.len() == 1)
    })
    .await;
    consul.write("over/tls", "yes", Cas::Absent).await.unwrap();
    assert_eq!(consul.read("over/tls").await.unwrap().unwrap().value, "yes");

    let refused =
        async |endpoint: Endpoint| nomad::Client::build(&endpoint).unwrap().jobs(&now_query()).await.unwrap_err();
    let with = |change: fn(&mut Tls)| {
        let mut endpoint = issued.towards(&nomad_url, "server.global.nomad");
        endpoint.tls.as_mut().map(change);
        endpoint
    };
    let another_authority = Issued { authority: issue().authority, ..issue() };
    let bad = |whose, fault| Some(BadCertificate { whose, fault });
    for (who, endpoint, expected) in [
        ("no certificate", with(|tls| tls.client = None), bad(Whose::Ours, Fault::Missing)),
        (
            "another name",
            with(|tls| tls.server_name = Some("client.global.nomad".to_owned())),
            bad(Whose::Agents, Fault::WrongName),
        ),
        (
            "another authority",
            another_authority.towards(&nomad_url, "server.global.nomad"),
            bad(Whose::Agents, Fault::UnknownAuthority),
        ),
        ("no TLS", Endpoint::plain(nomad_url.replace("https", "http")), None),
    ] {
        match (refused(endpoint).await, expected) {
            (CallError::Certificate { bad, .. }, Some(expected)) => assert_eq!(bad, expected, "{who}"),
            // The agent may close before its word on our certificate is read.
            (CallError::Unreachable { .. }, Some(BadCertificate { whose: Whose::Ours, .. })) => {}
            (CallError::Refused { status: 400, .. }, None) => {}
            (error, _) => panic!("{who}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_not_begun_is_named_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let good = authority.issue(2020, 2100);
    let spec =
        Spec { tls: Some(good.written_to(dir.path())), consul: Consul::No, client: Client::No, ..Spec::default() };
    let agents = start(spec).await;
    let agent = &agents.nomad()[0];
    let nomad = nomad::Client::build(&good.towards(&agent.url(), "server.global.nomad")).unwrap();
    nomad.jobs(&now_query()).await.unwrap();
    for (from, until, fault, words) in [
        (2020, 2021, Fault::Expired, "its certificate has expired"),
        (2098, 2100, Fault::NotYetValid, "its certificate is not valid yet"),
    ] {
        agent.kill().unwrap();
        authority.issue(from, until).written_to(dir.path());
        agent.launch().unwrap();
        let seen = eventually("it listens again", async || match nomad.jobs(&now_query()).await {
            Err(CallError::Unreachable { .. }) => None,
            other => Some(other),
        })
        .await;
        let Err(error) = seen else { panic!("{seen:?}") };
        let CallError::Certificate { bad, .. } = &error else { panic!("{error:?}") };
        assert_eq!(*bad, BadCertificate { whose: Whose::Agents, fault });
        assert!(error.to_string().contains(words) && error.to_string().contains(&agent.url()), "{error}");
        assert!(!error.is_transient() && !error.may_have_happened());
    }
    // And the other way round: a good agent does not take ours.
    agent.kill().unwrap();
    good.written_to(dir.path());
    agent.launch().unwrap();
    eventually("it is itself again", async || nomad.jobs(&now_query()).await.ok()).await;
    let late = authority.issue(2020, 2021).towards(&agent.url(), "server.global.nomad");
    let late = nomad::Client::build(&late).unwrap();
    let bad = eventually("it says why", async || match late.jobs(&now_query()).await {
        Err(CallError::Certificate { bad, .. }) => Some(bad),
        // It may close before its word is read.
        Err(CallError::Unreachable { .. }) => None,
        other => panic!("{other:?}"),
    });
    assert_eq!(bad.await, BadCertificate { whose: Whose::Ours, fault: Fault::Expired });
}

#[test]
fn https_without_an_authority_and_other_mistakes_are_named() {
    let build = |endpoint: &Endpoint| nomad::Client::build(endpoint).unwrap_err().to_string();
    assert!(build(&Endpoint::plain("https://10.0.0.1:4646")).contains("no authority"));
    assert!(build(&Endpoint::plain("10.0.0.1:4646")).contains("no address"));
    let endpoint = Endpoint::plain("http://10.0.0.1:4646").with_token(Secret::new("a\nb".to_owned()));
    assert!(build(&endpoint).contains("line break") && !build(&endpoint).contains("a\nb"));
    let nonsense = Tls { authority: "nonsense".to_owned(), client: None, server_name: None };
    assert!(build(&Endpoint { tls: Some(nonsense), ..Endpoint::plain("https://10.0.0.1") }).contains("certificates"));
}
