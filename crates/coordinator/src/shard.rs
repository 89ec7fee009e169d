//! The shard: the state machine of one internal partition, driven by decide → append → apply → acknowledge.
//!
//! Invariants:
//! - state is the fold of the records that were appended; soft state (parked joins, deadlines) is beside it and is lost with the shard;
//! - a reply leaves only when everything it was decided on is committed: it is parked at the log end that `decide` saw;
//! - an append that fails ends the shard. There is no way back and none is needed;
//! - records that have no written form are never appended: who asked for them is refused, and the shard goes on.

use std::collections::VecDeque;

use crate::timers::Timers;

/// An offset of the shard's partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(pub i64);
/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);
/// The driver's number of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// A machine that runs on a shard.
pub trait StateMachine {
    /// What comes in.
    type Input;
    /// What goes out to a request.
    type Reply;
    /// What is written.
    type Record: Clone;
    /// Names of timers.
    type TimerKey: Ord + Clone;
    /// State that is not written.
    type Soft: Default;

    /// Looks at hard state, may change soft state.
    fn decide(
        &self,
        soft: &mut Self::Soft,
        input: Self::Input,
        cx: &mut Context<'_>,
    ) -> Decision<Self>;

    /// How many of the first records go into one batch; the rest follows in batches of their own. A crash may come between them, so only
    /// records of which every prefix is sound may be parted. All of them unless the machine says otherwise.
    fn batch_len(records: &[Self::Record]) -> usize {
        records.len()
    }

    /// What a request is told instead of `reply`, when the records of the decision cannot be written at all. `decide` refuses what it can
    /// foresee, so this is the last line: one request must not end the shard that serves all others.
    fn unwritable(reply: Self::Reply) -> Self::Reply;

    /// Applies a record: the only writer of hard state, deterministic and infallible. Also the only code that runs while loading.
    fn apply(&mut self, record: &Self::Record);
}

/// What `decide` is told of the world.
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// Random numbers.
    pub random: &'a mut dyn FnMut() -> u64,
}

/// A timer set or cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange<K> {
    /// Goes off at a time; replaces what was set.
    Arm(K, Timestamp),
    /// Does not go off.
    Cancel(K),
}

/// What was decided.
pub struct Decision<M: StateMachine + ?Sized> {
    /// One atomic batch, or several, see [`StateMachine::batch_len`].
    pub records: Vec<M::Record>,
    /// Answers, to whom.
    pub replies: Vec<(RequestId, M::Reply)>,
    /// Timers.
    pub timers: Vec<TimerChange<M::TimerKey>>,
}

impl<M: StateMachine + ?Sized> Default for Decision<M> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            replies: Vec::new(),
            timers: Vec::new(),
        }
    }
}

/// Appends one atomic batch.
pub trait RecordAppender<R> {
    /// Appends; returns the log end.
    fn append(&mut self, records: &[R]) -> Result<Offset, AppendError>;
}

/// Why a batch was not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The records have no written form, and nothing was appended.
    #[error("the records cannot be written")]
    Unwritable,
    /// Ends the shard.
    #[error(transparent)]
    Lost(#[from] LostLeadership),
}

/// The shard can append no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the partition of this shard takes no more records")]
pub struct LostLeadership;

/// Answers whose time has come.
pub type Outbound<M> = Vec<(RequestId, <M as StateMachine>::Reply)>;

/// See the module.
pub struct Shard<M: StateMachine> {
    state: M,
    soft: M::Soft,
    log_end: Offset,
    high_watermark: Offset,
    parked: VecDeque<(Offset, Outbound<M>)>,
    timers: Timers<M::TimerKey>,
}

impl<M: StateMachine> Shard<M> {
    /// A shard whose partition is empty so far.
    pub fn new(state: M) -> Self {
        Self {
            state,
            soft: M::Soft::default(),
            log_end: Offset(0),
            high_watermark: Offset(0),
            parked: VecDeque::new(),
            timers: Timers::default(),
        }
    }

    /// Applies a record while loading; `next` is the offset behind it.
    pub fn replay(&mut self, record: &M::Record, next: Offset) {
        self.state.apply(record);
        self.log_end = self.log_end.max(next);
    }

    /// Decides, appends, applies, and parks the replies. The driver then calls [`Self::committed`] with the current high watermark: a
    /// decision without records (an idle heartbeat) is parked like any other and leaves only there.
    pub fn handle(
        &mut self,
        input: M::Input,
        cx: &mut Context<'_>,
        log: &mut dyn RecordAppender<M::Record>,
    ) -> Result<(), LostLeadership> {
        let mut decision = self.state.decide(&mut self.soft, input, cx);
        let mut rest = decision.records.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(M::batch_len(rest).clamp(1, rest.len()));
            let end = match log.append(batch) {
                Ok(end) => end,
                Err(AppendError::Lost(lost)) => return Err(lost),
                Err(AppendError::Unwritable) => {
                    let replies = decision.replies.into_iter();
                    decision.replies = replies
                        .map(|(id, reply)| (id, M::unwritable(reply)))
                        .collect();
                    break;
                }
            };
            assert!(end > self.log_end, "an append advances the log");
            for record in batch {
                self.state.apply(record);
            }
            self.log_end = end;
            rest = later;
        }
        for change in decision.timers {
            match change {
                TimerChange::Arm(key, at) => self.timers.arm(key, at),
                TimerChange::Cancel(key) => self.timers.cancel(&key),
            };
        }
        if !decision.replies.is_empty() {
            let last = self.parked.back();
            debug_assert!(
                last.is_none_or(|(offset, _)| *offset <= self.log_end),
                "what is parked stands in the order of its offsets, so that only what leaves is looked at"
            );
            self.parked.push_back((self.log_end, decision.replies));
        }
        Ok(())
    }

    /// Notes the high watermark; gives the replies that may leave.
    pub fn committed(&mut self, high_watermark: Offset) -> Outbound<M> {
        self.high_watermark = self.high_watermark.max(high_watermark);
        let mut released = Vec::new();
        while self
            .parked
            .front()
            .is_some_and(|(offset, _)| *offset <= self.high_watermark)
        {
            if let Some((_, replies)) = self.parked.pop_front() {
                released.extend(replies);
            }
        }
        released
    }

    /// Takes the timers that are due; the driver turns each into an input, in key order.
    pub fn due(&mut self, now: Timestamp) -> Vec<M::TimerKey> {
        self.timers.take_due(now)
    }

    /// When the next timer goes off.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.timers.next_due()
    }

    /// The offset that the first parked replies wait for; `None` when nothing is parked.
    pub fn waits_for(&self) -> Option<Offset> {
        self.parked.front().map(|(offset, _)| *offset)
    }

    /// Hard state.
    pub fn state(&self) -> &M {
        &self.state
    }
}

#[cfg(test)]
mod tests;
