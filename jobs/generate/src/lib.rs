//! Makes Rust clients of our OpenAPI documents.
//!
//! A package of its own, so that nothing but its test and `make generate` compiles progenitor (a minute on two cores),
//! and so that the clients can be made anew when they don't compile. The result is committed: a reader and a reviewer
//! see what is called, and a build needs neither the documents nor the generator. Rejected: progenitor's macro (it
//! reads YAML by an archived library, and at each build) and a build script.
//!
//! prettyplease formats, not rustfmt: the same bytes on every toolchain.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use proc_macro2::TokenStream;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle};

/// Our documents, and the modules of the package `jobs` that their clients become.
pub const APIS: &[Api] = &[
    Api {
        document: "nomad/openapi.yaml",
        module: "src/nomad/generated.rs",
        ours: &[
            ("Job", "crate::nomad::Job"),
            ("Variable", "crate::nomad::Variable"),
            ("VariableWrite", "crate::nomad::Variable"),
            ("AclToken", "crate::nomad::AclToken"),
            ("AclTokenRequest", "crate::nomad::NewToken"),
            ("AclBootstrapRequest", "crate::nomad::AclBootstrap"),
            ("GossipKeyRequest", "crate::gossip::GossipKey"),
            ("GossipRing", "crate::gossip::Ring"),
            ("ClientIntroductionToken", "crate::nomad::Introduced"),
        ],
    },
    Api {
        document: "consul/openapi.yaml",
        module: "src/consul/generated.rs",
        ours: &[
            ("AclToken", "crate::consul::AclToken"),
            ("AclTokenRequest", "crate::consul::AclTokenRequest"),
            ("AclBootstrapRequest", "crate::consul::AclBootstrap"),
            ("GossipKeyRequest", "crate::gossip::GossipKey"),
            ("GossipRing", "crate::gossip::Ring"),
        ],
    },
];

/// A document and its client, both from the root of the package `jobs`.
#[derive(Debug, Clone, Copy)]
pub struct Api {
    /// What is asked for.
    pub document: &'static str,
    /// What is made of it.
    pub module: &'static str,
    /// Schemas whose Rust type is written by hand: they keep unknown fields, or hold secrets and must not show them.
    pub ours: &'static [(&'static str, &'static str)],
}

/// The root of the package `jobs`.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The client's code.
pub fn generate(root: &Path, api: &Api) -> anyhow::Result<String> {
    let path = root.join(api.document);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let document: openapiv3::OpenAPI =
        serde_saphyr::from_str(&text).with_context(|| format!("{} is no OpenAPI document", path.display()))?;
    let tokens = Generator::new(&settings(api)?).generate_tokens(&document).context("the generator refuses it")?;
    let file = syn3::parse2(tokens).context("the generator made no Rust")?;
    let story = format!("//! Made of jobs/{} by `make generate`; change the document, not this.\n\n", api.document);
    Ok(story + &prettyplease::unparse(&file))
}

/// Writes the client to its place.
pub fn write(root: &Path, api: &Api) -> anyhow::Result<PathBuf> {
    let path = root.join(api.module);
    fs::write(&path, generate(root, api)?).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn settings(api: &Api) -> anyhow::Result<GenerationSettings> {
    let wire: TokenStream = "crate::transport::Wire".parse().map_err(|_| anyhow::anyhow!("no path"))?;
    let mut settings = GenerationSettings::new();
    settings.with_interface(InterfaceStyle::Positional).with_hooks(HooksMode::Expected).with_inner_type(wire);
    settings.with_derive("PartialEq");
    for (schema, ours) in api.ours {
        settings.with_replacement(schema, ours, std::iter::empty());
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_clients_are_what_the_documents_make() {
        for api in APIS {
            let committed = fs::read_to_string(root().join(api.module)).unwrap();
            let made = generate(&root(), api).unwrap();
            let differs = committed.lines().zip(made.lines()).position(|(committed, made)| committed != made);
            assert!(
                committed == made,
                "jobs/{} is not what jobs/{} makes (first at line {:?}); try: make generate",
                api.module,
                api.document,
                differs.map(|line| line + 1)
            );
        }
    }
}
