//! An error and its causes on one line, the way every log, status and refusal of Roost shows them.
//!
//! Here because every part reports errors and may use this package; thiserror's messages leave their cause out, so
//! that it stands in the line once.

/// `what failed: why: why that`.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write it")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn every_cause_stands_there_once() {
        assert_eq!(chain(&Outer(std::io::Error::other("no room"))), "cannot write it: no room");
        assert_eq!(chain(&std::io::Error::other("alone")), "alone");
    }
}
