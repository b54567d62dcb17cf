//! Mistakes in a configuration: all of them at once, each with its key's path and line and what to write instead.
//!
//! Rejected: stopping at the first mistake, as deserialisers do. Whoever edits a file over a slow console wants one
//! list, not one mistake a restart.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The key, from the top: `dhcp.subnet[0].lease`; empty where the file as a whole is meant.
    pub path: String,
    /// Counted from 1; absent where the key is missing, or came from the environment.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// The mistake as lines of text, after the name of the file it is in.
    fn show(&self, file: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if self.path.is_empty() {
            write!(f, ": {}", self.message)?;
        } else {
            write!(f, ": {}: {}", self.path, self.message)?;
        }
        match &self.hint {
            Some(hint) => writeln!(f, "\n    hint: {hint}"),
            None => writeln!(f),
        }
    }
}

/// Every mistake of one configuration, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// The file; absent where there is none and the environment or a default is at fault.
    pub file: Option<PathBuf>,
    /// At least one.
    pub list: Vec<Problem>,
}

impl Problems {
    /// Puts the mistakes in the order of the file; those without a line come last.
    pub(super) fn new(file: Option<&Path>, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        Self { file: file.map(Path::to_path_buf), list }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.as_deref().map_or_else(|| "configuration".into(), |file| file.display().to_string());
        for problem in &self.list {
            problem.show(&file, f)?;
        }
        let (count, noun) = (self.list.len(), if self.list.len() == 1 { "mistake" } else { "mistakes" });
        write!(f, "{file}: {count} {noun}; roost config docs explains every key")
    }
}

impl std::error::Error for Problems {}
