//! The files of the repository, and for Rust files what in them is test code.
//!
//! Files are those that git knows or would add: build output and a reader's own scratch files are no concern here.
//! They are parsed once for all rules; what the parser gives is bound to its thread, so it is kept as plain facts.

use std::{
    collections::HashSet,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;

use crate::syntax::{Function, functions};

/// A Rust file.
pub(crate) struct Source {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
    /// Its functions.
    pub(crate) functions: Vec<Function>,
    /// The modules that it declares without a body.
    pub(crate) modules: Vec<Module>,
    /// Its words and signs in order, groups and macros opened up, each with its line.
    pub(crate) tokens: Vec<(String, usize)>,
    /// Lines that are compiled for tests alone.
    tests: Vec<RangeInclusive<usize>>,
    /// The file as a whole is compiled for tests alone.
    pub(crate) is_test: bool,
}

/// A module that is declared without a body.
pub(crate) struct Module {
    /// Where its file may be.
    pub(crate) files: Vec<String>,
    /// It is compiled for tests alone.
    for_tests: bool,
}

impl Source {
    /// Whether this line is compiled for tests alone.
    pub(crate) fn in_tests(&self, line: usize) -> bool {
        self.is_test || self.tests.iter().any(|range| range.contains(&line))
    }

    /// How many lines it has beside its tests.
    pub(crate) fn lines_without_tests(&self) -> usize {
        (1..=self.text.lines().count()).filter(|line| !self.in_tests(*line)).count()
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every file, from the root of the repository.
pub(crate) fn files() -> &'static [String] {
    static FILES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let root = root();
        // A checkout of another user (CI, a mounted folder) is still the one to look at.
        let listed = Command::new("git")
            .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .expect("git is needed to know which files belong to the repository");
        assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        let names = String::from_utf8(listed.stdout).unwrap();
        let mut files: Vec<String> =
            names.split_terminator('\0').filter(|name| root.join(name).is_file()).map(str::to_owned).collect();
        files.sort();
        files.dedup();
        files
    });
    &FILES
}

/// The text of a file; nothing for a binary one.
pub(crate) fn text(file: &str) -> Option<String> {
    std::fs::read_to_string(root().join(file)).ok()
}

/// Rust files that a generator writes, each asserted by a test to be what its source makes. How they read is the
/// generator's business.
const GENERATED: &[&str] = &["jobs/src/nomad/generated.rs", "jobs/src/consul/generated.rs"];

/// Every Rust file that a person writes.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let rust = files().iter().filter(|file| file.ends_with(".rs") && !GENERATED.contains(&file.as_str()));
        let mut sources: Vec<Source> = rust.map(|file| parse(file)).collect();
        let modules = sources.iter().flat_map(|source| &source.modules).filter(|module| module.for_tests);
        let for_tests: HashSet<String> = modules.flat_map(|module| module.files.clone()).collect();
        for source in &mut sources {
            source.is_test |= for_tests.contains(&source.path);
        }
        sources
    });
    &SOURCES
}

fn parse(path: &str) -> Source {
    let text = text(path).unwrap_or_default();
    let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}:{}: {error}", error.span().start().line));
    let mut tokens = Vec::new();
    flatten(text.parse().unwrap(), &mut tokens);
    let mut modules = Vec::new();
    collect_modules(path, &syntax.items, &mut modules);
    Source {
        functions: functions(&syntax),
        modules,
        tokens,
        tests: syntax.items.iter().filter(|item| for_tests(attributes(item))).map(lines).collect(),
        is_test: path.contains("/tests/") || path.contains("/benches/") || path.contains("/fuzz/"),
        path: path.to_owned(),
        text,
    }
}

fn flatten(stream: TokenStream, out: &mut Vec<(String, usize)>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                out.push((open.to_owned(), line));
                flatten(group.stream(), out);
                out.push((close.to_owned(), group.span_close().start().line));
            }
            other => out.push((other.to_string(), line)),
        }
    }
}

fn collect_modules(file: &str, items: &[syn::Item], out: &mut Vec<Module>) {
    for item in items {
        let syn::Item::Mod(module) = item else { continue };
        match &module.content {
            None => out.push(Module { files: module_files(file, module), for_tests: for_tests(&module.attrs) }),
            Some((_, inner)) => collect_modules(file, inner, out),
        }
    }
}

/// Where a module that is declared without a body may be.
fn module_files(declared_in: &str, module: &syn::ItemMod) -> Vec<String> {
    let file = Path::new(declared_in);
    let folder = file.parent().unwrap_or(Path::new(""));
    if let Some(path) = path_attribute(&module.attrs) {
        return vec![normal(&folder.join(path).to_string_lossy())];
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    // A test target `tests/x.rs` and a program `src/bin/x.rs` are roots like `main.rs`.
    let is_root = matches!(&*stem, "mod" | "lib" | "main") || folder.ends_with("tests") || folder.ends_with("bin");
    let folder = if is_root { folder.to_path_buf() } else { folder.join(&*stem) };
    [format!("{}.rs", module.ident), format!("{}/mod.rs", module.ident)]
        .map(|name| folder.join(name).to_string_lossy().into_owned())
        .to_vec()
}

/// The path without `x/../`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    match &attribute.meta.require_name_value().ok()?.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => Some(path.value()),
        _ => None,
    }
}

/// Whether something with these attributes is compiled for tests alone.
pub(crate) fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let written = match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string(),
            meta => return meta.path().segments.last().is_some_and(|segment| segment.ident == "test"),
        };
        written.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "test") && !written.contains("not")
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        _ => &[],
    }
}

fn lines(item: &syn::Item) -> RangeInclusive<usize> {
    let start = attributes(item).iter().map(|attribute| attribute.span().start().line).min();
    start.unwrap_or_else(|| item.span().start().line)..=item.span().end().line
}
