//! Record batches as a field of a message: bytes in memory, or a note of where they are stored.
//!
//! What is decoded is always in memory. A broker that answers with batches of a file need not read them: it encodes where they are, and
//! whoever writes the frame to the socket lets the system send them from there. The codec knows only how many bytes there will be.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// Record batches, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordBatches {
    /// In memory.
    Memory(Bytes),
    /// Somewhere else.
    Stored(Stored),
}

/// Bytes that are somewhere else; the transport knows where.
#[derive(Clone)]
pub struct Stored {
    length: usize,
    place: Arc<dyn Any + Send + Sync>,
}

impl RecordBatches {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Stored(stored) => stored.length,
        }
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, if they are in memory.
    pub fn in_memory(&self) -> Option<&[u8]> {
        match self {
            Self::Memory(bytes) => Some(bytes),
            Self::Stored(_) => None,
        }
    }

    /// The bytes, which what was decoded always has; `None` when they are somewhere else.
    pub fn into_memory(self) -> Option<Bytes> {
        match self {
            Self::Memory(bytes) => Some(bytes),
            Self::Stored(_) => None,
        }
    }
}

impl Default for RecordBatches {
    fn default() -> Self {
        Self::Memory(Bytes::new())
    }
}

impl From<Bytes> for RecordBatches {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}

impl Stored {
    /// `length` bytes at a place that the transport understands.
    pub fn new(length: usize, place: Arc<dyn Any + Send + Sync>) -> Self {
        Self { length, place }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The place, when it is of the kind that the caller knows.
    pub fn place<T: 'static>(&self) -> Option<&T> {
        self.place.downcast_ref()
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({} bytes)", self.length)
    }
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length && Arc::ptr_eq(&self.place, &other.place)
    }
}

impl Eq for Stored {}
