//! OffsetDelete (key 47).

use std::collections::HashMap;

use mainstem_coordinator::group::{GroupInput, GroupReply};
use mainstem_metadata::MetadataImage;
use mainstem_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use mainstem_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};
use mainstem_protocol::{ErrorCode, Str};

use super::offset_commit::has_partition;
use crate::context::{RequestContext, Staged};

pub(crate) async fn handle(
    cx: RequestContext,
    request: OffsetDeleteRequest,
) -> Staged<OffsetDeleteResponse> {
    Staged::pending(async move {
        let (answers, known) = plan(&cx.node.metadata.load_full(), &request);
        let partitions = known.iter().flat_map(|(topic, partitions)| {
            let partitions = partitions.iter();
            partitions.map(|index| (topic.clone(), *index))
        });
        let partitions: Vec<(Str, i32)> = partitions.collect();
        let group = request.group_id.clone();
        let input = move |id| GroupInput::DeleteOffsets {
            id,
            group: request.group_id,
            partitions,
        };
        let (code, codes) = match cx.node.groups.ask(&cx.node, &group, input).await {
            Ok(GroupReply::DeletedOffsets(code, codes)) => (code, codes),
            other => (
                other.err().unwrap_or(ErrorCode::UnknownServerError),
                Vec::new(),
            ),
        };
        if code.is_error() {
            return OffsetDeleteResponse {
                error_code: code.code(),
                ..OffsetDeleteResponse::default()
            };
        }
        answers.with_known(known, codes)
    })
}

/// The response that grows, in the order of OffsetCommit's: what does not exist comes first, each topic once, and the rest goes into
/// those topics or behind them.
#[derive(Default)]
struct Answers {
    response: OffsetDeleteResponse,
    places: HashMap<Str, usize>,
}

impl Answers {
    /// The place of a topic, which is made if it is not there.
    fn topic(&mut self, name: &Str) -> &mut Vec<OffsetDeleteResponsePartition> {
        let topics = &mut self.response.topics;
        let at = *self.places.entry(name.clone()).or_insert(topics.len());
        if at == topics.len() {
            topics.push(OffsetDeleteResponseTopic {
                name: name.clone(),
                ..OffsetDeleteResponseTopic::default()
            });
        }
        &mut topics[at].partitions
    }

    fn with_known(
        mut self,
        known: Vec<(Str, Vec<i32>)>,
        codes: Vec<ErrorCode>,
    ) -> OffsetDeleteResponse {
        let merges = !self.response.topics.is_empty();
        let mut codes = codes.into_iter();
        for (name, partitions) in known {
            if !merges {
                self.places.clear();
            }
            let answers = partitions.into_iter().zip(codes.by_ref());
            let answers = answers.map(|(index, code)| answer(index, code));
            self.topic(&name).extend(answers);
        }
        self.response
    }
}

fn answer(partition_index: i32, code: ErrorCode) -> OffsetDeleteResponsePartition {
    OffsetDeleteResponsePartition {
        partition_index,
        error_code: code.code(),
    }
}

/// The answers of what does not exist, and the topics and partitions that do.
fn plan(image: &MetadataImage, request: &OffsetDeleteRequest) -> (Answers, Vec<(Str, Vec<i32>)>) {
    let (mut answers, mut known) = (Answers::default(), Vec::new());
    for topic in &request.topics {
        let asked = topic.partitions.iter().map(|asked| asked.partition_index);
        let found = image.topic(&topic.name);
        let (there, missing): (Vec<i32>, Vec<i32>) =
            asked.partition(|index| found.is_some_and(|found| has_partition(found, *index)));
        if found.is_none() || !missing.is_empty() {
            let refused = missing.into_iter();
            let refused = refused.map(|index| answer(index, ErrorCode::UnknownTopicOrPartition));
            answers.topic(&topic.name).extend(refused);
        }
        if !there.is_empty() {
            known.push((topic.name.clone(), there));
        }
    }
    (answers, known)
}
