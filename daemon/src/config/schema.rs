//! The form in which keys are declared: once, as data, beside the type that the daemon uses.
//!
//! `section!` makes a struct, its reader and its documentation from one list, so that none of the three can lag
//! behind; defaults are written as TOML and read by the same reader as the operator's file. Rejected: serde with a
//! separate documentation table (drifts, and stops at the first mistake) and a derive macro (a package of its own for
//! forty lines of rules).

use toml_edit::TableLike;

use super::reader::Reader;

/// One key, as the reader, the example and the reference see it.
pub(super) struct Key {
    /// Its name within its section.
    pub(super) name: &'static str,
    /// Its explanation, a line an element.
    pub(super) doc: &'static [&'static str],
    /// What it takes, in words.
    pub(super) kind: fn() -> String,
    /// Its words and what each means, where it takes words.
    pub(super) words: fn() -> Vec<Word>,
    /// What stands in the file, and what happens when nothing does.
    pub(super) form: Form,
}

/// A word that a key takes, and its explanation, a line an element.
pub(super) type Word = (&'static str, &'static [&'static str]);

/// What a key may hold.
pub(super) enum Form {
    /// A value with a default, in TOML.
    Default(&'static str),
    /// A value that may be absent; an example in TOML.
    Optional(&'static str),
    /// A value that must be there; an example in TOML.
    Required(&'static str),
    /// A section of its own.
    Table(fn() -> Declared),
    /// A list of sections.
    Tables(fn() -> Declared),
}

/// A section's documentation and keys.
pub(super) struct Declared {
    /// What the section is for, a line an element.
    pub(super) doc: &'static [&'static str],
    /// Its keys, in the order of the file.
    pub(super) keys: Vec<Key>,
}

/// A struct that is read from a TOML table.
pub(super) trait Section: Sized {
    /// Its documentation and keys.
    fn declared() -> Declared;

    /// Reads it; nothing when a required key is missing or wrong, which is then reported.
    fn read(table: &dyn TableLike, path: &str, reader: &mut Reader<'_>) -> Option<Self>;
}

/// Declares a section; see `sections.rs`.
macro_rules! section {
    ($(#[doc = $about:literal])+ $name:ident {
        $( $(#[doc = $doc:literal])+ $key:ident : $type:ty = $form:ident $($text:literal)? ; )+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $key: $type, )+
        }

        impl $crate::config::schema::Section for $name {
            fn declared() -> $crate::config::schema::Declared {
                use $crate::config::schema::{Declared, Key};
                let keys = vec![ $( Key {
                    name: stringify!($key),
                    doc: &[$($doc),+],
                    kind: section!(@kind $form $type),
                    words: section!(@words $form $type),
                    form: section!(@form $form $type $(, $text)?),
                } ),+ ];
                Declared { doc: &[$($about),+], keys }
            }

            fn read(
                table: &dyn toml_edit::TableLike,
                path: &str,
                reader: &mut $crate::config::reader::Reader<'_>,
            ) -> Option<Self> {
                reader.refuse_unknown_keys(table, path, &[$(stringify!($key)),+]);
                $( let $key = section!(@read $form (reader, table, path, stringify!($key)) $(, $text)?); )+
                Some(Self { $( $key: $key?, )+ })
            }
        }
    };
    (@kind table $type:ty) => { || "section".to_owned() };
    (@kind tables $type:ty) => { || "list of sections".to_owned() };
    (@kind $form:ident $type:ty) => { <$type as $crate::config::values::Setting>::kind };
    (@words table $type:ty) => { Vec::new };
    (@words tables $type:ty) => { Vec::new };
    (@words $form:ident $type:ty) => { <$type as $crate::config::values::Setting>::words };
    (@form default $type:ty, $text:literal) => { $crate::config::schema::Form::Default($text) };
    (@form optional $type:ty, $text:literal) => { $crate::config::schema::Form::Optional($text) };
    (@form required $type:ty, $text:literal) => { $crate::config::schema::Form::Required($text) };
    (@form table $type:ty) => {
        $crate::config::schema::Form::Table(<$type as $crate::config::schema::Section>::declared)
    };
    (@form tables $type:ty) => {
        $crate::config::schema::Form::Tables(<$type as $crate::config::schema::Sections>::declared)
    };
    (@read default ($reader:ident, $table:ident, $path:ident, $key:expr), $text:literal) => {
        $reader.value_or($table, $path, $key, $text)
    };
    (@read optional ($reader:ident, $table:ident, $path:ident, $key:expr), $text:literal) => {
        Some($reader.value($table, $path, $key))
    };
    (@read required ($reader:ident, $table:ident, $path:ident, $key:expr), $text:literal) => {
        $reader.required($table, $path, $key, $text)
    };
    (@read table ($reader:ident, $table:ident, $path:ident, $key:expr)) => { $reader.section($table, $path, $key) };
    (@read tables ($reader:ident, $table:ident, $path:ident, $key:expr)) => {
        Some($reader.sections($table, $path, $key))
    };
}
pub(super) use section;

/// A list of sections, so that `section!` can name the section inside a `Vec`.
pub(super) trait Sections {
    /// The documentation and keys of one element.
    fn declared() -> Declared;
}

impl<S: Section> Sections for Vec<S> {
    fn declared() -> Declared {
        S::declared()
    }
}

/// Declares an enum whose values are words in the file; words of what is not built yet are errors that say so.
macro_rules! choice {
    ($(#[doc = $about:literal])+ $name:ident {
        $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, )+
    } $(not built yet { $($later:literal),+ })?) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( $(#[doc = $doc])+ #[serde(rename = $word)] $variant, )+
        }

        impl $name {
            /// Every value, in the order of its declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in the file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of that word.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == word)
            }
        }

        impl $crate::config::values::Setting for $name {
            fn kind() -> String {
                let later: &[&str] = &[$($($later),+)?];
                let works = [$($word),+].map(|word| format!("`{word}`")).join(", ");
                let later: String = later.iter().map(|word| format!(", `{word}` (not built yet)")).collect();
                format!("one of {works}{later}")
            }

            fn words() -> Vec<$crate::config::schema::Word> {
                vec![$(($word, &[$($doc),+])),+]
            }

            fn read(
                value: &toml_edit::Value,
                at: &$crate::config::reader::Place,
                reader: &mut $crate::config::reader::Reader<'_>,
            ) -> Option<Self> {
                reader.word(value, at, &[$(($word, Self::$variant)),+], &[$($($later),+)?])
            }
        }
    };
}
pub(super) use choice;
