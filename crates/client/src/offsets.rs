//! Offsets of partitions: first, last, by time.
//!
//! Must not know what groups commit. Invariant: an offset of a partition comes from its leader, which is looked for again after an error.

use std::collections::BTreeMap;

use mainstem_protocol::messages::ListOffsetsRequest;
use mainstem_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use mainstem_protocol::{ErrorCode, Str};

use crate::admin::check;
use crate::cluster::{Use, retry};
use crate::connection::Connection;
use crate::{ClientError, Cluster};

/// Which offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first that is kept.
    Earliest,
    /// Behind the last.
    Latest,
    /// The first at a time or later.
    Time(i64),
}

impl Cluster {
    /// An offset of a partition with its timestamp (-1 when not asked by time); `None` when nothing is as late as that.
    pub async fn offset(
        &self,
        topic: &str,
        partition: i32,
        spec: OffsetSpec,
    ) -> Result<Option<(i64, i64)>, ClientError> {
        let attempt = || async {
            let connection = self.leader_connection(topic, partition).await?;
            let place = (Str::from(topic), partition);
            let mut found = self.list_offsets(&connection, &[place], spec).await?;
            let found = found.pop().ok_or_else(|| {
                let what = format!("{topic}-{partition}");
                ClientError::refused(what, ErrorCode::UnknownServerError, None)
            })?;
            Ok((found.1 >= 0).then_some((found.1, found.2)))
        };
        retry(self.deadline(), attempt).await
    }

    /// Offsets of many partitions, with one request to each leader; those where nothing is as late as asked are left out.
    pub async fn offsets(
        &self,
        places: &[(Str, i32)],
        spec: OffsetSpec,
    ) -> Result<BTreeMap<(Str, i32), i64>, ClientError> {
        let attempt = || async {
            let mut by_leader: BTreeMap<i32, Vec<(Str, i32)>> = BTreeMap::new();
            for (topic, partition) in places {
                let leader = self.leader(topic, *partition).await?;
                let of_leader = by_leader.entry(leader).or_default();
                of_leader.push((topic.clone(), *partition));
            }
            let mut offsets = BTreeMap::new();
            for (leader, mut wanted) in by_leader {
                wanted.sort();
                let connection = self.broker(leader, Use::Plain).await.inspect_err(|_| {
                    wanted.iter().for_each(|(topic, _)| self.forget(topic));
                })?;
                let found = self.list_offsets(&connection, &wanted, spec).await?;
                let found = found.into_iter().filter(|(_, offset, _)| *offset >= 0);
                offsets.extend(found.map(|(place, offset, _)| (place, offset)));
            }
            Ok(offsets)
        };
        retry(self.deadline(), attempt).await
    }

    /// One ListOffsets request; `places` stand in the order of their topics. Offset -1 where there is none.
    async fn list_offsets(
        &self,
        connection: &Connection,
        places: &[(Str, i32)],
        spec: OffsetSpec,
    ) -> Result<Vec<((Str, i32), i64, i64)>, ClientError> {
        let timestamp = match spec {
            OffsetSpec::Earliest => -2,
            OffsetSpec::Latest => -1,
            OffsetSpec::Time(timestamp) => timestamp,
        };
        let mut topics: Vec<ListOffsetsTopic> = Vec::new();
        for (topic, partition_index) in places {
            if topics.last().is_none_or(|last| last.name != *topic) {
                topics.push(ListOffsetsTopic {
                    name: topic.clone(),
                    ..ListOffsetsTopic::default()
                });
            }
            if let Some(last) = topics.last_mut() {
                last.partitions.push(ListOffsetsPartition {
                    partition_index: *partition_index,
                    timestamp,
                    ..ListOffsetsPartition::default()
                });
            }
        }
        let request = |_| ListOffsetsRequest {
            replica_id: -1,
            topics,
            ..ListOffsetsRequest::default()
        };
        let forget = |_: &ClientError| places.iter().for_each(|(topic, _)| self.forget(topic));
        let response = connection.ask(request).await.inspect_err(forget)?;
        let mut offsets = Vec::with_capacity(places.len());
        for topic in response.topics {
            let name = topic.name.detached();
            for found in topic.partitions {
                let what = format!("{name}-{}", found.partition_index);
                check(&what, found.error_code, None).inspect_err(forget)?;
                let place = (name.clone(), found.partition_index);
                offsets.push((place, found.offset, found.timestamp));
            }
        }
        Ok(offsets)
    }
}
