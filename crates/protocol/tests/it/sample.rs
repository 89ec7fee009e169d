//! Random values for messages. The generated samples call this for every field that a version has.

use bytes::Bytes;
use mainstem_protocol::{Message, Str, Uuid};

/// A small generator (splitmix64): the same seed gives the same values.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.next().is_multiple_of(count)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next()).unwrap() % limit
    }

    fn bytes(&mut self) -> Bytes {
        let length = self.below(12);
        (0..length).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    pub(crate) fn records(&mut self) -> Bytes {
        // Others' codecs look into records, so they get none.
        Bytes::new()
    }
}

/// A random value that `version` can carry.
pub(crate) trait Sample {
    fn sample(random: &mut Random, version: i16) -> Self;
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn sample(random: &mut Random, _version: i16) -> Self {
                let bits = random.next();
                // Ends of the range turn up often.
                match bits % 5 {
                    0 => Self::MIN,
                    1 => Self::MAX,
                    _ => {
                        let bytes = random.next().to_be_bytes();
                        let (_, tail) = bytes.split_at(8 - size_of::<Self>());
                        Self::from_be_bytes(tail.try_into().unwrap())
                    }
                }
            }
        }
    )*};
}

numbers!(i8 i16 u16 i32 u32 i64);

impl Sample for f64 {
    fn sample(random: &mut Random, _version: i16) -> Self {
        f64::from(u32::sample(random, 0)) / 7.0
    }
}

impl Sample for bool {
    fn sample(random: &mut Random, _version: i16) -> Self {
        random.one_in(2)
    }
}

impl Sample for Str {
    fn sample(random: &mut Random, _version: i16) -> Self {
        let length = random.below(9);
        let text: String = (0..length)
            .map(|_| ['a', 'Z', '7', '-', 'ß', '€'][random.below(6)])
            .collect();
        Str::from(text)
    }
}

impl Sample for Bytes {
    fn sample(random: &mut Random, _version: i16) -> Self {
        random.bytes()
    }
}

impl Sample for Uuid {
    fn sample(random: &mut Random, _version: i16) -> Self {
        let (high, low) = (random.next(), random.next());
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        Uuid(bytes)
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(random: &mut Random, version: i16) -> Self {
        (0..random.below(4))
            .map(|_| T::sample(random, version))
            .collect()
    }
}

/// What is called once for each message of the schema.
pub(crate) trait Visit {
    fn message<M: Message + Sample + PartialEq + std::fmt::Debug>(
        &mut self,
        kind: &'static str,
        key: i16,
        jar: &'static str,
    );
}
