//! Both agents behind TLS with an authority of their own: who shows a certificate is served, nobody else.

use std::{fs, path::Path};

use ::jobs::{
    CallError, ClientCertificate, Endpoint, Query, Tls,
    consul::{self, Cas, Catalog as _, KeyValue as _},
    nomad,
};
use lab::agents::{Client, Identity, Spec, address};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
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
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "an authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let names = ["server.global.nomad", "server.dc1.consul"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    params.subject_alt_names.push(SanType::IpAddress(address().into()));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Issued { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
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
    for (who, endpoint) in [
        ("no certificate", with(|tls| tls.client = None)),
        ("another name", with(|tls| tls.server_name = Some("client.global.nomad".to_owned()))),
        ("another authority", another_authority.towards(&nomad_url, "server.global.nomad")),
        ("no TLS", Endpoint::plain(nomad_url.replace("https", "http"))),
    ] {
        let error = refused(endpoint).await;
        let expected = matches!(error, CallError::Unreachable { .. } | CallError::Refused { status: 400, .. });
        assert!(expected, "{who}: {error:?}");
    }
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
