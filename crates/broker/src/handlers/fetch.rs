//! Fetch (key 1): read committed batches, now or as soon as there are enough of them.
//!
//! Stage one turns an incremental request into a full one and reads. If that is enough, the answer goes at once. Otherwise stage two waits
//! for high watermarks to move and counts from memory, until `min_bytes` are there or `max_wait_ms` are over; then it reads.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mainstem_protocol::ErrorCode;
use mainstem_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use mainstem_protocol::messages::{FetchRequest, FetchResponse};
use tokio::time::Instant;

use crate::clock::random_bytes;
use crate::context::{RequestContext, Staged};
use crate::fetch::{Opened, Session, SessionError, TopicKey, Wanted, available, read_all};
use crate::partition::{Isolation, Partition};
use crate::wakes::FetchWait;

/// What the answer about a partition takes beside its records.
const ENTRY_BYTES: usize = 512;

/// What the answer must be made of.
struct Plan {
    cx: RequestContext,
    wanted: Vec<Wanted>,
    session: Option<(Arc<Mutex<Session>>, bool)>,
    min_bytes: usize,
    max_bytes: i32,
    isolation: Isolation,
}

pub(crate) async fn handle(cx: RequestContext, request: FetchRequest) -> Staged<FetchResponse> {
    let is_replica = request.replica_id >= 0 || request.replica_state.replica_id >= 0;
    if is_replica {
        return Staged::Ready(failure(ErrorCode::NotLeaderOrFollower));
    }
    let [a, b, c, d, ..] = random_bytes();
    let (wanted, session) =
        match cx
            .node
            .fetch_sessions
            .open(cx.version, &request, i32::from_be_bytes([a, b, c, d]))
        {
            Ok(Opened::Full(wanted)) => (wanted, None),
            Ok(Opened::Session(session, incremental)) => {
                let wanted = session
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .wanted();
                (wanted, Some((session, incremental)))
            }
            Err(SessionError(code)) => return Staged::Ready(failure(code)),
        };
    // It is not there while the request is parked, and so not charged; more of it is not begun.
    if !cx.answer.allows(wanted.len().saturating_mul(ENTRY_BYTES)) {
        return Staged::Ready(FetchResponse::default());
    }
    let bound = cx.node.config.properties.number("fetch.max.bytes");
    let max_bytes = i32::try_from(bound).map_or(request.max_bytes, |b| b.min(request.max_bytes));
    let plan = Plan {
        cx,
        wanted,
        session,
        // More than may be returned cannot be waited for.
        min_bytes: usize::try_from(request.min_bytes.min(max_bytes)).unwrap_or(0),
        max_bytes,
        isolation: Isolation::from_level(request.isolation_level),
    };
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    // Little is read at once; much is only counted until there is enough of it.
    let reads_now = plan.min_bytes <= 1 || wait.is_zero() || plan.wanted.is_empty();
    let others_missing = plan.wanted.len().saturating_sub(1);
    if reads_now || plan.has_enough(plan.min_bytes, others_missing).await {
        let read = read_all(&plan.cx.node, &plan.wanted, plan.isolation, plan.max_bytes).await;
        let all_missing = read.missing == plan.wanted.len();
        if read.bytes >= plan.min_bytes || read.failed || wait.is_zero() || all_missing {
            return Staged::Ready(plan.answer(read.found));
        }
    }
    Staged::pending(plan.wait(wait))
}

fn failure(code: ErrorCode) -> FetchResponse {
    FetchResponse {
        error_code: code.code(),
        ..FetchResponse::default()
    }
}

impl Plan {
    /// Waits for more, then answers.
    async fn wait(self, wait: Duration) -> FetchResponse {
        let deadline = Instant::now() + wait;
        // Among the waiting before looking, so that nothing that comes in between is missed.
        let waiting = Waiting::begin(&self.cx, &self.wanted);
        let mut enough = Some(self.min_bytes);
        loop {
            let is_over = Instant::now() >= deadline;
            let is_due = match enough {
                Some(enough) if !is_over => self.has_enough(enough, waiting.missing).await,
                _ => true,
            };
            if is_due {
                let (node, wanted) = (&self.cx.node, &self.wanted);
                let read = read_all(node, wanted, self.isolation, self.max_bytes).await;
                let fails = read.failed || read.missing > waiting.missing;
                let must_do = is_over || read.short || enough.is_none();
                if read.bytes >= self.min_bytes || fails || must_do {
                    return self.answer(read.found);
                }
                // The count was off by an index interval, or whole batches do not fit: the next time what there is must do.
                enough = None;
            }
            let _ = tokio::time::timeout_at(deadline, waiting.fetch.moved()).await;
        }
    }

    /// Whether about `bytes` can be read, or the answer must be given at once: a partition cannot be read, or more than `missing` are not
    /// there.
    async fn has_enough(&self, bytes: usize, missing: usize) -> bool {
        let counted = available(&self.cx.node, &self.wanted, self.isolation, bytes).await;
        counted.is_none_or(|counted| counted.bytes >= bytes || counted.missing > missing)
    }

    /// Fills the response; an incremental session leaves out what did not change.
    fn answer(&self, found: Vec<crate::fetch::Found>) -> FetchResponse {
        let mut response = FetchResponse::default();
        let mut session = self.session.as_ref().map(|(session, incremental)| {
            (
                session.lock().unwrap_or_else(PoisonError::into_inner),
                *incremental,
            )
        });
        if let Some((session, _)) = &session {
            response.session_id = session.id();
        }
        for mut found in found {
            if self.isolation == Isolation::Committed {
                found.data.aborted_transactions.get_or_insert_default();
            }
            if let Some((session, incremental)) = &mut session {
                let data = &found.data;
                let has_data = data
                    .records
                    .as_ref()
                    .is_some_and(|records| !records.is_empty());
                let offsets = (data.log_start_offset, data.high_watermark);
                let told = session.tell(
                    &found.topic,
                    data.partition_index,
                    offsets,
                    has_data,
                    data.error_code != 0,
                );
                if *incremental && !told {
                    continue;
                }
            }
            push(&mut response, found.topic, found.data);
        }
        response
    }
}

/// A fetch among the waiting of its partitions, as long as this value lives: also a connection that is lost ends it.
struct Waiting {
    fetch: Arc<FetchWait>,
    partitions: Vec<Arc<Partition>>,
    /// Partitions that were not there.
    missing: usize,
}

impl Waiting {
    fn begin(cx: &RequestContext, wanted: &[Wanted]) -> Self {
        let fetch = Arc::new(FetchWait::new(cx.core));
        let found = wanted
            .iter()
            .filter_map(|wanted| crate::fetch::partition(&cx.node, wanted).ok());
        let partitions: Vec<_> = found.inspect(|partition| partition.join(&fetch)).collect();
        Self {
            fetch,
            missing: wanted.len() - partitions.len(),
            partitions,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        for partition in &self.partitions {
            partition.leave(&self.fetch);
        }
    }
}

fn push(response: &mut FetchResponse, key: TopicKey, data: PartitionData) {
    let is_same = response.responses.last().is_some_and(|last| match &key {
        TopicKey::Name(name) => last.topic == *name,
        TopicKey::Id(id) => last.topic_id == *id,
    });
    if !is_same {
        let mut topic = FetchableTopicResponse::default();
        match key {
            TopicKey::Name(name) => topic.topic = name,
            TopicKey::Id(id) => topic.topic_id = id,
        }
        response.responses.push(topic);
    }
    if let Some(last) = response.responses.last_mut() {
        last.partitions.push(data);
    }
}
