//! The checksum of batches by another hand than the one under test, for whoever damages them on purpose.

/// Puts the right checksum into what looks like a batch, so that what comes behind the checksum is reached as well.
pub(crate) fn mend(bytes: &mut [u8]) {
    if let Some(covered) = bytes.get(21..) {
        let crc = crc32c(covered).to_be_bytes();
        if let Some(place) = bytes.get_mut(17..21) {
            place.copy_from_slice(&crc);
        }
    }
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0x82f6_3b78,
            _ => crc >> 1,
        })
    })
}
