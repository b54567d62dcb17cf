//! One byte range of a file (RFC 9110 §14), read without any I/O.
//!
//! Several ranges in one request are answered with the whole file, as the RFC allows: no loader, installer or wget
//! asks for them, and a multipart answer is where servers have bugs.

/// What part of a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// 200.
    Whole,
    /// 206: from this byte, so many bytes, at least one.
    Range {
        /// First byte, counted from 0.
        start: u64,
        /// How many.
        bytes: u64,
    },
    /// 416.
    Unsatisfiable,
}

impl Part {
    /// The part of a file of this length that a `Range` header asks for. What is no range at all is ignored.
    pub(super) fn of(header: Option<&str>, length: u64) -> Self {
        let range = header.and_then(|header| header.trim().strip_prefix("bytes=")).map(str::trim);
        match range.and_then(|range| range.split_once('-')) {
            Some(("", last)) => digits(last).map_or(Self::Whole, |count| Self::last(count, length)),
            Some((first, "")) => digits(first).map_or(Self::Whole, |start| Self::between(start, u64::MAX, length)),
            Some((first, last)) => match (digits(first), digits(last)) {
                (Some(start), Some(end)) if start <= end => Self::between(start, end, length),
                _ => Self::Whole,
            },
            None => Self::Whole,
        }
    }

    fn last(count: u64, length: u64) -> Self {
        let bytes = count.min(length);
        if bytes == 0 { Self::Unsatisfiable } else { Self::Range { start: length - bytes, bytes } }
    }

    fn between(start: u64, end: u64, length: u64) -> Self {
        if start >= length {
            return Self::Unsatisfiable;
        }
        Self::Range { start, bytes: end.min(length - 1) - start + 1 }
    }
}

/// Digits alone: `parse` would take a sign.
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let range = |start, bytes| Part::Range { start, bytes };
        let table = [
            (None, Part::Whole),
            (Some("bytes=0-0"), range(0, 1)),
            (Some("bytes=2-4"), range(2, 3)),
            (Some("bytes=2-"), range(2, 8)),
            (Some("bytes=2-99999999999"), range(2, 8)),
            (Some("bytes=-3"), range(7, 3)),
            (Some("bytes=-99"), range(0, 10)),
            (Some("bytes=10-"), Part::Unsatisfiable),
            (Some("bytes=10-12"), Part::Unsatisfiable),
            (Some("bytes=-0"), Part::Unsatisfiable),
            (Some("bytes=4-2"), Part::Whole),
            (Some("bytes=0-1,4-5"), Part::Whole),
            (Some("bytes=+1-2"), Part::Whole),
            (Some("bytes=a-b"), Part::Whole),
            (Some("bytes=-"), Part::Whole),
            (Some("lines=1-2"), Part::Whole),
        ];
        for (header, part) in table {
            assert_eq!(Part::of(header, 10), part, "{header:?}");
        }
        assert_eq!(Part::of(Some("bytes=0-"), 0), Part::Unsatisfiable);
        assert_eq!(Part::of(Some("bytes=-5"), 0), Part::Unsatisfiable);
    }

    proptest! {
        #[test]
        fn a_range_lies_within_the_file(header in "bytes=[0-9]{0,21}-[0-9]{0,21}", length: u64) {
            if let Part::Range { start, bytes } = Part::of(Some(&header), length) {
                prop_assert!(bytes > 0 && start.checked_add(bytes).is_some_and(|end| end <= length));
            }
        }
    }
}
