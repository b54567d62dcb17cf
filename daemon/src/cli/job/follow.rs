//! Following a registration to its end, with a line for each new state.

use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;

use crate::{
    cli::{
        client::Client,
        exit::{Exit, Failure},
        screen,
    },
    http::jobs::views::{EndView, GroupView, ProgressView},
};

/// Whether and how long to follow.
#[derive(Debug, Clone, Args)]
pub(super) struct Following {
    /// Return as soon as it is registered.
    #[arg(short, long)]
    detach: bool,
    /// Follow for so long at most: 90s, 10m. The job goes on all the same.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = humantime::parse_duration, conflicts_with = "detach")]
    limit: Duration,
    /// How long something may be without a place, while nothing moves, before that is the result.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration, conflicts_with = "detach")]
    patience: Duration,
}

/// Follows what was registered at this index, unless told to detach.
///
/// # Errors
/// It did not end well, or the daemon went away.
pub(super) async fn registration(
    client: &Client,
    path: &str,
    namespace: &str,
    registered: Option<u64>,
    following: &Following,
) -> Result<(), Failure> {
    if following.detach {
        return Ok(());
    }
    let whole = |time: Duration| time.as_secs().max(1).to_string();
    let mut query = vec![
        ("namespace", namespace.to_owned()),
        ("limit_s", whole(following.limit)),
        ("place_s", whole(following.patience)),
    ];
    query.extend(registered.map(|index| ("registered", index.to_string())));
    let stream = client.stream(path, &query).await?;
    let mut stream = std::pin::pin!(stream);
    while let Some(event) = stream.next().await {
        let event = event?;
        match event.event.as_str() {
            "progress" => progress(&serde_json::from_str(&event.data)?)?,
            "lost" => screen::line(screen::plain(&serde_json::from_str::<EndView>(&event.data)?.said))?,
            "end" => return ended(serde_json::from_str(&event.data)?),
            _ => {}
        }
    }
    Err(Failure::words(Exit::Unreachable, "the daemon went away; the job goes on", "roost job show says how it is"))
}

fn progress(progress: &ProgressView) -> Result<(), Failure> {
    let groups: Vec<String> = progress.groups.iter().map(in_words).collect();
    let deployment = progress.deployment.as_ref().map_or_else(String::new, |said| format!(" ({said})"));
    screen::line(screen::plain(&format!("{}{deployment}", groups.join("; "))))?;
    super::show::unplaced(&progress.shortfalls)?;
    for failure in &progress.failures {
        screen::line(format!("  {}", screen::plain(failure)))?;
    }
    Ok(())
}

fn in_words(group: &GroupView) -> String {
    let GroupView { name, wanted, placed, running, healthy, complete, failed } = group;
    let counts =
        [(placed, "placed"), (running, "running"), (healthy, "healthy"), (complete, "complete"), (failed, "failed")];
    let told: Vec<String> =
        counts.into_iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let told = if told.is_empty() { "nothing yet".to_owned() } else { told.join(", ") };
    format!("group {name}: {told}, of {wanted}")
}

fn ended(end: EndView) -> Result<(), Failure> {
    if end.done {
        return screen::line(screen::plain(&end.said));
    }
    Err(Failure::words(Exit::Failed, screen::plain(&end.said), end.hint))
}
