//! Answers on their way out, in the order of the requests.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::task::Poll;
use std::time::{Duration, Instant};

use mainstem_protocol::{Chunk, Chunks};
use mainstem_storage::StoredBatches;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;

use crate::context::Boxed;
use crate::dispatch::Refused;
use crate::limits::{ANSWER_RATE_MIN, GRACE, GRACE_CHECK};
use crate::memory::{Charge, Memory};

/// Chunks that one write takes.
const WRITE_CHUNKS: usize = 64;

/// An answer that is due, in its place, with what it and its request are charged.
pub(super) enum Slot {
    Ready(Chunks, Charge),
    Pending(Boxed<Result<Chunks, Refused>>, Charge),
}

/// A peer held memory that others waited for, and did not get on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Evicted {
    bytes: usize,
    after: Duration,
}

impl Evicted {
    /// Refuses who got on with `bytes` since a time, when that is less than `rate` bytes a second and past [`GRACE`].
    pub(super) fn check(rate: u64, bytes: usize, since: Instant) -> Result<(), Self> {
        let after = since.elapsed();
        let due = rate.saturating_mul(after.as_secs());
        if after > GRACE && u64::try_from(bytes).unwrap_or(u64::MAX) < due {
            return Err(Self { bytes, after });
        }
        Ok(())
    }
}

impl std::fmt::Display for Evicted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (bytes, seconds) = (self.bytes, self.after.as_secs());
        write!(
            f,
            "memory is short, and only {bytes} bytes went on in {seconds} s"
        )
    }
}

/// Why an answer was not written.
pub(super) enum Unwritten {
    Slow(Evicted),
    Socket(std::io::Error),
}

/// Waits until the answer at the front is ready. Only that one is worked on, so no other holds bytes of records.
pub(super) async fn front(answers: &mut VecDeque<Slot>) -> Result<(), Refused> {
    std::future::poll_fn(|cx| {
        let chunks = match answers.front_mut() {
            Some(Slot::Pending(future, _)) => match future.as_mut().poll(cx) {
                Poll::Ready(chunks) => chunks?,
                Poll::Pending => return Poll::Pending,
            },
            Some(Slot::Ready(..)) => return Poll::Ready(Ok(())),
            None => return Poll::Pending,
        };
        if let Some(Slot::Pending(_, mut charge)) = answers.pop_front() {
            charge.add(chunks.memory_bytes());
            answers.push_front(Slot::Ready(chunks, charge));
        }
        Poll::Ready(Ok(()))
    })
    .await
}

/// Writes chunks with as few calls as the socket lets us. A peer that takes nothing for `idle` is as silent as one that sends nothing;
/// while memory is short it must take them at a rate.
pub(super) async fn write_answer(
    stream: &mut TcpStream,
    chunks: Chunks,
    memory: &Memory,
    idle: Duration,
) -> Result<(), Unwritten> {
    let mut rest = Rest {
        chunks: chunks.into_vec().into(),
        sent_of_first: 0,
    };
    let since = Instant::now();
    let (mut total, mut last) = (0, since);
    while !rest.chunks.is_empty() {
        if memory.is_short() {
            Evicted::check(ANSWER_RATE_MIN, total, since)?;
        }
        let written = match tokio::time::timeout(GRACE_CHECK.min(idle), rest.write(stream)).await {
            Ok(written) => written?,
            Err(_) if last.elapsed() >= idle => {
                return Err(Unwritten::Socket(std::io::ErrorKind::TimedOut.into()));
            }
            Err(_) => continue,
        };
        if written == 0 {
            return Err(Unwritten::Socket(std::io::ErrorKind::WriteZero.into()));
        }
        total += written;
        last = Instant::now();
        rest.advance(written);
    }
    Ok(())
}

/// What is still to be written.
struct Rest {
    chunks: VecDeque<Chunk>,
    sent_of_first: usize,
}

impl Rest {
    /// Writes as much as the socket takes in one call: the chunks in memory at the front, or the stored batches there.
    async fn write(&self, stream: &mut TcpStream) -> std::io::Result<usize> {
        if let Some(Chunk::Stored(stored)) = self.chunks.front() {
            let batches: &StoredBatches = stored
                .place()
                .ok_or_else(|| std::io::Error::other("batches are stored where nobody knows"))?;
            let send = || batches.send(self.sent_of_first, &*stream);
            return stream.async_io(Interest::WRITABLE, send).await;
        }
        let in_memory = self.chunks.iter().map_while(|chunk| match chunk {
            Chunk::Memory(bytes) => Some(&**bytes),
            Chunk::Stored(_) => None,
        });
        let mut sent = self.sent_of_first;
        let slices: Vec<IoSlice<'_>> = in_memory
            .take(WRITE_CHUNKS)
            .map(|bytes| IoSlice::new(bytes.get(std::mem::take(&mut sent)..).unwrap_or_default()))
            .collect();
        stream.write_vectored(&slices).await
    }

    fn advance(&mut self, written: usize) {
        self.sent_of_first += written;
        while let Some(first) = self.chunks.front()
            && self.sent_of_first >= first.len()
        {
            self.sent_of_first -= first.len();
            self.chunks.pop_front();
        }
    }
}

impl From<Evicted> for Unwritten {
    fn from(evicted: Evicted) -> Self {
        Self::Slow(evicted)
    }
}

impl From<std::io::Error> for Unwritten {
    fn from(error: std::io::Error) -> Self {
        Self::Socket(error)
    }
}
