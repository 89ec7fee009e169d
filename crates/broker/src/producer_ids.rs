//! Producer ids: taken from the controller in blocks, given out one by one.

use mainstem_metadata::control::allocate_producer_ids;
use mainstem_protocol::ErrorCode;
use tokio::sync::Mutex;

use crate::controller::Controller;

/// The block that is being given out.
#[derive(Debug, Default)]
pub(crate) struct ProducerIds {
    /// Next id and the first beyond the block.
    block: Mutex<(i64, i64)>,
}

impl ProducerIds {
    /// An id that nobody had before. A block that a crash interrupts is lost, so ids are never given twice.
    pub(crate) async fn next(
        &self,
        controller: &Controller,
        broker_id: i32,
        broker_epoch: i64,
    ) -> Result<i64, ErrorCode> {
        let mut block = self.block.lock().await;
        if block.0 >= block.1 {
            *block = controller
                .change(move |image| allocate_producer_ids(image, broker_id, broker_epoch))
                .await?;
        }
        let id = block.0;
        block.0 += 1;
        Ok(id)
    }
}
