//! What a node may change in a batch of a client.
//!
//! Base offset and leader epoch lie outside the CRC and are patched in place. Append time and another codec change bytes that the
//! CRC covers, so it is computed anew.

use bytes::Bytes;

use super::build::{BatchOptions, Payload, assemble, put};
use super::header::CRC_FROM;
use super::{BatchError, BatchHeader, records};
use crate::compress::Codec;

/// Sets the offset of the first record.
pub fn patch_base_offset(batch: &mut [u8], base_offset: i64) {
    put(batch, 0, &base_offset.to_be_bytes());
}

/// Sets the epoch of the leader that appends.
pub fn patch_leader_epoch(batch: &mut [u8], leader_epoch: i32) {
    put(batch, 12, &leader_epoch.to_be_bytes());
}

/// Sets the append time: attribute bit, max timestamp, CRC.
pub fn patch_append_time(batch: &mut [u8], header: &BatchHeader, timestamp: i64) {
    put(
        batch,
        21,
        &header.attributes.with_append_time().0.to_be_bytes(),
    );
    put(batch, 35, &timestamp.to_be_bytes());
    patch_crc(batch, header);
}

/// Sets producer id, epoch and sequence of a batch that was built but not yet sent, and the CRC.
pub fn patch_producer(batch: &mut [u8], header: &BatchHeader, id: i64, epoch: i16, sequence: i32) {
    put(batch, 43, &id.to_be_bytes());
    put(batch, 51, &epoch.to_be_bytes());
    put(batch, 53, &sequence.to_be_bytes());
    patch_crc(batch, header);
}

fn patch_crc(batch: &mut [u8], header: &BatchHeader) {
    let crc = crc32c::crc32c(
        batch
            .get(CRC_FROM..header.size_in_bytes())
            .unwrap_or_default(),
    );
    put(batch, 17, &crc.to_be_bytes());
}

/// The same records under another codec. Producer fields, offsets and timestamps stay.
pub fn recompress(
    header: &BatchHeader,
    batch: &Bytes,
    codec: Codec,
    level: Option<i32>,
    limit_bytes: usize,
) -> Result<Bytes, BatchError> {
    let unpacked = records(header, batch, limit_bytes)?;
    let options = BatchOptions {
        base_offset: header.base_offset,
        leader_epoch: header.leader_epoch,
        codec,
        level,
        timestamp_type: header.attributes.timestamp_type(),
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
        transactional: header.attributes.is_transactional(),
        control: header.attributes.is_control(),
    };
    let payload = Payload {
        bytes: unpacked.payload(),
        base_timestamp: header.base_timestamp,
        max_timestamp: header.max_timestamp,
        last_offset_delta: header.last_offset_delta,
        count: header.record_count,
    };
    assemble(&options, &payload)
}
