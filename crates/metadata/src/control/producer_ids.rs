//! Blocks of producer ids.

use mainstem_protocol::messages::ProducerIdsRecord;

use super::Decision;
use crate::MetadataImage;
use crate::limits::PRODUCER_ID_BLOCK;

/// Gives a broker the next block; the answer is its first id and the first beyond it.
pub fn allocate_producer_ids(
    image: &MetadataImage,
    broker_id: i32,
    broker_epoch: i64,
) -> Decision<(i64, i64)> {
    let first = image.next_producer_id();
    let next_producer_id = first + PRODUCER_ID_BLOCK;
    let record = ProducerIdsRecord {
        broker_id,
        broker_epoch,
        next_producer_id,
    };
    Decision {
        records: vec![record.into()],
        response: (first, next_producer_id),
    }
}
