//! Any bytes as a line of events.jsonl: nothing that reaches a screen or a list holds a control character.

#![no_main]

use ansible::events::{self, RunEvent};

libfuzzer_sys::fuzz_target!(|line: &[u8]| {
    if let Ok(RunEvent::Task(report)) = events::parse(line, 1) {
        let shown = format!("{}{}", report.full_name(), report.message.unwrap_or_default());
        assert!(!shown.chars().any(char::is_control));
    }
});
