//! The house rules as tests: what a reader may rely on in every file of this repository.
//!
//! A rule that only a document states is a rule that is broken in its third month. Each failure names file, line, the
//! rule and what to do instead. Exceptions are lists in this folder, each entry with its reason; a rule that needs many
//! of them is a wrong rule and is changed here, in one place.
//!
//! Rejected: an `xtask` package (another package and another command for the same checks) and clippy alone, which sees
//! neither other files nor the shape of the workspace. What clippy can see is left to it (Cargo.toml, clippy.toml).

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report; clippy knows #[test] functions alone")]

#[path = "tidy/findings.rs"]
mod findings;
#[path = "tidy/layout.rs"]
mod layout;
#[path = "tidy/promises.rs"]
mod promises;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/syntax.rs"]
mod syntax;
#[path = "tidy/texts.rs"]
mod texts;
#[path = "tidy/tokens.rs"]
mod tokens;
