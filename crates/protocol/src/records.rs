//! Records of the internal topics: how type and version are written around their fields.
//!
//! | topic | key | value |
//! |---|---|---|
//! | `__cluster_metadata` | null | uvarint 1 (frame), uvarint type, uvarint version, fields |
//! | `__consumer_offsets`, `__transaction_state`, `__share_group_state` | int16 type, fields (version 0) | int16 version, fields |
//! | control batches | int16 version, int16 type | the control record's message |
//! | consumer protocol data | | int16 version, fields |

use bytes::Bytes;

use crate::codec::{DecodeError, Decoder, EncodeError, Encoder, Message};
use crate::messages::{GroupKey, GroupValue, MetadataRecord, ShareKey, ShareValue};
use crate::messages::{TransactionKey, TransactionValue};

/// Version of the frame around a metadata record.
const METADATA_FRAME_VERSION: u32 = 1;

impl MetadataRecord {
    /// Reads the value of a record of the metadata log.
    pub fn decode_value(value: Bytes) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(value);
        let frame = decoder.uvarint()?;
        if frame != METADATA_FRAME_VERSION {
            return Err(DecodeError::RecordType {
                space: "metadata frame",
                kind: i64::from(frame),
            });
        }
        let kind = decoder.uvarint()?;
        let version = decoder.uvarint()?;
        let unknown = DecodeError::RecordType {
            space: "cluster metadata",
            kind: i64::from(kind),
        };
        let kind = i16::try_from(kind).map_err(|_| unknown)?;
        let version = i16::try_from(version).map_err(|_| DecodeError::Version {
            message: "a metadata record",
            version: -1,
        })?;
        Self::decode_fields(kind, &mut decoder, version)
    }

    /// Writes the value of a record of the metadata log.
    pub fn encode_value(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut encoder = Encoder::new();
        encoder.put_uvarint(METADATA_FRAME_VERSION);
        encoder.put_uvarint(u32::from(self.kind().unsigned_abs()));
        encoder.put_uvarint(u32::from(version.unsigned_abs()));
        self.encode_fields(&mut encoder, version)?;
        Ok(encoder.finish().to_bytes())
    }
}

/// Reads a message behind an int16 version. Versions above the newest known are read as the newest known: what they add comes
/// later in the bytes and is left unread (KIP-35 style evolution of embedded data).
pub fn decode_versioned<M: Message>(bytes: Bytes) -> Result<M, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let version = decoder.i16()?;
    M::decode(&mut decoder, version.min(M::MAX_VERSION))
}

/// Writes a message behind an int16 version.
pub fn encode_versioned<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::new();
    encoder.put_i16(version);
    message.encode(&mut encoder, version)?;
    Ok(encoder.finish().to_bytes())
}

/// Writes a message without a prefix.
pub fn encode_plain<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version)?;
    Ok(encoder.finish().to_bytes())
}

macro_rules! coordinator_records {
    ($($key:ident, $value:ident;)*) => {$(
        impl $key {
            /// Reads a record's key: int16 type, then the fields.
            pub fn decode_key(key: Bytes) -> Result<Self, DecodeError> {
                let mut decoder = Decoder::new(key);
                let kind = decoder.i16()?;
                Self::decode_fields(kind, &mut decoder, 0)
            }

            /// Writes a record's key.
            pub fn encode_key(&self) -> Result<Bytes, EncodeError> {
                let mut encoder = Encoder::new();
                encoder.put_i16(self.kind());
                self.encode_fields(&mut encoder, 0)?;
                Ok(encoder.finish().to_bytes())
            }
        }

        impl $value {
            /// Reads a record's value: int16 version, then the fields of the type that the key named.
            pub fn decode_value(kind: i16, value: Bytes) -> Result<Self, DecodeError> {
                let mut decoder = Decoder::new(value);
                let version = decoder.i16()?;
                Self::decode_fields(kind, &mut decoder, version)
            }

            /// Writes a record's value.
            pub fn encode_value(&self, version: i16) -> Result<Bytes, EncodeError> {
                let mut encoder = Encoder::new();
                encoder.put_i16(version);
                self.encode_fields(&mut encoder, version)?;
                Ok(encoder.finish().to_bytes())
            }
        }
    )*};
}

coordinator_records! {
    GroupKey, GroupValue;
    TransactionKey, TransactionValue;
    ShareKey, ShareValue;
}
