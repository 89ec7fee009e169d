//! `Uuid`: topic ids, directory ids and the like, in Apache Kafka's text form.
//!
//! Invariant: sixteen bytes; all zero means "none". The text is URL-safe base64 without padding: 22 characters.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Sixteen bytes that name a thing.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

/// Why a text is not a [`Uuid`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UuidError {
    /// The text has another length than 22.
    #[error("an id has 22 characters of base64, this has {found}")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character that is not of the URL-safe alphabet.
    #[error("{character:?} is not a character of URL-safe base64")]
    Character {
        /// The character.
        character: char,
    },
}

impl Uuid {
    /// No id.
    pub const ZERO: Self = Self([0; 16]);

    /// Apache Kafka's id of the metadata topic.
    pub const METADATA_TOPIC: Self = Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// Makes a version 4 id out of random bytes. Ids whose text would begin with a dash are avoided, as Apache Kafka does,
    /// since they look like options on a command line: the caller's first byte is changed then.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        // '-' is value 62 of the alphabet: the top six bits are 111110.
        if bytes[0] >> 2 == 62 {
            bytes[0] &= 0x7f;
        }
        Self(bytes)
    }

    /// True for the id that means "none".
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(22);
        // 16 bytes are five groups of three and one byte over: 5 × 4 + 2 = 22 characters.
        for group in self.0.chunks(3) {
            let mut bits: u32 = 0;
            for index in 0..3 {
                bits = (bits << 8) | u32::from(group.get(index).copied().unwrap_or(0));
            }
            for index in 0..=group.len() {
                let value = (bits >> (18 - 6 * index)) & 63;
                text.push(char::from(
                    ALPHABET.get(value as usize).copied().unwrap_or(b'A'),
                ));
            }
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn value_of(character: u8) -> Result<u32, UuidError> {
    let value = match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => {
            return Err(UuidError::Character {
                character: char::from(character),
            });
        }
    };
    Ok(u32::from(value))
}

impl FromStr for Uuid {
    type Err = UuidError;

    fn from_str(text: &str) -> Result<Self, UuidError> {
        let text = text.trim_end_matches('=');
        if text.len() != 22 {
            return Err(UuidError::Length {
                found: text.chars().count(),
            });
        }
        let mut bytes = [0u8; 16];
        let mut bits: u64 = 0;
        let mut held = 0;
        let mut out = bytes.iter_mut();
        for character in text.bytes() {
            bits = (bits << 6) | u64::from(value_of(character)?);
            held += 6;
            if held >= 8 {
                held -= 8;
                if let Some(byte) = out.next() {
                    *byte = u8::try_from((bits >> held) & 0xff).unwrap_or(0);
                }
            }
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests;
