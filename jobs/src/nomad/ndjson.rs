//! JSON objects out of bytes that arrive in any portions: Nomad's events have a line each, its log frames follow each
//! other without any.
//!
//! Pure. What is not whole yet waits, within a bound: a sender that never ends an object must not fill the memory.

use serde::de::DeserializeOwned;

/// An event may carry a whole job, which Nomad itself bounds to some megabytes.
const PENDING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Collects bytes and gives objects.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pending: Vec<u8>,
}

/// The bytes are no sequence of objects.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// No JSON, or not of the expected shape.
    #[error("the stream holds what is not understood")]
    Unreadable(#[source] serde_json::Error),
    /// An object without an end.
    #[error("the stream holds an object of more than {} MiB", PENDING_BYTES_MAX / 1024 / 1024)]
    TooLong,
}

impl Objects {
    /// Adds bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole object.
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ObjectError> {
        let mut objects = serde_json::Deserializer::from_slice(&self.pending).into_iter();
        let next = match objects.next() {
            None => None,
            Some(Ok(object)) => Some(object),
            Some(Err(error)) if error.is_eof() && self.pending.len() > PENDING_BYTES_MAX => {
                return Err(ObjectError::TooLong);
            }
            Some(Err(error)) if error.is_eof() => return Ok(None),
            Some(Err(error)) => return Err(ObjectError::Unreadable(error)),
        };
        let read = objects.byte_offset();
        self.pending.drain(..read);
        Ok(next)
    }

    /// Whether an object was begun and not ended.
    pub(super) fn is_partial(&self) -> bool {
        !self.pending.iter().all(u8::is_ascii_whitespace)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn objects_come_whole_wherever_the_bytes_are_cut() {
        let sent = "{}\n{\"Index\":1}{\"Index\":2,\"x\":\"ä}\"}\n\n{}\n".as_bytes();
        for cut in 0..sent.len() {
            let (mut objects, mut got) = (Objects::default(), Vec::<Value>::new());
            for part in [&sent[..cut], &sent[cut..]] {
                objects.push(part);
                while let Some(object) = objects.next().unwrap() {
                    got.push(object);
                }
            }
            assert_eq!(
                got,
                [json!({}), json!({"Index": 1}), json!({"Index": 2, "x": "ä}"}), json!({})],
                "cut at {cut}"
            );
            assert!(!objects.is_partial());
        }
    }

    #[test]
    fn what_is_begun_is_known_to_be_partial() {
        let mut objects = Objects::default();
        objects.push(b"{} {\"a\":");
        assert_eq!(objects.next::<Value>().unwrap(), Some(json!({})));
        assert_eq!(objects.next::<Value>().unwrap(), None);
        assert!(objects.is_partial());
    }

    #[test]
    fn no_json_is_an_error() {
        let mut objects = Objects::default();
        objects.push(b"<html>");
        assert!(matches!(objects.next::<Value>(), Err(ObjectError::Unreadable(_))));
    }
}
