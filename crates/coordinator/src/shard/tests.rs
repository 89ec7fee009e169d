//! The shard with a machine that adds numbers.

use super::*;

#[derive(Default)]
struct Sum(i64);

impl StateMachine for Sum {
    type Input = (u64, i64);
    type Reply = i64;
    type Record = i64;
    type TimerKey = u64;
    type Soft = ();

    fn decide(
        &self,
        _soft: &mut (),
        (id, add): (u64, i64),
        cx: &mut Context<'_>,
    ) -> Decision<Self> {
        let mut decision = Decision::default();
        if add != 0 {
            decision.records.push(add);
            decision
                .timers
                .push(TimerChange::Arm(id, Timestamp(cx.now.0 + add)));
        }
        decision.replies.push((RequestId(id), self.0 + add));
        decision
    }

    fn unwritable(_reply: i64) -> i64 {
        -1
    }

    fn apply(&mut self, record: &i64) {
        self.0 += record;
    }
}

/// A number that the log has no form for.
const UNWRITABLE: i64 = 666;

struct Memory(Vec<i64>, bool);

impl RecordAppender<i64> for Memory {
    fn append(&mut self, records: &[i64]) -> Result<Offset, AppendError> {
        if self.1 {
            return Err(LostLeadership.into());
        }
        if records.contains(&UNWRITABLE) {
            return Err(AppendError::Unwritable);
        }
        self.0.extend_from_slice(records);
        Ok(Offset(i64::try_from(self.0.len()).unwrap()))
    }
}

fn handle(
    shard: &mut Shard<Sum>,
    input: (u64, i64),
    log: &mut Memory,
) -> Result<(), LostLeadership> {
    let mut random = || 4;
    shard.handle(
        input,
        &mut Context {
            now: Timestamp(100),
            random: &mut random,
        },
        log,
    )
}

#[test]
fn replies_wait_for_what_they_were_decided_on() {
    let (mut shard, mut log) = (Shard::new(Sum::default()), Memory(vec![], false));
    handle(&mut shard, (1, 5), &mut log).unwrap();
    handle(&mut shard, (2, 0), &mut log).unwrap(); // reads what 1 wrote
    assert!(shard.committed(Offset(0)).is_empty());
    assert_eq!(shard.waits_for(), Some(Offset(1)));
    assert_eq!(
        shard.committed(Offset(1)),
        [(RequestId(1), 5), (RequestId(2), 5)]
    );
    handle(&mut shard, (3, 0), &mut log).unwrap();
    assert_eq!(shard.committed(Offset(1)), [(RequestId(3), 5)]);
}

#[test]
fn a_failed_append_changes_nothing_and_timers_go_off_once() {
    let (mut shard, mut log) = (Shard::new(Sum::default()), Memory(vec![], false));
    handle(&mut shard, (1, 5), &mut log).unwrap();
    assert_eq!(shard.next_due(), Some(Timestamp(105)));
    assert!(shard.due(Timestamp(104)).is_empty());
    assert_eq!(shard.due(Timestamp(105)), [1]);
    assert!(shard.due(Timestamp(105)).is_empty());
    log.1 = true;
    assert_eq!(handle(&mut shard, (2, 7), &mut log), Err(LostLeadership));
    assert_eq!(shard.state().0, 5);
}

#[test]
fn records_that_cannot_be_written_refuse_their_request_and_the_shard_goes_on() {
    let (mut shard, mut log) = (Shard::new(Sum::default()), Memory(vec![], false));
    handle(&mut shard, (1, 5), &mut log).unwrap();
    handle(&mut shard, (2, UNWRITABLE), &mut log).unwrap();
    handle(&mut shard, (3, 2), &mut log).unwrap();
    assert_eq!(shard.state().0, 7);
    assert_eq!(log.0, [5, 2]);
    assert_eq!(
        shard.committed(Offset(2)),
        [(RequestId(1), 5), (RequestId(2), -1), (RequestId(3), 7)]
    );
}
