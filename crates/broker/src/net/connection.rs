//! One connection: frames in, answers out, in the order of the requests.
//!
//! Invariants: at most [`REQUESTS_IN_FLIGHT`] requests wait for their answer, and none is handled while [`ANSWER_BYTES_MAX`]
//! wait to be written; a large frame is read once the node has room for all of it (see [`crate::memory`]), and its memory grows with the
//! bytes that arrive, not with the length that is claimed; whatever a buffer holds beyond [`READ_IDLE_BYTES`] is charged; a connection on
//! which nothing happens holds no buffer; what is not a request of
//! the protocol closes the connection without an answer, as Apache Kafka does.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use mainstem_protocol::frame::RequestHeader;
use mainstem_protocol::{Decoder, Str};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::outgoing::{Evicted, Slot, Unwritten, front, write_answer};
use super::quotas::OpenConnection;
use crate::budget::AnswerBudget;
use crate::context::{RequestContext, Staged};
use crate::dispatch::{Refused, dispatch};
use crate::limits::{
    ANSWER_BYTES_MAX, DECODE_BYTES_MAX, DRAIN_CONNECTION, FRAME_RATE_MIN, FRAME_SMALL_BYTES,
    FRAME_SMALL_RATE_MIN, GRACE_CHECK, READ_IDLE_BYTES, READ_STEP_BYTES, REQUESTS_IN_FLIGHT,
};
use crate::memory::{Charge, Express, Lane};
use crate::node::Node;

/// A frame that is on its way and does not fit an idle buffer.
struct Arriving {
    /// Up to [`FRAME_SMALL_BYTES`]: it is charged to the account of its kind.
    is_small: bool,
    charge: Charge,
    /// Lets it grow though there is no room: of those that wait for each other's room one goes on.
    express: Option<Express>,
    /// Since when nothing of ours holds it up, and what was there then.
    since: Instant,
    from: usize,
}

struct Connection {
    node: Arc<Node>,
    core: usize,
    stream: TcpStream,
    host: Str,
    buffer: BytesMut,
    frame_bytes_max: usize,
    answers: VecDeque<Slot>,
    arriving: Option<Arriving>,
}

/// What is next on a connection.
enum Next {
    /// A whole frame, and what it is charged.
    Frame(Bytes, Charge),
    /// More bytes.
    Bytes,
    /// Room for a frame.
    Room(Room),
}

/// Room that a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// For a large frame to grow.
    Large,
    /// For a small frame to grow.
    Growth,
    /// For a small frame to be handled.
    Small,
}

impl Room {
    async fn wait(self, node: &Node) {
        match self {
            Self::Large => node.memory.room(Lane::Large).await,
            Self::Growth => node.arriving.room(Lane::Large).await,
            Self::Small => node.memory.room(Lane::Small).await,
        }
    }
}

/// What ended a connection.
enum End {
    /// The peer closed, was silent for too long, or the node stops.
    Quiet,
    /// The peer sent what is no request.
    Hostile(String),
    /// The peer is slow with memory that others wait for.
    Slow(Evicted),
    /// The socket failed.
    Socket(std::io::Error),
}

impl From<Evicted> for End {
    fn from(evicted: Evicted) -> Self {
        Self::Slow(evicted)
    }
}

impl From<Unwritten> for End {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Slow(evicted) => Self::Slow(evicted),
            Unwritten::Socket(error) => Self::Socket(error),
        }
    }
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Socket(error)
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    (node, core): (Arc<Node>, usize),
    stream: std::net::TcpStream,
    _open: OpenConnection,
    peer: SocketAddr,
    closing: watch::Receiver<bool>,
) {
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    let limit = node.config.properties.number("socket.request.max.bytes");
    let mut connection = Connection {
        host: Str::from(format!("/{}", peer.ip())),
        stream,
        buffer: BytesMut::new(),
        frame_bytes_max: usize::try_from(limit).unwrap_or(0),
        answers: VecDeque::new(),
        arriving: None,
        node,
        core,
    };
    let what = match connection.run(closing).await {
        End::Quiet => return,
        End::Socket(error) => {
            tracing::debug!(%peer, %error, "connection lost");
            return;
        }
        End::Hostile(what) => what,
        End::Slow(what) => what.to_string(),
    };
    match connection.node.connections.warnings.may_say(Instant::now()) {
        Some(0) => tracing::warn!(%peer, what, "connection closed"),
        Some(more) => tracing::warn!(%peer, what, more, "connection closed, as were others before"),
        None => {}
    }
}

impl Connection {
    async fn run(&mut self, mut closing: watch::Receiver<bool>) -> End {
        let idle_ms = self
            .node
            .config
            .properties
            .number("connections.max.idle.ms");
        let idle = Duration::from_millis(u64::try_from(idle_ms).unwrap_or(u64::MAX));
        loop {
            match self.step(idle, &mut closing).await {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    /// Handles what has arrived, writes what is due, waits for more.
    async fn step(
        &mut self,
        idle: Duration,
        closing: &mut watch::Receiver<bool>,
    ) -> Result<(), End> {
        // Again while answers go out: whole frames may still be in the buffer, and no byte that is still to come may be needed for them.
        let next = loop {
            let mut next = Next::Bytes;
            while self.has_room() {
                next = self.next()?;
                let Next::Frame(frame, charge) = next else {
                    break;
                };
                self.handle(frame, charge).await?;
                next = Next::Bytes;
            }
            let waiting = self.answers.len();
            self.write_ready(idle).await?;
            if self.answers.len() == waiting {
                break next;
            }
        };
        if *closing.borrow() {
            // Appended but not answered would be sent again elsewhere. A long poll or a join is not waited for.
            let _ = tokio::time::timeout(DRAIN_CONNECTION, self.drain(idle)).await;
            return Err(End::Quiet);
        }
        self.wait(next, idle, closing).await
    }

    /// Waits for whatever comes first: an answer, bytes, room, the end.
    async fn wait(
        &mut self,
        next: Next,
        idle: Duration,
        closing: &mut watch::Receiver<bool>,
    ) -> Result<(), End> {
        let wanted = match next {
            Next::Room(room) => Some(room),
            Next::Bytes | Next::Frame(..) => None,
        };
        let reads = wanted.is_none() && self.has_room();
        let pending = !self.answers.is_empty();
        if reads {
            self.check_pace()?;
        }
        let holds_up = self.check_express()?;
        let paced = holds_up || (reads && self.arriving.is_some());
        if self.buffer.is_empty() {
            // What the last frame left is not held while nothing comes.
            self.buffer = BytesMut::new();
        } else if reads {
            self.reserve();
        }
        let limit = self.read_limit();
        let Self {
            node,
            stream,
            buffer,
            answers,
            arriving,
            ..
        } = self;
        tokio::select! {
            biased;
            ready = front(answers), if pending => ready?,
            read = read(stream, buffer, limit), if reads => {
                if read? == 0 {
                    return Err(End::Quiet);
                }
            }
            () = wanted.unwrap_or(Room::Small).wait(node), if wanted.is_some() => {
                resume(arriving, buffer, None);
            }
            express = node.memory.express(), if wanted == Some(Room::Large) => {
                resume(arriving, buffer, express);
            }
            changed = closing.changed() => {
                if changed.is_err() {
                    return Err(End::Quiet);
                }
            }
            // The pace is looked at again, though not a byte comes.
            () = tokio::time::sleep(GRACE_CHECK), if paced => {}
            () = tokio::time::sleep(idle), if !pending => return Err(End::Quiet),
        }
        Ok(())
    }

    /// A frame must come on while others wait for the memory that is kept for it.
    fn check_pace(&self) -> Result<(), Evicted> {
        let Some(arriving) = &self.arriving else {
            return Ok(());
        };
        let (account, rate) = match arriving.is_small {
            true => (&self.node.arriving, FRAME_SMALL_RATE_MIN),
            false => (&self.node.memory, FRAME_RATE_MIN),
        };
        if !account.is_short() {
            return Ok(());
        }
        let came = self.buffer.len().saturating_sub(arriving.from);
        Evicted::check(rate, came, arriving.since)
    }

    /// A request that went on without room must be answered soon while others wait to do the same. True while one is being answered.
    fn check_express(&mut self) -> Result<bool, Evicted> {
        let mut holds_up = false;
        for slot in &mut self.answers {
            let Slot::Pending(_, charge) = slot else {
                continue;
            };
            if let Some(since) = charge.holds_up_since() {
                Evicted::check(1, 0, since)?;
            }
            holds_up |= charge.has_express();
        }
        Ok(holds_up)
    }

    /// Whether another request may be handled before the answers that wait are written.
    fn has_room(&self) -> bool {
        let waiting = self.answers.iter().map(|answer| match answer {
            Slot::Ready(chunks, _) => chunks.len(),
            Slot::Pending(..) => 0,
        });
        self.answers.len() < REQUESTS_IN_FLIGHT && waiting.sum::<usize>() < ANSWER_BYTES_MAX
    }

    /// Makes room for the rest of the frame at the front of the buffer, in steps.
    fn reserve(&mut self) {
        let held = self.buffer.len();
        let claimed = match self.buffer.first_chunk::<4>() {
            Some(length) => usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0) + 4,
            None => READ_IDLE_BYTES,
        };
        let missing = claimed.saturating_sub(held);
        let free = self.buffer.capacity() - held;
        match &mut self.arriving {
            None if free > 0 && free >= missing.min(READ_IDLE_BYTES / 2) => {}
            None => grow(&mut self.buffer, READ_IDLE_BYTES),
            Some(_) if free > 0 => {}
            Some(arriving) if arriving.is_small => {
                let begins = held < READ_IDLE_BYTES / 2;
                grow(
                    &mut self.buffer,
                    if begins { READ_IDLE_BYTES } else { claimed },
                );
                let beyond = self.buffer.capacity().saturating_sub(READ_IDLE_BYTES);
                arriving.charge.raise_to(beyond);
            }
            Some(arriving) => {
                self.buffer.reserve(missing.min(held.max(READ_STEP_BYTES)));
                arriving.charge.raise_to(self.buffer.capacity());
            }
        }
    }

    /// Bytes that may be read now. Behind a large frame nothing is: its memory would be held for the bytes of the next.
    fn read_limit(&self) -> usize {
        let length = self.buffer.first_chunk::<4>();
        match (length, &self.arriving) {
            (Some(length), Some(_)) => {
                let size = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
                (size + 4).saturating_sub(self.buffer.len())
            }
            _ => usize::MAX,
        }
    }

    /// Takes a whole frame off the buffer, if it is there and there is room for it.
    fn next(&mut self) -> Result<Next, End> {
        let Some(length) = self.buffer.first_chunk::<4>() else {
            return Ok(Next::Bytes);
        };
        let length = i32::from_be_bytes(*length);
        let size = usize::try_from(length)
            .ok()
            .filter(|size| *size > 0 && *size <= self.frame_bytes_max);
        let Some(size) = size else {
            return Err(End::Hostile(format!("a frame of {length} bytes")));
        };
        let memory = &self.node.memory;
        if self.buffer.len() < size + 4 {
            if size + 4 <= READ_IDLE_BYTES {
                return Ok(Next::Bytes);
            }
            let is_small = size <= FRAME_SMALL_BYTES;
            let (account, room) = match is_small {
                true => (&self.node.arriving, Room::Growth),
                false => (memory, Room::Large),
            };
            let arriving = self.arriving.get_or_insert_with(|| Arriving {
                is_small,
                charge: account.charge(0),
                express: None,
                since: Instant::now(),
                from: 0,
            });
            let full = self.buffer.len() == self.buffer.capacity();
            if full && arriving.express.is_none() && !account.has_room(Lane::Large) {
                return Ok(Next::Room(room));
            }
            return Ok(Next::Bytes);
        }
        let large = self.arriving.take_if(|arriving| {
            let may_go = arriving.express.is_some() || memory.has_room(Lane::Large);
            !arriving.is_small && may_go
        });
        let charge = match (large, &self.arriving) {
            (Some(large), _) => large.charge.with(large.express),
            (None, Some(arriving)) if !arriving.is_small => return Ok(Next::Room(Room::Large)),
            _ if memory.has_room(Lane::Small) => memory.charge(size),
            _ => return Ok(Next::Room(Room::Small)),
        };
        self.arriving = None;
        self.buffer.advance(4);
        Ok(Next::Frame(self.buffer.split_to(size).freeze(), charge))
    }

    /// Stage one of a request.
    async fn handle(&mut self, frame: Bytes, mut charge: Charge) -> Result<(), End> {
        let counters = self.node.metrics.core(self.core);
        counters.received(frame.len() + 4);
        let mut decoder = Decoder::with_budget(frame, DECODE_BYTES_MAX);
        let header = RequestHeader::decode(&mut decoder)
            .map_err(|error| End::Hostile(format!("a header: {error}")))?;
        let cx = RequestContext {
            node: self.node.clone(),
            core: self.core,
            version: header.api_version,
            client_id: header.client_id.clone(),
            client_host: self.host.clone(),
            answer: Arc::new(AnswerBudget::new(&self.node.memory)),
        };
        let dispatched = dispatch(cx, &header, decoder, &mut charge).await;
        match dispatched.inspect_err(|_| counters.refused(header.api_key))? {
            Staged::Ready(answer) => {
                let chunks = answer?;
                charge.add(chunks.memory_bytes());
                self.answers.push_back(Slot::Ready(chunks, charge));
            }
            Staged::Pending(answer) => self.answers.push_back(Slot::Pending(answer, charge)),
            Staged::Silent => {}
            Staged::Close => return Err(End::Quiet),
        }
        Ok(())
    }

    /// Answers what is being answered.
    async fn drain(&mut self, idle: Duration) -> Result<(), End> {
        while !self.answers.is_empty() {
            front(&mut self.answers).await?;
            self.write_ready(idle).await?;
        }
        Ok(())
    }

    /// Writes the answers at the front that are ready.
    async fn write_ready(&mut self, idle: Duration) -> Result<(), End> {
        while let Some(Slot::Ready(..)) = self.answers.front() {
            let Some(Slot::Ready(chunks, _charge)) = self.answers.pop_front() else {
                break;
            };
            self.node.metrics.core(self.core).sent(chunks.len());
            write_answer(&mut self.stream, chunks, &self.node.memory, idle).await?;
        }
        Ok(())
    }
}

/// The large frame goes on: its pace counts from here.
fn resume(arriving: &mut Option<Arriving>, buffer: &BytesMut, express: Option<Express>) {
    if let Some(arriving) = arriving {
        arriving.express = express;
        (arriving.since, arriving.from) = (Instant::now(), buffer.len());
    }
}

/// Reads what there is. A buffer that holds nothing is made only when there is something.
async fn read(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    limit: usize,
) -> std::io::Result<usize> {
    if buffer.capacity() == 0 {
        stream.readable().await?;
        buffer.reserve(READ_IDLE_BYTES);
    }
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    stream.take(limit).read_buf(buffer).await
}

/// Makes room for `size` bytes in all and no more: a buffer that grows by itself doubles.
fn grow(buffer: &mut BytesMut, size: usize) {
    if buffer.try_reclaim(size.saturating_sub(buffer.len())) {
        return;
    }
    let mut grown = BytesMut::with_capacity(size);
    grown.extend_from_slice(buffer);
    *buffer = grown;
}

impl From<Refused> for End {
    fn from(refused: Refused) -> Self {
        Self::Hostile(refused.to_string())
    }
}
