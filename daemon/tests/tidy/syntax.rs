//! Rules on the shape of the code: lengths, signatures.

use syn::{spanned::Spanned as _, visit::Visit};

use crate::{
    findings::{Finding, none},
    sources::{Source, for_tests, sources},
};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 60;

/// Public functions that may take a `bool`, each with its reason: `(file, function, why)`.
const BOOL_PARAMETERS: &[(&str, &str, &str)] = &[];

#[test]
fn files_are_short() {
    let long = |source: &Source| {
        let lines = source.lines_without_tests();
        (lines > FILE_LINES).then(|| Finding::new(&source.path, FILE_LINES, format!("{lines} lines beside its tests")))
    };
    none(
        "a file has at most 500 lines beside its tests",
        "split it where its second purpose begins; a folder of the same name holds the parts",
        &sources().iter().filter_map(long).collect::<Vec<_>>(),
    );
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for source in sources() {
        for function in &source.functions {
            let lines = function.last_line - function.line + 1;
            if lines > FUNCTION_LINES {
                long.push(Finding::new(&source.path, function.line, format!("`{}` has {lines} lines", function.name)));
            }
        }
    }
    none("a function has at most 60 lines", "give its parts names: each step a function of its own", &long);
}

#[test]
fn no_public_function_takes_a_bool() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test) {
        for function in &source.functions {
            let allowed = BOOL_PARAMETERS.iter().any(|(file, name, _)| *file == source.path && *name == function.name);
            if function.is_public && function.takes_bool && !allowed && !source.in_tests(function.line) {
                found.push(Finding::new(&source.path, function.line, format!("`{}` takes a bool", function.name)));
            }
        }
    }
    none(
        "no public function takes a bool: `start(true)` says nothing to its reader",
        "take an enum of two values, or make two functions; a reasoned exception goes into BOOL_PARAMETERS",
        &found,
    );
}

/// What the rules look at in a function.
pub(crate) struct Function {
    name: String,
    line: usize,
    last_line: usize,
    is_public: bool,
    takes_bool: bool,
}

/// Every function of a file, methods and those in modules included.
pub(crate) fn functions(file: &syn::File) -> Vec<Function> {
    let mut visitor = Functions { found: Vec::new(), trait_is_public: false };
    visitor.visit_file(file);
    visitor.found
}

struct Functions {
    found: Vec<Function>,
    /// Inside a `pub trait`, whose functions carry no `pub` of their own.
    trait_is_public: bool,
}

impl Functions {
    fn note(&mut self, visible: &syn::Visibility, signature: &syn::Signature, last_line: usize) {
        self.found.push(Function {
            name: signature.ident.to_string(),
            line: signature.span().start().line,
            last_line,
            is_public: matches!(visible, syn::Visibility::Public(_)),
            takes_bool: signature.inputs.iter().any(is_bool),
        });
    }
}

fn is_bool(input: &syn::FnArg) -> bool {
    matches!(input, syn::FnArg::Typed(typed) if matches!(&*typed.ty, syn::Type::Path(path) if path.path.is_ident("bool")))
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.vis, &function.sig, function.block.span().end().line);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.vis, &function.sig, function.block.span().end().line);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.trait_is_public = matches!(item.vis, syn::Visibility::Public(_)) && !for_tests(&item.attrs);
        syn::visit::visit_item_trait(self, item);
        self.trait_is_public = false;
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        let public = syn::Visibility::Public(syn::token::Pub::default());
        let visible = if self.trait_is_public { public } else { syn::Visibility::Inherited };
        self.note(&visible, &function.sig, function.span().end().line);
        syn::visit::visit_trait_item_fn(self, function);
    }
}
