//! A deletion that is larger than a batch: bounded batches, and a sound group wherever a crash cuts between them.

use mainstem_coordinator::group::{
    CommitPartition, CommitRequest, GroupInput, GroupRecord, GroupSettings, Groups,
};
use mainstem_coordinator::{
    AppendError, Context, Offset, RecordAppender, RequestId, Shard, Timestamp,
};
use mainstem_protocol::{Str, Uuid};

/// A batch may not be larger, whatever is decided (`max.message.bytes` of the topic, less some room).
const BATCH_BYTES_MAX: usize = 1_000_000;
const COMMITS: i32 = 30;
const PARTITIONS: i32 = 1_000;

#[derive(Default)]
struct Log(Vec<Vec<GroupRecord>>);

impl RecordAppender<GroupRecord> for Log {
    fn append(&mut self, records: &[GroupRecord]) -> Result<Offset, AppendError> {
        let sizes = records.iter().map(|record| {
            let (key, value) = record.encode().unwrap();
            key.len() + value.map_or(0, |value| value.len())
        });
        let bytes: usize = sizes.sum();
        assert!(bytes <= BATCH_BYTES_MAX, "a batch of {bytes} bytes");
        self.0.push(records.to_vec());
        let count: usize = self.0.iter().map(Vec::len).sum();
        Ok(Offset(i64::try_from(count).unwrap()))
    }
}

fn give(shard: &mut Shard<Groups>, log: &mut Log, now_ms: i64, input: GroupInput) {
    let mut random = || 4;
    let mut cx = Context {
        now: Timestamp(now_ms),
        random: &mut random,
    };
    shard.handle(input, &mut cx, log).unwrap();
}

/// A shard on which one group has committed far more than a batch can forget at once.
fn committed() -> (Shard<Groups>, Log) {
    let (mut shard, mut log) = (
        Shard::new(Groups::new(GroupSettings::default())),
        Log::default(),
    );
    let topic = Str::from("t".repeat(200));
    for at in 0..COMMITS {
        let partitions = (0..PARTITIONS).map(|partition| CommitPartition {
            topic: topic.clone(),
            topic_id: Uuid([7; 16]),
            partition: at * PARTITIONS + partition,
            offset: 1,
            leader_epoch: 0,
            metadata: Str::default(),
        });
        let request = CommitRequest {
            group: Str::from("g"),
            member: Str::default(),
            instance: None,
            generation: -1,
            retention_ms: -1,
            partitions: partitions.collect(),
        };
        let id = RequestId(u64::try_from(at).unwrap());
        give(&mut shard, &mut log, 0, GroupInput::Commit { id, request });
    }
    (shard, log)
}

fn check(now_ms: i64, input: GroupInput) {
    let (mut shard, mut log) = committed();
    let before = log.0.len();
    give(&mut shard, &mut log, now_ms, input);
    assert!(
        log.0.len() > before + 3,
        "several batches: {}",
        log.0.len() - before
    );
    for cut in before..=log.0.len() {
        let mut replayed = Shard::new(Groups::new(GroupSettings::default()));
        for (at, record) in (1..).zip(log.0[..cut].iter().flatten()) {
            replayed.replay(record, Offset(at));
        }
        // As a start would find it: what is left can be deleted again, and then nothing is left.
        let mut rest = Log(log.0[..cut].to_vec());
        give(&mut replayed, &mut rest, now_ms, GroupInput::Loaded);
        let (id, group) = (RequestId(99), Str::from("g"));
        give(
            &mut replayed,
            &mut rest,
            now_ms,
            GroupInput::Delete { id, group },
        );
        assert_eq!(replayed.state().committed_topics().len(), 0);
        assert_eq!(replayed.state().groups().count(), 0);
    }
    assert_eq!(shard.state().committed_topics().len(), 0);
}

#[test]
fn a_group_with_many_offsets_is_deleted_in_batches_of_bounded_size() {
    let (id, group) = (RequestId(98), Str::from("g"));
    check(1, GroupInput::Delete { id, group });
}

#[test]
fn offsets_of_a_topic_that_is_gone_go_in_batches_of_bounded_size() {
    let (ids, names) = ([Uuid([7; 16])].into(), [].into());
    check(1, GroupInput::TopicsRemoved { ids, names });
}

#[test]
fn offsets_expire_in_batches_of_bounded_size() {
    use mainstem_coordinator::group::TimerKey;
    check(i64::MAX / 2, GroupInput::Timer(TimerKey::Expiry));
}
