//! The five codecs of record batches.
//!
//! Invariant: decompression never makes more than the caller's limit, and reserves memory only as output arrives, so a bomb costs
//! its limit at most. Only the bytes behind the batch header are compressed, as one block.
//!
//! | code | codec | framing |
//! |---|---|---|
//! | 0 | none | |
//! | 1 | gzip | RFC 1952 |
//! | 2 | snappy | xerial blocks are written; xerial and raw are read |
//! | 3 | lz4 | the standard frame; independent 64 KiB blocks are written |
//! | 4 | zstd | the standard frame |

mod snappy;

use std::io::{Read, Write};

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// zstd.
    Zstd,
}

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec of the low three bits of a batch's attributes.
    pub fn from_bits(bits: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.bits() == bits)
    }

    /// The low three bits of a batch's attributes.
    pub fn bits(self) -> u8 {
        self as u8
    }

    /// Name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec of a name; "uncompressed" is another word for none.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "uncompressed" {
            return Some(Self::None);
        }
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Why bytes could not be compressed or decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompressError {
    /// The bytes are not what the codec says.
    #[error("not {codec} data: {what}")]
    Corrupt {
        /// The codec.
        codec: Codec,
        /// What the decoder says.
        what: String,
    },
    /// More output than allowed.
    #[error("{codec} data unpacks to more than {limit_bytes} bytes")]
    TooLarge {
        /// The codec.
        codec: Codec,
        /// The limit.
        limit_bytes: usize,
    },
}

/// The usual level of a codec; `None` where it has none.
pub fn default_level(codec: Codec) -> Option<i32> {
    match codec {
        Codec::Gzip => Some(6),
        Codec::Zstd => Some(3),
        Codec::None | Codec::Snappy | Codec::Lz4 => None,
    }
}

/// Appends `input`, compressed, to `out`.
pub fn compress(
    codec: Codec,
    level: Option<i32>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    let level = level.or_else(|| default_level(codec)).unwrap_or(0);
    let result = match codec {
        Codec::None => {
            out.extend_from_slice(input);
            Ok(())
        }
        Codec::Gzip => {
            let level = flate2::Compression::new(u32::try_from(level).unwrap_or(6).min(9));
            let mut encoder = flate2::write::GzEncoder::new(out, level);
            encoder
                .write_all(input)
                .and_then(|()| encoder.finish().map(|_| ()))
        }
        Codec::Snappy => snappy::compress(input, out),
        Codec::Lz4 => {
            let info = lz4_flex::frame::FrameInfo::new()
                .block_size(lz4_flex::frame::BlockSize::Max64KB)
                .block_mode(lz4_flex::frame::BlockMode::Independent);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, out);
            encoder
                .write_all(input)
                .and_then(|()| encoder.finish().map(|_| ()).map_err(std::io::Error::from))
        }
        Codec::Zstd => zstd::stream::write::Encoder::new(out, level).and_then(|mut encoder| {
            encoder
                .write_all(input)
                .and_then(|()| encoder.finish().map(|_| ()))
        }),
    };
    result.map_err(|error| CompressError::Corrupt {
        codec,
        what: error.to_string(),
    })
}

/// Unpacks `input`; fails when the output would exceed `limit_bytes`.
pub fn decompress(
    codec: Codec,
    input: &[u8],
    limit_bytes: usize,
) -> Result<Vec<u8>, CompressError> {
    match codec {
        Codec::None => {
            if input.len() > limit_bytes {
                return Err(CompressError::TooLarge { codec, limit_bytes });
            }
            Ok(input.to_vec())
        }
        Codec::Gzip => read_all(codec, flate2::read::MultiGzDecoder::new(input), limit_bytes),
        Codec::Snappy => snappy::decompress(input, limit_bytes),
        Codec::Lz4 => read_all(
            codec,
            lz4_flex::frame::FrameDecoder::new(input),
            limit_bytes,
        ),
        Codec::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(|error| {
                CompressError::Corrupt {
                    codec,
                    what: error.to_string(),
                }
            })?;
            read_all(codec, decoder, limit_bytes)
        }
    }
}

fn read_all(codec: Codec, reader: impl Read, limit_bytes: usize) -> Result<Vec<u8>, CompressError> {
    let mut out = Vec::new();
    let limit = u64::try_from(limit_bytes).unwrap_or(u64::MAX);
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut out)
        .map_err(|error| CompressError::Corrupt {
            codec,
            what: error.to_string(),
        })?;
    if out.len() > limit_bytes {
        return Err(CompressError::TooLarge { codec, limit_bytes });
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
