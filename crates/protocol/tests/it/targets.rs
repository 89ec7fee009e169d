//! What arbitrary bytes are given to. Each is a plain function: tests call them with mutated samples, `fuzz/` with what a fuzzer finds.

use bytes::Bytes;
use mainstem_protocol::Decoder;
use mainstem_protocol::batch::{batches, check_keys, check_produced, records};
use mainstem_protocol::compress::{Codec, decompress};

use crate::catalogue::Row;

/// Memory that a target lets bytes unfold to.
const UNFOLD_BYTES: usize = 1 << 20;

/// Two bytes choose the message, one the version; the rest is the message. What is read and can be written is read equal again.
pub(crate) fn message(rows: &[Row], bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    let row = &rows[usize::from(u16::from_be_bytes([choice[0], choice[1]])) % rows.len()];
    let count = row.max_version - row.min_version + 1;
    let version = row.min_version + i16::from(choice[2]) % count;
    let body = Bytes::copy_from_slice(body);
    let decoder = Decoder::with_budget(body, UNFOLD_BYTES);
    if let Ok((again, _)) = (row.again)(decoder, version) {
        let decoder = Decoder::with_budget(again.clone(), UNFOLD_BYTES * 2);
        let (same, unread) = (row.again)(decoder, version).unwrap();
        assert_eq!((same, unread), (again, 0), "{} v{version}", row.name);
    }
}

/// A batch as a client sends it: what passes is whole and sound.
pub(crate) fn produced(bytes: &[u8]) {
    if let Ok(header) = check_produced(bytes) {
        assert_eq!(header.size_in_bytes(), bytes.len());
        assert!(header.check_crc(bytes).is_ok() && header.record_count > 0);
        let bytes = Bytes::copy_from_slice(bytes);
        let _ = check_keys(&header, &bytes, UNFOLD_BYTES);
    }
}

/// Batches one behind the other, as a fetch brings them: every record of every one is walked.
pub(crate) fn walk(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    for batch in batches(&bytes) {
        let Ok((header, batch)) = batch else { return };
        let Ok(records) = records(&header, &batch, UNFOLD_BYTES) else {
            continue;
        };
        assert!(records.payload().len() <= UNFOLD_BYTES.max(batch.len()));
        let mut walked = 0;
        for record in records.iter() {
            let Ok(record) = record else { break };
            walked += 1;
            assert!(record.headers.iter().count() <= records.payload().len());
        }
        assert!(walked <= header.record_count.max(0));
    }
}

/// One byte chooses the codec; the rest unfolds to no more than it may.
pub(crate) fn unpack(bytes: &[u8]) {
    let Some((choice, packed)) = bytes.split_first() else {
        return;
    };
    let codec = Codec::ALL[usize::from(*choice) % Codec::ALL.len()];
    if let Ok(unpacked) = decompress(codec, packed, UNFOLD_BYTES) {
        assert!(unpacked.len() <= UNFOLD_BYTES);
    }
}
