//! The command line: one file a verb.
//!
//! Verbs that look at or change the rack ask the daemon over its socket (`client.rs`); the few that must work without
//! a daemon (`config`, `cluster`, `restore`, `assets`, `image`, `ansible`, `lab`) work on files. What a command prints goes
//! through `screen.rs`, how it ends through `exit.rs`.

mod ansible;
mod assets;
mod backup;
mod ca;
mod client;
mod cluster;
mod completions;
mod config;
mod demo;
mod drain;
mod event;
pub mod exit;
mod explain;
mod image;
mod job;
mod key;
mod lab;
mod lease;
mod node;
mod node_disk;
mod node_retire;
mod run;
mod screen;
mod secret;
mod serve;
mod servers;
mod sse;
mod ssh;
mod status;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use exit::{Exit, Failure};
use vocabulary::Secret;

/// Turns a rack of bare machines into a cluster.
///
/// Machines boot over the network from this host, get a diskless Debian, call home and are configured by Ansible.
/// `roost serve` is the daemon; every other command talks to it or prepares what it needs.
#[derive(Debug, Parser)]
#[command(name = "roost", version, after_help = exit::HELP, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// What every command understands.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// The configuration file; /etc/roost/roost.toml where it exists.
    #[arg(long, global = true, value_name = "FILE", env = "ROOST_CONFIG")]
    config: Option<PathBuf>,
    /// The daemon's Unix socket; else the one of the configuration.
    #[arg(long, global = true, value_name = "PATH", env = "ROOST_SOCKET")]
    socket: Option<PathBuf>,
    /// The daemon's address, instead of the socket: https://control:7600. Needs ROOST_API_KEY.
    #[arg(long, global = true, value_name = "URL", env = "ROOST_URL", conflicts_with = "socket")]
    url: Option<String>,
    /// The authority that signed the daemon's certificate, in PEM (roost ca show); else the system's.
    #[arg(long, global = true, value_name = "FILE", env = "ROOST_CA_CERT")]
    ca_cert: Option<PathBuf>,
    /// From the environment alone: a key on a command line is seen by every user of the host.
    #[arg(skip = std::env::var("ROOST_API_KEY").ok().map(Secret::new))]
    api_key: Option<Secret<String>>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the daemon until SIGTERM.
    Serve,
    /// Show the daemon at a glance.
    Status(screen::Output),
    #[command(subcommand)]
    Node(node::NodeVerb),
    /// Say what a machine would be answered, and why. Changes nothing.
    Explain(explain::Explain),
    #[command(subcommand)]
    Job(job::JobVerb),
    #[command(subcommand)]
    Secret(secret::SecretVerb),
    #[command(subcommand)]
    Run(run::RunVerb),
    #[command(subcommand)]
    Event(event::EventVerb),
    #[command(subcommand)]
    Lease(lease::LeaseVerb),
    #[command(subcommand)]
    Key(key::KeyVerb),
    #[command(subcommand)]
    Config(config::ConfigVerb),
    #[command(subcommand)]
    Assets(assets::AssetsVerb),
    #[command(subcommand)]
    Image(image::ImageVerb),
    #[command(subcommand)]
    Ansible(ansible::AnsibleVerb),
    #[command(subcommand)]
    Ssh(ssh::SshVerb),
    #[command(subcommand)]
    Ca(ca::CaVerb),
    #[command(subcommand)]
    Cluster(cluster::ClusterVerb),
    Lab(lab::Lab),
    Demo(demo::Demo),
    /// Copy the daemon's database into one file that only its recipients can read, also while the daemon runs.
    Backup(backup::BackupArgs),
    /// Put a copy in the place of the database. The daemon must be stopped; what was there is kept beside it.
    Restore(backup::RestoreArgs),
    /// Print what a shell needs to complete roost's commands.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Carries out a command line and says how it ended.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(error.into())),
    };
    end(runtime.block_on(cli.verb.run(&cli.global)))
}

#[expect(clippy::print_stderr, reason = "the one place where a command says why it failed")]
fn end(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit.into()
        }
    }
}

impl Verb {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        if matches!(self, Self::Assets(_) | Self::Image(_) | Self::Ansible(_)) {
            public_files();
        }
        match self {
            Self::Serve => serve::run(global).await,
            Self::Status(output) => status::run(output, global).await,
            Self::Node(verb) => verb.run(global).await,
            Self::Explain(explain) => explain.run(global).await,
            Self::Job(verb) => verb.run(global).await,
            Self::Secret(verb) => verb.run(global).await,
            Self::Run(verb) => verb.run(global).await,
            Self::Event(verb) => verb.run(global).await,
            Self::Lease(verb) => verb.run(global).await,
            Self::Key(verb) => verb.run(global).await,
            Self::Config(verb) => verb.run(global),
            Self::Assets(verb) => verb.run(global).await,
            Self::Image(verb) => verb.run(global).await,
            Self::Ansible(verb) => verb.run(global).await,
            Self::Ssh(verb) => verb.run(global).await,
            Self::Ca(verb) => verb.run(global).await,
            Self::Cluster(verb) => verb.run(global).await,
            Self::Lab(lab) => lab.run().await,
            Self::Demo(demo) => demo.run(global).await,
            Self::Backup(backup) => backup.run(global).await,
            Self::Restore(restore) => restore.run(global).await,
            Self::Completions { shell } => completions::run(shell),
        }
    }
}

/// What root fetches and builds is for the daemon's user to read, however strict root's own umask is. Secrets have
/// their modes set one by one.
fn public_files() {
    use rustix::fs::Mode;
    rustix::process::umask(Mode::WGRP | Mode::WOTH);
}

impl Global {
    /// The configuration, or every mistake in it.
    fn load_config(&self) -> Result<crate::config::Config, Failure> {
        let env = |name: &str| std::env::var(name).ok();
        crate::config::load(self.config.as_deref(), &env)
            .map_err(|problems| Failure::new(Exit::Configuration, problems, "mend it, then: roost config check"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
