//! Produce (key 0): append record batches to the partitions this broker leads.
//!
//! Stage one validates and appends, in request order. Stage two waits until the batches are committed when acks = all. Failures are per
//! partition and travel in the response; with acks = 0 nothing is answered, and a failure closes the connection.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use mainstem_metadata::is_internal;
use mainstem_protocol::batch::says_transactional;
use mainstem_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use mainstem_protocol::messages::produce_response::{
    PartitionProduceResponse, TopicProduceResponse,
};
use mainstem_protocol::messages::{ProduceRequest, ProduceResponse};
use mainstem_protocol::{ApiKey, ErrorCode, RecordBatches, Str};

use crate::context::{RequestContext, Staged};
use crate::fetch::TopicKey;
use crate::limits::TURN_ENTRIES;
use crate::partition::{Partition, Refusal};

/// What the answer about a partition takes.
const ENTRY_BYTES: usize = 256;

/// What stage two still waits for: which place in the response, which partition, up to which offset.
type Waits = Vec<(usize, usize, Arc<Partition>, i64)>;

/// What the client of administrators calls itself; it may write to topics of the node itself, as with Apache Kafka.
const ADMIN_CLIENT: &str = "__admin_client";

/// What holds for every partition of a request.
struct Rules {
    acks: i16,
    /// It carries a batch of a transaction, and no transactional id.
    lacks_transactional_id: bool,
    is_transactional: bool,
    may_write_internal: bool,
}

impl Rules {
    fn of(cx: &RequestContext, request: &ProduceRequest) -> Self {
        let data = request.topic_data.iter();
        let mut records = data
            .flat_map(|topic| &topic.partition_data)
            .filter_map(|data| data.records.as_ref()?.in_memory());
        let is_transactional = request.transactional_id.is_some();
        Self {
            acks: request.acks,
            lacks_transactional_id: !is_transactional && records.any(says_transactional),
            is_transactional,
            may_write_internal: cx.client_id.as_deref() == Some(ADMIN_CLIENT),
        }
    }
}

pub(crate) async fn handle(
    cx: RequestContext,
    mut request: ProduceRequest,
) -> Staged<ProduceResponse> {
    let partitions = request
        .topic_data
        .iter()
        .map(|topic| topic.partition_data.len());
    let entries = request.topic_data.len() + partitions.sum::<usize>();
    if !cx.answer.allows(entries.saturating_mul(ENTRY_BYTES)) {
        return Staged::Ready(ProduceResponse::default());
    }
    cx.node.sync.room().await;
    let rules = Rules::of(&cx, &request);
    keep_last(&mut request.topic_data);
    let mut worked = 0_usize;
    let mut waits: Waits = Vec::new();
    let mut failed = false;
    let mut response = ProduceResponse::default();
    response.responses.reserve(request.topic_data.len());
    for (topic_at, topic) in request.topic_data.into_iter().enumerate() {
        let mut answers = Vec::with_capacity(topic.partition_data.len());
        for (partition_at, data) in topic.partition_data.into_iter().enumerate() {
            worked += 1;
            if worked.is_multiple_of(TURN_ENTRIES) {
                tokio::task::yield_now().await;
            }
            let index = data.index;
            let key = match cx.version {
                13.. => TopicKey::Id(topic.topic_id),
                _ => TopicKey::Name(topic.name.clone()),
            };
            let partition = crate::fetch::find(&cx.node, &key, index);
            let appended = append(&rules, partition, data);
            answers.push(match appended {
                Ok((partition, answer)) => {
                    if request.acks == -1 && answer.1 >= 0 {
                        waits.push((topic_at, partition_at, partition, answer.1));
                    }
                    answer.0
                }
                Err(refusal) => {
                    failed = true;
                    refused(index, refusal.code, Some(Str::from(refusal.message)))
                }
            });
        }
        response.responses.push(TopicProduceResponse {
            name: topic.name,
            topic_id: topic.topic_id,
            partition_responses: answers,
        });
    }
    match request.acks {
        0 if failed => {
            cx.counters().errors_of(ApiKey::Produce, &response);
            Staged::Close
        }
        0 => Staged::Silent,
        _ if waits.is_empty() => Staged::Ready(response),
        _ => {
            let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
            Staged::pending(commit(cx, response, waits, timeout))
        }
    }
}

/// Of a partition that is named more than once what is said last counts: Apache Kafka keeps them in a map.
fn keep_last(topics: &mut Vec<TopicProduceData>) {
    let count: usize = topics.iter().map(|topic| topic.partition_data.len()).sum();
    if count < 2 {
        return;
    }
    let mut seen = HashSet::with_capacity(count);
    let mut named = topics.iter().flat_map(|topic| {
        let indexes = topic.partition_data.iter().map(|data| data.index);
        indexes.map(|index| (topic.topic_id, topic.name.clone(), index))
    });
    if named.all(|partition| seen.insert(partition)) {
        return;
    }
    seen.clear();
    for topic in topics.iter_mut().rev() {
        let (id, name) = (topic.topic_id, topic.name.clone());
        let from_last = topic.partition_data.drain(..).rev();
        let mut kept: Vec<_> = from_last
            .filter(|data| seen.insert((id, name.clone(), data.index)))
            .collect();
        kept.reverse();
        topic.partition_data = kept;
    }
    topics.retain(|topic| !topic.partition_data.is_empty());
}

type Answered = (PartitionProduceResponse, i64);

/// Appends the batch of one partition; the answer, and the offset that must be committed before it may go.
fn append(
    rules: &Rules,
    partition: Result<Arc<Partition>, ErrorCode>,
    data: PartitionProduceData,
) -> Result<(Arc<Partition>, Answered), Refusal> {
    let refuse = |code: ErrorCode, message: &str| Refusal::new(code, message);
    if rules.lacks_transactional_id {
        // Stored, its batch would hold the last stable offset for ever: nobody writes a marker for it. The others are not stored either.
        return Err(refuse(
            ErrorCode::TransactionalIdAuthorizationFailed,
            "a batch of a transaction needs a transactional id",
        ));
    }
    let partition = partition
        .map_err(|code| refuse(code, "This server does not host this topic-partition."))?;
    let records = data.records.and_then(RecordBatches::into_memory);
    let records = records.unwrap_or_default();
    if records.is_empty() {
        return Err(refuse(
            ErrorCode::InvalidRecord,
            "a produce request carries exactly one batch for a partition",
        ));
    }
    if !matches!(rules.acks, -1..=1) {
        return Err(refuse(
            ErrorCode::InvalidRequiredAcks,
            "acks must be -1, 0 or 1",
        ));
    }
    if rules.is_transactional {
        return Err(refuse(
            ErrorCode::InvalidTxnState,
            "transactions are not served yet",
        ));
    }
    if is_internal(&partition.topic) && !rules.may_write_internal {
        return Err(refuse(
            ErrorCode::InvalidTopicException,
            "clients must not write to an internal topic",
        ));
    }
    let (appended, log_start_offset) = partition.append_produced(records)?;
    let answer = PartitionProduceResponse {
        index: data.index,
        base_offset: appended.first,
        log_append_time_ms: appended.append_time_ms.unwrap_or(-1),
        log_start_offset,
        ..PartitionProduceResponse::default()
    };
    Ok((partition, (answer, appended.last + 1)))
}

fn refused(index: i32, code: ErrorCode, message: Option<Str>) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index,
        error_code: code.code(),
        base_offset: -1,
        log_append_time_ms: -1,
        log_start_offset: -1,
        error_message: message,
        ..PartitionProduceResponse::default()
    }
}

/// Stage two: each partition's batch must be committed before the deadline.
async fn commit(
    cx: RequestContext,
    mut response: ProduceResponse,
    waits: Waits,
    timeout: Duration,
) -> ProduceResponse {
    let deadline = tokio::time::Instant::now() + timeout;
    for (topic_at, partition_at, partition, offset) in waits {
        let committed =
            tokio::time::timeout_at(deadline, partition.committed(offset, cx.core)).await;
        let code = match committed {
            Ok(Ok(())) => continue,
            Ok(Err(code)) => code,
            Err(_) => ErrorCode::RequestTimedOut,
        };
        let topic = response.responses.get_mut(topic_at);
        if let Some(answer) =
            topic.and_then(|topic| topic.partition_responses.get_mut(partition_at))
        {
            *answer = refused(answer.index, code, None);
        }
    }
    response
}
