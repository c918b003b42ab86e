//! Bytes as they come, cut into messages: each ends in a zero byte.

/// What has come and was not taken yet.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    /// In so many of them there is no zero byte.
    searched: usize,
    length_max: usize,
}

/// A message is longer than any may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Frames {
    /// Nothing has come yet. No message may be longer than this.
    pub fn new(length_max: usize) -> Self {
        Self { bytes: Vec::new(), searched: 0, length_max }
    }

    /// What has come and was not taken yet.
    pub fn rest(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, without its zero byte; None where it is not whole yet.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let unseen = self.bytes.get(self.searched..).unwrap_or_default();
        let end = unseen.iter().position(|byte| *byte == 0).map(|end| self.searched + end);
        if end.unwrap_or(self.bytes.len()) > self.length_max {
            return Err(TooLong);
        }
        let Some(end) = end else {
            self.searched = self.bytes.len();
            return Ok(None);
        };
        let rest = self.bytes.split_off(end + 1);
        let mut message = std::mem::replace(&mut self.bytes, rest);
        message.truncate(end);
        self.searched = 0;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_at_zero_bytes_wherever_the_pieces_end() {
        let bytes = b"one\0two\0\0three\0rest";
        for piece in 1..=bytes.len() {
            let mut frames = Frames::new(5);
            let mut messages = Vec::new();
            for bytes in bytes.chunks(piece) {
                frames.push(bytes);
                while let Some(message) = frames.take().unwrap() {
                    messages.push(String::from_utf8(message).unwrap());
                }
            }
            assert_eq!(messages, ["one", "two", "", "three"], "pieces of {piece}");
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_an_error_before_it_has_ended_and_after() {
        for (bytes, expected) in [
            (&b"123\0"[..], Ok(Some(b"123".to_vec()))),
            (b"123", Ok(None)),
            (b"1234", Err(TooLong)),
            (b"1234\0", Err(TooLong)),
        ] {
            let mut frames = Frames::new(3);
            frames.push(bytes);
            assert_eq!(frames.take(), expected, "{bytes:?}");
        }
    }
}
