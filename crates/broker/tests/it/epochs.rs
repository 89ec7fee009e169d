//! Where leader epochs ended (OffsetForLeaderEpoch, KIP-101 and KIP-320): every start of a node leads in a new one.

use mainstem_broker::RunningNode;
use mainstem_protocol::messages::OffsetForLeaderEpochRequest;
use mainstem_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use mainstem_protocol::{ErrorCode, Str};

use super::wire::{Wire, batch, node, produce, topic};

/// Code, epoch, and where that ended.
type Told = (ErrorCode, i32, i64);

/// Asks for partitions of a topic: index, the epoch that the asker believes to be current, the epoch whose end is asked for.
fn ask(wire: &mut Wire, version: i16, topic: &str, asked: &[(i32, i32, i32)]) -> Vec<Told> {
    let partitions = asked.iter().map(|asked| OffsetForLeaderPartition {
        partition: asked.0,
        current_leader_epoch: asked.1,
        leader_epoch: asked.2,
    });
    let request = OffsetForLeaderEpochRequest {
        // Before version 3 there is none.
        replica_id: if version < 3 { -2 } else { -1 },
        topics: vec![OffsetForLeaderTopic {
            topic: Str::from(topic),
            partitions: partitions.collect(),
        }],
    };
    let mut answer = wire.ask(version, &request);
    assert_eq!(answer.topics.len(), 1);
    let answer = answer.topics.remove(0);
    assert_eq!(answer.topic.as_str(), topic);
    let indexes = answer.partitions.iter().map(|told| told.partition);
    assert!(indexes.eq(asked.iter().map(|asked| asked.0)));
    let told = answer.partitions.iter().map(|told| {
        let code = ErrorCode::from_code(told.error_code);
        (code, told.leader_epoch, told.end_offset)
    });
    told.collect()
}

/// Starts a node, and appends so many records in the epoch in which it leads.
fn lead(dir: &std::path::Path, records: u8) -> (RunningNode, Wire, i32) {
    let node = node(dir);
    let mut wire = Wire::to(&node);
    let epoch = topic(&mut wire, "orders").topics[0].partitions[0].leader_epoch;
    for value in 0..records {
        assert_eq!(produce(&mut wire, "orders", batch(&[value])).error_code, 0);
    }
    (node, wire, epoch)
}

#[test]
fn epochs_end_where_the_next_one_began() {
    let dir = tempfile::tempdir().unwrap();
    let mut epochs = Vec::new();
    for records in [2, 3] {
        let (node, _, epoch) = lead(dir.path(), records);
        epochs.push(epoch);
        node.stop().unwrap();
    }
    // Of this epoch there is no record yet.
    let (node, mut wire, current) = lead(dir.path(), 0);
    let (first, second) = (epochs[0], epochs[1]);
    assert!(first < second && second < current);
    let found = |epoch: i32, end: i64| (ErrorCode::None, epoch, end);
    let refused = |code: ErrorCode| (code, -1, -1);
    for version in 2..=4 {
        let told = ask(
            &mut wire,
            version,
            "orders",
            &[
                (0, -1, first),
                (0, current, second),
                (0, -1, current),
                (0, current, current + 1),
                (0, -1, -1),
                (0, second, second),
                (0, current + 1, second),
                (7, -1, second),
            ],
        );
        assert_eq!(
            told,
            [
                found(first, 2),
                found(second, 5),
                found(current, 5),
                // Nobody led in these.
                found(-1, -1),
                found(-1, -1),
                refused(ErrorCode::FencedLeaderEpoch),
                refused(ErrorCode::UnknownLeaderEpoch),
                refused(ErrorCode::UnknownTopicOrPartition),
            ],
            "version {version}"
        );
        let told = ask(&mut wire, version, "nobody-made-this", &[(0, -1, 0)]);
        assert_eq!(told, [refused(ErrorCode::UnknownTopicOrPartition)]);
    }
    // The epoch grows with the log, and is kept once it has records.
    assert_eq!(produce(&mut wire, "orders", batch(b"x")).error_code, 0);
    assert_eq!(
        ask(&mut wire, 4, "orders", &[(0, -1, current)]),
        [found(current, 6)]
    );
    node.stop().unwrap();
    let (node, mut wire, _) = lead(dir.path(), 1);
    let told = ask(&mut wire, 4, "orders", &[(0, -1, second), (0, -1, current)]);
    assert_eq!(told, [found(second, 5), found(current, 6)]);
    node.stop().unwrap();
}
