//! Zig-zag varints of records.

/// Appends a zig-zag varint.
pub(super) fn put(out: &mut Vec<u8>, value: i64) {
    let mut bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while bits >= 0x80 {
        out.push(bits.to_le_bytes()[0] | 0x80);
        bits >>= 7;
    }
    out.push(bits.to_le_bytes()[0]);
}

/// Bytes that [`put`] takes.
pub(super) fn size(value: i64) -> usize {
    let bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    (64 - (bits | 1).leading_zeros() as usize).div_ceil(7)
}

/// Reads a zig-zag varint of at most `BITS` bits at `position`; `None` when it is cut or too long.
pub(super) fn read<const BITS: u32>(bytes: &[u8], position: &mut usize) -> Option<i64> {
    let mut value: u64 = 0;
    let mut shift = 0;
    while shift < BITS + 6 {
        let byte = *bytes.get(*position)?;
        *position += 1;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
        shift += 7;
    }
    None
}
