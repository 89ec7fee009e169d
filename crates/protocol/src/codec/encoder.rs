//! `Encoder`: writes primitive values into a list of chunks.
//!
//! Small values gather in one buffer; bytes of [`CHUNK_BYTES_MIN`] or more become a chunk of their own, shared with whoever holds
//! them, so that records are never copied on their way out.

use bytes::{BufMut, Bytes, BytesMut};

use super::{EncodeError, Message, RecordBatches, Stored};
use crate::limits::{CHUNK_BYTES_MIN, STRING_BYTES_MAX};
use crate::{Str, Uuid};

/// A piece of what was encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes.
    Memory(Bytes),
    /// Batches that the transport sends from where they are.
    Stored(Stored),
}

impl Chunk {
    /// Bytes of it.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Stored(stored) => stored.len(),
        }
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Encoded bytes in pieces, ready for vectored writes.
#[derive(Debug, Clone, Default)]
pub struct Chunks {
    chunks: Vec<Chunk>,
    length: usize,
}

impl Chunks {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.length
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that are in memory.
    pub fn memory_bytes(&self) -> usize {
        let in_memory = self.chunks.iter().map(|chunk| match chunk {
            Chunk::Memory(bytes) => bytes.len(),
            Chunk::Stored(_) => 0,
        });
        in_memory.sum()
    }

    /// The pieces in order.
    pub fn into_vec(self) -> Vec<Chunk> {
        self.chunks
    }

    /// The pieces in order.
    pub fn as_slice(&self) -> &[Chunk] {
        &self.chunks
    }

    /// All bytes in one piece; copies when there are several.
    ///
    /// # Panics
    /// When batches are stored somewhere else: only a transport that can send them may be given those.
    pub fn to_bytes(&self) -> Bytes {
        if let [Chunk::Memory(only)] = self.chunks.as_slice() {
            return only.clone();
        }
        let mut joined = BytesMut::with_capacity(self.length);
        for chunk in &self.chunks {
            match chunk {
                Chunk::Memory(bytes) => joined.extend_from_slice(bytes),
                Chunk::Stored(stored) => panic!("{stored:?} is not in memory"),
            }
        }
        joined.freeze()
    }

    fn push(&mut self, chunk: Chunk) {
        if !chunk.is_empty() {
            self.length += chunk.len();
            self.chunks.push(chunk);
        }
    }
}

/// Writes values.
#[derive(Debug, Default)]
pub struct Encoder {
    done: Chunks,
    current: BytesMut,
}

macro_rules! fixed {
    ($($name:ident: $type:ty = $put:ident;)*) => {$(
        #[doc = concat!("Writes a big-endian `", stringify!($type), "`.")]
        pub fn $name(&mut self, value: $type) {
            self.current.$put(value);
        }
    )*};
}

impl Encoder {
    /// An empty encoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty encoder with room for `capacity` small bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            done: Chunks::default(),
            current: BytesMut::with_capacity(capacity),
        }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.done.length + self.current.len()
    }

    /// True when nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes written.
    pub fn finish(mut self) -> Chunks {
        self.done.push(Chunk::Memory(self.current.freeze()));
        self.done
    }

    /// The bytes written, behind their own length as an int32: a frame.
    pub fn finish_frame(self) -> Result<Chunks, EncodeError> {
        let body = self.finish();
        let length =
            i32::try_from(body.len()).map_err(|_| EncodeError::Length { length: body.len() })?;
        let mut framed = Chunks {
            chunks: Vec::with_capacity(body.chunks.len() + 1),
            length: 0,
        };
        framed.push(Chunk::Memory(Bytes::copy_from_slice(&length.to_be_bytes())));
        for chunk in body.chunks {
            framed.push(chunk);
        }
        Ok(framed)
    }

    fixed! {
        put_i8: i8 = put_i8;
        put_i16: i16 = put_i16;
        put_u16: u16 = put_u16;
        put_i32: i32 = put_i32;
        put_u32: u32 = put_u32;
        put_i64: i64 = put_i64;
        put_f64: f64 = put_f64;
    }

    /// Writes a boolean as one byte.
    pub fn put_bool(&mut self, value: bool) {
        self.current.put_u8(u8::from(value));
    }

    /// Writes sixteen bytes of id.
    pub fn put_uuid(&mut self, value: Uuid) {
        self.current.extend_from_slice(&value.0);
    }

    /// Writes an unsigned varint.
    pub fn put_uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.current.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.current.put_u8((value & 0x7f) as u8);
    }

    /// Writes bytes as they are; large ones are shared, not copied.
    pub fn put_raw(&mut self, bytes: &Bytes) {
        if bytes.len() < CHUNK_BYTES_MIN {
            self.current.extend_from_slice(bytes);
        } else {
            self.push_chunk(Chunk::Memory(bytes.clone()));
        }
    }

    fn push_chunk(&mut self, chunk: Chunk) {
        let small = self.current.split().freeze();
        self.done.push(Chunk::Memory(small));
        self.done.push(chunk);
    }

    /// Writes a slice as it is.
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.current.extend_from_slice(bytes);
    }

    fn put_length(
        &mut self,
        length: usize,
        flexible: bool,
        narrow: bool,
    ) -> Result<(), EncodeError> {
        let checked = i32::try_from(length).map_err(|_| EncodeError::Length { length })?;
        if narrow && length > STRING_BYTES_MAX {
            return Err(EncodeError::Length { length });
        }
        if flexible {
            self.put_uvarint(checked.cast_unsigned() + 1);
        } else if narrow {
            self.put_i16(i16::try_from(checked).unwrap_or(i16::MAX));
        } else {
            self.put_i32(checked);
        }
        Ok(())
    }

    fn put_null(&mut self, flexible: bool, narrow: bool) {
        if flexible {
            self.put_uvarint(0);
        } else if narrow {
            self.put_i16(-1);
        } else {
            self.put_i32(-1);
        }
    }

    /// Writes a string.
    pub fn put_string(&mut self, value: &Str, flexible: bool) -> Result<(), EncodeError> {
        self.put_length(value.as_bytes().len(), flexible, true)?;
        self.current.extend_from_slice(value.as_bytes());
        Ok(())
    }

    /// Writes a nullable string.
    pub fn put_nullable_string(
        &mut self,
        value: Option<&Str>,
        flexible: bool,
    ) -> Result<(), EncodeError> {
        match value {
            Some(value) => self.put_string(value, flexible)?,
            None => self.put_null(flexible, true),
        }
        Ok(())
    }

    /// Writes records.
    pub fn put_records(
        &mut self,
        value: &RecordBatches,
        flexible: bool,
    ) -> Result<(), EncodeError> {
        match value {
            RecordBatches::Memory(bytes) => self.put_bytes(bytes, flexible),
            RecordBatches::Stored(stored) => {
                self.put_length(stored.len(), flexible, false)?;
                self.push_chunk(Chunk::Stored(stored.clone()));
                Ok(())
            }
        }
    }

    /// Writes nullable records.
    pub fn put_nullable_records(
        &mut self,
        value: Option<&RecordBatches>,
        flexible: bool,
    ) -> Result<(), EncodeError> {
        match value {
            Some(value) => self.put_records(value, flexible)?,
            None => self.put_null(flexible, false),
        }
        Ok(())
    }

    /// Writes bytes.
    pub fn put_bytes(&mut self, value: &Bytes, flexible: bool) -> Result<(), EncodeError> {
        self.put_length(value.len(), flexible, false)?;
        self.put_raw(value);
        Ok(())
    }

    /// Writes nullable bytes.
    pub fn put_nullable_bytes(
        &mut self,
        value: Option<&Bytes>,
        flexible: bool,
    ) -> Result<(), EncodeError> {
        match value {
            Some(value) => self.put_bytes(value, flexible)?,
            None => self.put_null(flexible, false),
        }
        Ok(())
    }

    /// Writes the count of an array.
    pub fn put_count(&mut self, count: usize, flexible: bool) -> Result<(), EncodeError> {
        self.put_length(count, flexible, false)
    }

    /// Writes a null array.
    pub fn put_null_array(&mut self, flexible: bool) {
        self.put_null(flexible, false);
    }

    /// Writes the byte before a nullable struct.
    pub fn put_struct_present(&mut self, present: bool) {
        self.put_i8(if present { 1 } else { -1 });
    }

    /// Writes an array of structs.
    pub fn put_structs<T: Message>(
        &mut self,
        items: &[T],
        version: i16,
    ) -> Result<(), EncodeError> {
        self.put_count(items.len(), version >= T::FLEXIBLE_FROM)?;
        for item in items {
            item.encode(self, version)?;
        }
        Ok(())
    }

    /// Writes one tagged field: number, size, and the value that `write` puts.
    pub fn put_tag(&mut self, number: u32, value: Self) -> Result<(), EncodeError> {
        self.put_uvarint(number);
        let value = value.finish();
        let size = u32::try_from(value.len()).map_err(|_| EncodeError::Length {
            length: value.len(),
        })?;
        self.put_uvarint(size);
        for chunk in value.chunks {
            match chunk {
                Chunk::Memory(bytes) => self.put_raw(&bytes),
                stored => self.push_chunk(stored),
            }
        }
        Ok(())
    }
}

macro_rules! arrays {
    ($($array:ident, $nullable:ident: $type:ty = $put:expr;)*) => {$(
        impl Encoder {
            #[doc = concat!("Writes an array of `", stringify!($type), "`.")]
            pub fn $array(&mut self, items: &[$type], flexible: bool) -> Result<(), EncodeError> {
                self.put_count(items.len(), flexible)?;
                let put: fn(&mut Self, &$type, bool) -> Result<(), EncodeError> = $put;
                for item in items {
                    put(self, item, flexible)?;
                }
                Ok(())
            }

            #[doc = concat!("Writes a nullable array of `", stringify!($type), "`.")]
            pub fn $nullable(&mut self, items: Option<&[$type]>, flexible: bool) -> Result<(), EncodeError> {
                if let Some(items) = items {
                    return self.$array(items, flexible);
                }
                self.put_null_array(flexible);
                Ok(())
            }
        }
    )*};
}

arrays! {
    put_array_i8, put_nullable_array_i8: i8 = |e, item, _| { e.put_i8(*item); Ok(()) };
    put_array_i16, put_nullable_array_i16: i16 = |e, item, _| { e.put_i16(*item); Ok(()) };
    put_array_i32, put_nullable_array_i32: i32 = |e, item, _| { e.put_i32(*item); Ok(()) };
    put_array_i64, put_nullable_array_i64: i64 = |e, item, _| { e.put_i64(*item); Ok(()) };
    put_array_string, put_nullable_array_string: Str = |e, item, flexible| e.put_string(item, flexible);
    put_array_uuid, put_nullable_array_uuid: Uuid = |e, item, _| { e.put_uuid(*item); Ok(()) };
}
