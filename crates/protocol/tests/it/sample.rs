//! Random values of the wire's types, from a seed.
//!
//! Small numbers of elements, and often the values at the edges (empty, default, longest, not ASCII), since that is where encodings
//! differ. A run is reproduced by its seed alone.

use std::fmt::Debug;

use bytes::Bytes;
use mainstem_protocol::{Message, RecordBatches, Str, Uuid};

/// A small deterministic generator (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The same for each field.
    pub(crate) fn of(&mut self, _: &'static str) -> &mut Self {
        self
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// Bytes that stand for records: opaque to the codec, now and then long enough to be a chunk of their own.
    pub(crate) fn bytes(&mut self) -> Bytes {
        let length = match self.below(20) {
            0 => 0,
            1 => 4096 + self.below(2000),
            _ => self.below(40),
        };
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// As a field that holds records.
    pub(crate) fn records(&mut self) -> RecordBatches {
        RecordBatches::Memory(self.bytes())
    }

    fn integer(&mut self) -> i64 {
        match self.below(8) {
            0 => 0,
            1 => -1,
            2 => i64::MAX,
            3 => i64::MIN,
            4 => i64::from(self.next().to_le_bytes()[0]),
            _ => self.next().cast_signed(),
        }
    }
}

/// A type with random values that a version of its message can carry.
pub(crate) trait Sample: Sized {
    fn sample(random: &mut Random, version: i16) -> Self;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any bits will do")]
            fn sample(random: &mut Random, _: i16) -> Self {
                random.integer() as $type
            }
        }
    )*};
}

integers! { i8 i16 u16 i32 u32 i64 }

impl Sample for bool {
    fn sample(random: &mut Random, _: i16) -> Self {
        random.one_in(2)
    }
}

impl Sample for f64 {
    fn sample(random: &mut Random, _: i16) -> Self {
        let thousandths = i32::try_from(random.below(2_000_000)).expect("two million fit");
        f64::from(thousandths) / 1024.0 - 500.0
    }
}

impl Sample for Uuid {
    fn sample(random: &mut Random, _: i16) -> Self {
        if random.one_in(4) {
            return Self::ZERO;
        }
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            *byte = random.next().to_le_bytes()[0];
        }
        Self(bytes)
    }
}

impl Sample for Str {
    fn sample(random: &mut Random, _: i16) -> Self {
        match random.below(200) {
            0..30 => Self::EMPTY,
            // Lengths around the second byte of a compact length, and the longest of all.
            30..34 => Self::from("x".repeat(126)),
            34..38 => Self::from("x".repeat(127)),
            38..40 => Self::from("y".repeat(300)),
            40 => Self::from("z".repeat(32_767)),
            41..60 => Self::from_static("größe-日本-🦀"),
            _ => Self::from(format!("s{}", random.below(100_000))),
        }
    }
}

impl Sample for Bytes {
    fn sample(random: &mut Random, _: i16) -> Self {
        random.bytes()
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(random: &mut Random, version: i16) -> Self {
        let count = random.below(4);
        (0..count).map(|_| T::sample(random, version)).collect()
    }
}

/// Something that wants to see every message of the schema once.
pub(crate) trait Visit {
    /// `kind` as in the schema; `key` is the API key or record type, -1 if there is none; `jar` is where the definition is from.
    fn message<M: Message + Sample + PartialEq + Debug>(
        &mut self,
        kind: &'static str,
        key: i16,
        jar: &'static str,
    );
}
