//! A job file on its way to the daemon: HCL or JSON, with the values of its variables.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;

use crate::{
    cli::exit::{Exit, Failure},
    http::jobs::plan::WrittenBody,
};

/// Which job file.
#[derive(Debug, Clone, Args)]
pub(super) struct Source {
    /// A job in HCL, or in JSON as `roost job show --specification` prints it; `-` reads it from standard input.
    file: PathBuf,
    #[command(flatten)]
    values: Values,
}

/// What a job file is read with.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Values {
    /// The value of a variable of the HCL: NAME=VALUE. May be given several times.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// A file with values of variables: NAME = "VALUE", a line each. What --var says goes first.
    #[arg(long, value_name = "FILE")]
    var_file: Vec<PathBuf>,
    /// Instead of the namespace that the job names.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
}

impl Source {
    /// A file that was named otherwise.
    pub(super) const fn new(file: PathBuf, values: Values) -> Self {
        Self { file, values }
    }

    /// As the API takes it.
    ///
    /// # Errors
    /// A file cannot be read, or holds what is neither.
    pub(super) fn read(&self) -> Result<WrittenBody, Failure> {
        let text = text(&self.file)?;
        let Values { variables, var_file, namespace } = &self.values;
        let namespace = namespace.clone();
        if !text.trim_start().starts_with('{') {
            let variables = self.values.text()?;
            return Ok(WrittenBody { hcl: Some(text), variables, namespace, ..WrittenBody::default() });
        }
        if !(variables.is_empty() && var_file.is_empty()) {
            let cause = "a job in JSON has no variables";
            return Err(Failure::words(Exit::Usage, cause, "leave out --var and --var-file, or write it in HCL"));
        }
        let job = serde_json::from_str(&text).with_context(|| format!("{} holds no JSON", self.file.display()))?;
        Ok(WrittenBody { job: Some(job), namespace, ..WrittenBody::default() })
    }
}

impl Values {
    /// The namespace that was asked for.
    pub(super) fn namespace(&self) -> Option<String> {
        self.namespace.clone()
    }

    /// In the form of a file of values; none where none are given.
    fn text(&self) -> Result<Option<String>, Failure> {
        let mut text = String::new();
        for path in &self.var_file {
            let content = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            // One that is given on the command line replaces the file's: HCL takes no name twice.
            for line in content.lines() {
                let name = line.split('=').next().unwrap_or_default().trim();
                if !self.variables.iter().any(|(given, _)| given == name) {
                    text.extend([line, "\n"]);
                }
            }
        }
        for (name, value) in &self.variables {
            text.push_str(&format!("{name} = {}\n", quoted(value)));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

fn text(file: &Path) -> Result<String, Failure> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    Ok(std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?)
}

/// A value in HCL: lists and maps as they are, all else as text, which Nomad turns into what the variable is.
fn quoted(value: &str) -> String {
    if value.starts_with(['[', '{']) {
        return value.to_owned();
    }
    let text = serde_json::Value::String(value.to_owned()).to_string();
    text.replace("${", "$${").replace("%{", "%%{")
}

/// NAME=VALUE.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_so_that_they_stay_what_they_are() {
        assert_eq!(quoted("a \"b\""), r#""a \"b\"""#);
        assert_eq!(quoted("${HOME} %{x}"), r#""$${HOME} %%{x}""#);
        assert_eq!(quoted(r#"["a", "b"]"#), r#"["a", "b"]"#);
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("=x").is_err() && pair("x").is_err());
    }

    #[test]
    fn a_file_is_told_apart_by_its_content_and_the_command_line_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let source = |file: PathBuf, variables: Vec<(String, String)>, var_file: Vec<PathBuf>| {
            Source::new(file, Values { variables, var_file, namespace: None })
        };
        let values = write("values", "a = \"1\"\nb = \"2\"\n");
        let hcl =
            source(write("job.hcl", "job \"x\" {}"), vec![("a".into(), "9".into())], vec![values]).read().unwrap();
        assert_eq!(hcl.variables.as_deref(), Some("b = \"2\"\na = \"9\"\n"));
        let json = write("job.json", " {\"ID\": \"x\"}");
        assert_eq!(source(json.clone(), vec![], vec![]).read().unwrap().job.unwrap()["ID"], "x");
        assert_eq!(source(json, vec![("a".into(), "1".into())], vec![]).read().unwrap_err().exit, Exit::Usage);
        assert!(source(folder.path().join("none"), vec![], vec![]).read().is_err());
    }
}
