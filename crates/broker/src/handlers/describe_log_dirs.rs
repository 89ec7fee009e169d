//! DescribeLogDirs (key 35): what the data directory holds, and how full its disk is (KIP-113, KIP-827).

use std::collections::{BTreeMap, BTreeSet};

use mainstem_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use mainstem_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use mainstem_protocol::{ErrorCode, Str};

use crate::context::{RequestContext, Staged};

/// What the answer about a partition takes.
const ENTRY_BYTES: usize = 128;

pub(crate) async fn handle(
    cx: RequestContext,
    request: DescribeLogDirsRequest,
) -> Staged<DescribeLogDirsResponse> {
    Staged::pending(async move { described(&cx, &request).await })
}

async fn described(
    cx: &RequestContext,
    request: &DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let asked: Option<BTreeSet<(&str, i32)>> = request.topics.as_ref().map(|topics| {
        let each = topics.iter().flat_map(|topic| {
            let indexes = topic.partitions.iter();
            indexes.map(|index| (topic.topic.as_str(), *index))
        });
        each.collect()
    });
    let mut topics: BTreeMap<Str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for partition in cx.node.partitions.all() {
        let key = (partition.topic.as_str(), partition.index);
        if asked.as_ref().is_none_or(|asked| asked.contains(&key)) {
            if !cx.answer.take(ENTRY_BYTES).await {
                return DescribeLogDirsResponse::default();
            }
            let size = partition.size_bytes();
            let described = DescribeLogDirsPartition {
                partition_index: partition.index,
                partition_size: i64::try_from(size).unwrap_or(i64::MAX),
                ..DescribeLogDirsPartition::default()
            };
            topics
                .entry(partition.topic.clone())
                .or_default()
                .push(described);
        }
    }
    let topics = topics.into_iter().map(|(name, mut partitions)| {
        partitions.sort_by_key(|partition| partition.partition_index);
        DescribeLogDirsTopic { name, partitions }
    });
    let topics = topics.collect();
    let log_dirs = &cx.node.log_dirs;
    let (total_bytes, usable_bytes, code) = match log_dirs.space() {
        Ok((total, usable)) => (total, usable, ErrorCode::None),
        Err(error) => {
            tracing::warn!(%error, "the disk does not say how full it is");
            (-1, -1, ErrorCode::KafkaStorageError)
        }
    };
    DescribeLogDirsResponse {
        results: vec![DescribeLogDirsResult {
            error_code: code.code(),
            log_dir: Str::from(log_dirs.path_text()),
            topics,
            total_bytes,
            usable_bytes,
            is_cordoned: false,
        }],
        ..DescribeLogDirsResponse::default()
    }
}
