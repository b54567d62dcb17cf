//! Any bytes as the body of a call-home and of a progress report: whatever is taken or refused is safe to show.

#![no_main]

use ansible::callhome;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    match callhome::call_home(body) {
        Ok(claim) => assert!(!claim.hostname.chars().any(|c| c.is_control() || c.is_whitespace())),
        Err(refusal) => assert!(!refusal.to_string().chars().any(char::is_control)),
    }
    match callhome::progress(body) {
        Ok(report) => assert!(!report.detail.chars().any(char::is_control)),
        Err(refusal) => assert!(!refusal.to_string().chars().any(char::is_control)),
    }
});
