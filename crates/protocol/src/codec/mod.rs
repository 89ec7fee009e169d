//! Reading and writing the wire's primitive types.
//!
//! Everything that the generated messages call is here; they contain no byte handling of their own. See
//! `docs/adr/0001-generated-codec.md`.

mod decoder;
mod encoder;
mod error;
mod records;

pub use decoder::{Decoder, Tag};
pub use encoder::{Chunk, Chunks, Encoder};
pub use error::{DecodeError, EncodeError};
pub use records::{RecordBatches, Stored};

use crate::ApiKey;

/// A message of the schema: a request, a response, a header, a record, or data embedded in another message.
pub trait Message: Default + Sized {
    /// Name in the schema, such as `ProduceRequest`.
    const NAME: &'static str;
    /// Lowest version.
    const MIN_VERSION: i16;
    /// Highest version.
    const MAX_VERSION: i16;
    /// First version with compact lengths and tagged fields; `i16::MAX` when there is none.
    const FLEXIBLE_FROM: i16;

    /// Reads the message. Bytes behind it are left in the decoder.
    fn decode(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError>;

    /// Writes the message. Fails when a field holds what this version cannot carry.
    fn encode(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError>;

    /// Tells every error code of a response, 0 included, wherever in it they are.
    fn each_error(&self, _tell: &mut dyn FnMut(i16)) {}
}

/// A request and the response that answers it.
pub trait Request: Message {
    /// The API.
    const KEY: ApiKey;
    /// What answers it.
    type Response: Message;
}
