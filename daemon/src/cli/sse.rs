//! Server-sent events, read: bytes in, events out (WHATWG HTML, section 9.2).
//!
//! Only what the daemon sends is understood: `id`, `event`, `data` and comments, lines ended by LF or CRLF.

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SseEvent {
    /// Its kind.
    pub(super) event: String,
    /// Where to go on after it.
    pub(super) id: String,
    /// Its lines, joined.
    pub(super) data: String,
}

/// Reads a stream in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Parser {
    rest: Vec<u8>,
    event: SseEvent,
}

impl Parser {
    /// The events that this piece completes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let text = String::from_utf8_lossy(&line);
            events.extend(self.line(text.trim_end_matches(['\n', '\r'])));
        }
        events
    }

    fn line(&mut self, line: &str) -> Option<SseEvent> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return (event != SseEvent::default()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.event),
            "id" => value.clone_into(&mut self.event.id),
            "data" if self.event.data.is_empty() => value.clone_into(&mut self.event.data),
            "data" => self.event.data = format!("{}\n{value}", self.event.data),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ": heartbeat\n\nid: 7\nevent: run\ndata: {\"a\":1}\n\ndata: x\r\ndata: y\r\n\r\n";

    #[test]
    fn events_come_out_however_the_bytes_are_cut() {
        let whole = Parser::default().feed(TEXT.as_bytes());
        let run = SseEvent { event: "run".into(), id: "7".into(), data: "{\"a\":1}".into() };
        assert_eq!(whole, [run, SseEvent { data: "x\ny".into(), ..SseEvent::default() }]);
        let mut parser = Parser::default();
        let single: Vec<SseEvent> = TEXT.bytes().flat_map(|byte| parser.feed(&[byte])).collect();
        assert_eq!(single, whole);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            Parser::default().feed(&bytes);
        }
    }
}
