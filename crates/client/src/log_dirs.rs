//! What logs take on disk.
//!
//! Must not know what is in them. Every broker tells of its own replicas, so all are asked.

use std::collections::BTreeMap;

use mainstem_protocol::Str;
use mainstem_protocol::messages::DescribeLogDirsRequest;

use crate::admin::check;
use crate::cluster::Use;
use crate::{ClientError, Cluster};

impl Cluster {
    /// Bytes of every partition on disk: those of its largest replica, since the others follow it.
    pub async fn partition_sizes(&self) -> Result<BTreeMap<(Str, i32), i64>, ClientError> {
        let mut sizes = BTreeMap::new();
        for id in self.broker_ids().await? {
            let broker = self.broker(id, Use::Plain).await?;
            let described = broker
                .ask(|_| DescribeLogDirsRequest { topics: None })
                .await?;
            let what = format!("log directories of broker {id}");
            check(&what, described.error_code, None)?;
            for dir in described.results {
                check(&what, dir.error_code, None)?;
                for topic in dir.topics {
                    let name = topic.name.detached();
                    // A replica that moves between directories is counted once it has arrived.
                    let settled = topic
                        .partitions
                        .iter()
                        .filter(|replica| !replica.is_future_key);
                    for replica in settled {
                        let place = (name.clone(), replica.partition_index);
                        let largest = sizes.entry(place).or_insert(0);
                        *largest = replica.partition_size.max(*largest);
                    }
                }
            }
        }
        Ok(sizes)
    }
}
