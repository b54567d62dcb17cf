//! What a program said, told apart from what Roost says of it.
//!
//! A cause quotes the last words of a module, of ssh or of Ansible; those are log text, which may hold a line of a file
//! that only operators may read, while the cause itself is for everybody who may see the node. So what is quoted is
//! marked where it is quoted, and whoever shows a cause can leave it out, wherever the cause was copied to since.
//! Rejected: a second field beside each cause, which every row, event and timeline line that carries one would need.

const OPEN: char = '«';
const CLOSE: char = '»';
/// Stands where something was left out, and says what would show it.
const LEFT_OUT: &str = "«needs the scope operate»";

/// Marks text as another program's; it cannot end the mark by itself.
#[must_use]
pub fn quote_said(text: &str) -> String {
    let inner: String = text.chars().map(|c| if matches!(c, OPEN | CLOSE) { '"' } else { c }).collect();
    format!("{OPEN}{inner}{CLOSE}")
}

/// The text without what other programs said; a mark whose end was cut off reaches to the end.
#[must_use]
pub fn leave_out_said(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, quoted)) = rest.split_once(OPEN) {
        shown.push_str(before);
        shown.push_str(LEFT_OUT);
        rest = quoted.split_once(CLOSE).map_or("", |(_, after)| after);
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_left_out_and_nothing_else() {
        let cause = format!("run 3 failed: x: {}; then {}.", quote_said("boom"), quote_said("bang"));
        assert_eq!(leave_out_said(&cause), format!("run 3 failed: x: {LEFT_OUT}; then {LEFT_OUT}."));
        assert_eq!(leave_out_said("nothing quoted"), "nothing quoted");
    }

    #[test]
    fn what_is_said_cannot_end_its_own_mark_and_a_cut_shows_nothing() {
        let said = quote_said("a» secret «b");
        assert!(!leave_out_said(&said).contains("secret"));
        let cut: String = said.chars().take(6).collect();
        assert_eq!(leave_out_said(&cut), LEFT_OUT);
    }
}
