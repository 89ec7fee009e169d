//! `Decoder`: reads primitive values from a frame, with every length checked before it is believed.
//!
//! Invariants: `position <= end <= frame.len()`; the budget only falls. A collection is charged *count × size of an element*
//! before memory is reserved: "no more elements than bytes left" is not enough, since 100 MiB of two-byte elements would become
//! gigabytes of structs.

use bytes::Bytes;

use super::{DecodeError, Message, RecordBatches};
use crate::limits::{ARRAY_ELEMENTS_MAX, DECODE_BUDGET_BYTES, TAGGED_FIELDS_MAX};
use crate::{Str, Uuid};

/// Reads values from one frame.
#[derive(Debug, Clone)]
pub struct Decoder {
    frame: Bytes,
    position: usize,
    end: usize,
    budget_bytes: usize,
}

/// A tagged field whose value is being read; see [`Decoder::begin_tag`].
#[derive(Debug)]
#[must_use = "a tag that was begun must be ended"]
pub struct Tag {
    /// Number of the tag.
    pub number: u32,
    outer_end: usize,
}

macro_rules! fixed {
    ($($name:ident: $type:ty, $bytes:literal;)*) => {$(
        #[doc = concat!("Reads a big-endian `", stringify!($type), "`.")]
        pub fn $name(&mut self) -> Result<$type, DecodeError> {
            let mut bytes = [0u8; $bytes];
            bytes.copy_from_slice(self.take($bytes)?);
            Ok(<$type>::from_be_bytes(bytes))
        }
    )*};
}

impl Decoder {
    /// Reads `frame` with the usual budget.
    pub fn new(frame: Bytes) -> Self {
        Self::with_budget(frame, DECODE_BUDGET_BYTES)
    }

    /// Reads `frame`; its collections may take `budget_bytes` of memory.
    pub fn with_budget(frame: Bytes, budget_bytes: usize) -> Self {
        let end = frame.len();
        Self {
            frame,
            position: 0,
            end,
            budget_bytes,
        }
    }

    /// What is left of the budget.
    pub fn budget_bytes(&self) -> usize {
        self.budget_bytes
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Bytes left.
    pub fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// True when every byte was read.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// The bytes that are left, shared.
    pub fn rest(&self) -> Bytes {
        self.frame.slice(self.position..self.end)
    }

    fn truncated(&self, needed: usize) -> DecodeError {
        DecodeError::Truncated {
            position: self.position,
            needed,
            remaining: self.remaining(),
        }
    }

    fn advance(&mut self, count: usize) -> Result<std::ops::Range<usize>, DecodeError> {
        if count > self.remaining() {
            return Err(self.truncated(count));
        }
        let start = self.position;
        self.position += count;
        Ok(start..self.position)
    }

    fn take(&mut self, count: usize) -> Result<&[u8], DecodeError> {
        let range = self.advance(count)?;
        self.frame.get(range).ok_or(DecodeError::Truncated {
            position: 0,
            needed: count,
            remaining: 0,
        })
    }

    fn take_shared(&mut self, count: usize) -> Result<Bytes, DecodeError> {
        let range = self.advance(count)?;
        Ok(self.frame.slice(range))
    }

    fixed! {
        i8: i8, 1;
        i16: i16, 2;
        u16: u16, 2;
        i32: i32, 4;
        u32: u32, 4;
        i64: i64, 8;
        f64: f64, 8;
    }

    /// Reads a boolean: any byte but 0 is true, as in Apache Kafka.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? != 0)
    }

    /// Reads sixteen bytes of id.
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(self.take(16)?);
        Ok(Uuid(bytes))
    }

    /// Reads an unsigned varint of at most 32 bits.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let start = self.position;
        let mut value: u32 = 0;
        for shift in (0..35).step_by(7) {
            let byte = u32::from(self.i8()?.cast_unsigned());
            value |= (byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Varint { position: start })
    }

    /// Reads a length of either encoding; `None` is null. Lengths beyond the bytes left are refused by whoever takes the bytes.
    fn length(&mut self, flexible: bool, narrow: bool) -> Result<Option<usize>, DecodeError> {
        let position = self.position;
        let length = if flexible {
            i64::from(self.uvarint()?) - 1
        } else if narrow {
            i64::from(self.i16()?)
        } else {
            i64::from(self.i32()?)
        };
        if length < 0 {
            return Ok(None);
        }
        if length > i64::from(i32::MAX) {
            return Err(DecodeError::Length { position, length });
        }
        usize::try_from(length)
            .map(Some)
            .map_err(|_| DecodeError::Length { position, length })
    }

    /// Reads a nullable string.
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<Str>, DecodeError> {
        let position = self.position;
        let Some(length) = self.length(flexible, true)? else {
            return Ok(None);
        };
        if length > crate::limits::STRING_BYTES_MAX {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            return Err(DecodeError::Length { position, length });
        }
        let wire = self.take_shared(length)?;
        let start = wire.as_ptr();
        let text = Str::from_wire(wire);
        if text.as_bytes().as_ptr() != start {
            // Not UTF-8: each bad byte became three in memory of its own.
            self.charge(position, text.as_bytes().len(), 1)?;
        }
        Ok(Some(text))
    }

    /// Takes memory for `count` elements from the budget.
    fn charge(
        &mut self,
        position: usize,
        count: usize,
        element_bytes: usize,
    ) -> Result<(), DecodeError> {
        let cost = count.saturating_mul(element_bytes);
        if cost > self.budget_bytes {
            return Err(DecodeError::Budget {
                position,
                count,
                element_bytes,
            });
        }
        self.budget_bytes -= cost;
        Ok(())
    }

    /// Reads a string.
    pub fn string(&mut self, flexible: bool) -> Result<Str, DecodeError> {
        let position = self.position;
        self.nullable_string(flexible)?
            .ok_or(DecodeError::Null { position })
    }

    /// Reads nullable records.
    pub fn nullable_records(
        &mut self,
        flexible: bool,
    ) -> Result<Option<RecordBatches>, DecodeError> {
        Ok(self.nullable_bytes(flexible)?.map(RecordBatches::Memory))
    }

    /// Reads records.
    pub fn records(&mut self, flexible: bool) -> Result<RecordBatches, DecodeError> {
        Ok(RecordBatches::Memory(self.bytes(flexible)?))
    }

    /// Reads nullable bytes.
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<Bytes>, DecodeError> {
        match self.length(flexible, false)? {
            Some(length) => Ok(Some(self.take_shared(length)?)),
            None => Ok(None),
        }
    }

    /// Reads bytes.
    pub fn bytes(&mut self, flexible: bool) -> Result<Bytes, DecodeError> {
        let position = self.position;
        self.nullable_bytes(flexible)?
            .ok_or(DecodeError::Null { position })
    }

    /// Reads the count of a nullable array and reserves for it; `None` is null (any negative count, as in Apache Kafka).
    ///
    /// Every element takes at least one byte on the wire, so a count beyond the bytes left is a lie.
    fn nullable_array<T>(
        &mut self,
        flexible: bool,
    ) -> Result<Option<(usize, Vec<T>)>, DecodeError> {
        let position = self.position;
        let Some(count) = self.length(flexible, false)? else {
            return Ok(None);
        };
        if count > self.remaining() {
            return Err(self.truncated(count));
        }
        if count > ARRAY_ELEMENTS_MAX {
            return Err(DecodeError::Count {
                position,
                count,
                limit: ARRAY_ELEMENTS_MAX,
            });
        }
        self.charge(position, count, size_of::<T>().max(1))?;
        Ok(Some((count, Vec::with_capacity(count))))
    }

    /// Reads a nullable array of structs.
    pub fn nullable_structs<T: Message>(
        &mut self,
        version: i16,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some((count, mut items)) = self.nullable_array::<T>(version >= T::FLEXIBLE_FROM)?
        else {
            return Ok(None);
        };
        for _ in 0..count {
            items.push(T::decode(self, version)?);
        }
        Ok(Some(items))
    }

    /// Reads an array of structs.
    pub fn structs<T: Message>(&mut self, version: i16) -> Result<Vec<T>, DecodeError> {
        let position = self.position;
        self.nullable_structs(version)?
            .ok_or(DecodeError::Null { position })
    }

    /// Reads the byte before a nullable struct: negative is null.
    pub fn struct_present(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? >= 0)
    }

    /// Reads how many tagged fields follow.
    pub fn tag_count(&mut self) -> Result<u32, DecodeError> {
        let position = self.position;
        let tags = self.uvarint()?;
        let count = usize::try_from(tags).unwrap_or(usize::MAX);
        if count > TAGGED_FIELDS_MAX {
            return Err(DecodeError::Count {
                position,
                count,
                limit: TAGGED_FIELDS_MAX,
            });
        }
        Ok(tags)
    }

    /// Begins a tagged field: until [`Self::end_tag`] nothing can be read beyond its bytes.
    pub fn begin_tag(&mut self) -> Result<Tag, DecodeError> {
        let number = self.uvarint()?;
        let size = usize::try_from(self.uvarint()?).unwrap_or(usize::MAX);
        if size > self.remaining() {
            return Err(self.truncated(size));
        }
        let outer_end = self.end;
        self.end = self.position + size;
        Ok(Tag { number, outer_end })
    }

    /// Ends a tagged field; what was not read of it is skipped.
    pub fn end_tag(&mut self, tag: &Tag) {
        self.position = self.end;
        self.end = tag.outer_end;
    }

    /// Skips a whole section of tagged fields.
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        for _ in 0..self.tag_count()? {
            let tag = self.begin_tag()?;
            self.end_tag(&tag);
        }
        Ok(())
    }
}

macro_rules! arrays {
    ($($array:ident, $nullable:ident: $type:ty = $read:expr;)*) => {$(
        impl Decoder {
            #[doc = concat!("Reads an array of `", stringify!($type), "`.")]
            pub fn $array(&mut self, flexible: bool) -> Result<Vec<$type>, DecodeError> {
                let position = self.position;
                self.$nullable(flexible)?.ok_or(DecodeError::Null { position })
            }

            #[doc = concat!("Reads a nullable array of `", stringify!($type), "`.")]
            pub fn $nullable(&mut self, flexible: bool) -> Result<Option<Vec<$type>>, DecodeError> {
                let Some((count, mut items)) = self.nullable_array::<$type>(flexible)? else { return Ok(None) };
                let read: fn(&mut Self, bool) -> Result<$type, DecodeError> = $read;
                for _ in 0..count {
                    items.push(read(self, flexible)?);
                }
                Ok(Some(items))
            }
        }
    )*};
}

arrays! {
    array_i8, nullable_array_i8: i8 = |d, _| d.i8();
    array_i16, nullable_array_i16: i16 = |d, _| d.i16();
    array_i32, nullable_array_i32: i32 = |d, _| d.i32();
    array_i64, nullable_array_i64: i64 = |d, _| d.i64();
    array_string, nullable_array_string: Str = |d, flexible| d.string(flexible);
    array_uuid, nullable_array_uuid: Uuid = |d, _| d.uuid();
}
