//! What Nomad says about jobs, told to people.
//!
//! ```text
//!  plan answer --> preview (what would happen) --> shortfall (why something finds no place, and what to do)
//!             \--> diff (which fields change)
//!  versions ----> conflict (what somebody else changed meanwhile, beside what was to be registered)
//!  allocations, evaluations, deployments --> history (what happened to a job, in order)
//! ```
//!
//! Pure: answers in, words out, so that each is tested with what an agent really said. Rejected: Nomad's own command for
//! these words (it prints for a terminal, names causes and no remedies), and showing its JSON.

pub mod conflict;
pub mod diff;
pub mod history;
pub mod preview;
pub mod shortfall;

pub use conflict::Conflict;
pub use diff::{Line, Mark};
pub use history::{Happening, Sources};
pub use preview::{Effect, GroupPreview, Preview};
pub use shortfall::{Reason, Shortfall};

/// One line of another program's words: what would move a cursor or forge a line is taken out, and it has an end.
#[must_use]
pub fn one_line(text: &str) -> String {
    const CHARS_MAX: usize = 400;
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn what_another_program_said_stays_one_short_line() {
        assert_eq!(
            one_line("1 error occurred:\n\t* Missing\u{1b}[2J tasks\n\n"),
            "1 error occurred: * Missing [2J tasks"
        );
        assert_eq!(one_line(&"ä".repeat(900)).chars().count(), 403);
    }
}
