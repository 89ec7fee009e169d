//! Snappy in both framings.
//!
//! | bytes | xerial framing |
//! |---|---|
//! | 8 | `82 S N A P P Y 00` |
//! | 4 | version, big endian: 1 |
//! | 4 | lowest version that can read it: 1 |
//! | then | blocks: int32 length, a raw snappy block |
//!
//! Java clients write and read xerial; librdkafka and others also write one raw block.

use super::{Codec, CompressError};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_BYTES: usize = 16;
/// What Java's stream compresses at a time.
const BLOCK_BYTES: usize = 32 * 1024;

fn corrupt(what: impl ToString) -> CompressError {
    CompressError::Corrupt {
        codec: Codec::Snappy,
        what: what.to_string(),
    }
}

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&1i32.to_be_bytes());
    out.extend_from_slice(&1i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for block in input.chunks(BLOCK_BYTES) {
        let packed = encoder.compress_vec(block)?;
        let length = i32::try_from(packed.len()).map_err(std::io::Error::other)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&packed);
    }
    Ok(())
}

pub(super) fn decompress(input: &[u8], limit_bytes: usize) -> Result<Vec<u8>, CompressError> {
    let mut out = Vec::new();
    if !input.starts_with(&MAGIC) {
        unpack_block(input, &mut out, limit_bytes)?;
        return Ok(out);
    }
    let mut rest = input
        .get(HEADER_BYTES..)
        .ok_or_else(|| corrupt("the header is cut"))?;
    while !rest.is_empty() {
        let (length, behind) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| corrupt("a block's length is cut"))?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(corrupt)?;
        let block = behind
            .get(..length)
            .ok_or_else(|| corrupt("a block is cut"))?;
        unpack_block(block, &mut out, limit_bytes)?;
        rest = behind.get(length..).unwrap_or_default();
    }
    Ok(out)
}

fn unpack_block(block: &[u8], out: &mut Vec<u8>, limit_bytes: usize) -> Result<(), CompressError> {
    let claimed = snap::raw::decompress_len(block).map_err(corrupt)?;
    // A snappy copy of 64 bytes takes at least two bytes, so nothing unpacks to more than 64 times its size: a larger claim is a
    // lie, and memory is not reserved for it.
    if claimed > block.len().saturating_mul(64).saturating_add(64) {
        return Err(corrupt("a block claims more than it can hold"));
    }
    let start = out.len();
    if claimed > limit_bytes.saturating_sub(start) {
        return Err(CompressError::TooLarge {
            codec: Codec::Snappy,
            limit_bytes,
        });
    }
    out.resize(start + claimed, 0);
    let target = out.get_mut(start..).unwrap_or_default();
    let written = snap::raw::Decoder::new()
        .decompress(block, target)
        .map_err(corrupt)?;
    out.truncate(start + written);
    Ok(())
}
