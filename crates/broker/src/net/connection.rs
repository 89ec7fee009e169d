//! One connection: frames in, answers out, in the order of the requests.
//!
//! Invariants: at most [`REQUESTS_IN_FLIGHT`] requests wait for their answer, and none is handled while [`ANSWER_BYTES_MAX`]
//! wait to be written; a frame's memory grows with the bytes that arrive, not with
//! the length that is claimed; what is not a request of the protocol closes the connection without an answer, as Apache Kafka does.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use mainstem_protocol::frame::RequestHeader;
use mainstem_protocol::{Chunks, Decoder, Str};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::context::{Boxed, RequestContext, Staged};
use crate::dispatch::{Refused, dispatch};
use crate::limits::{
    ANSWER_BYTES_MAX, DRAIN_CONNECTION, READ_IDLE_BYTES, READ_STEP_BYTES, REQUESTS_IN_FLIGHT,
};
use crate::node::Node;

/// Chunks that one write takes.
const WRITE_CHUNKS: usize = 64;

/// An answer that is due, in its place.
enum Slot {
    Ready(Chunks),
    Pending(Boxed<Result<Chunks, Refused>>),
}

struct Connection {
    node: Arc<Node>,
    stream: TcpStream,
    host: Str,
    buffer: BytesMut,
    frame_bytes_max: usize,
    answers: VecDeque<Slot>,
}

/// What ended a connection.
enum End {
    /// The peer closed, was silent for too long, or the node stops.
    Quiet,
    /// The peer sent what is no request.
    Hostile(String),
    /// The socket failed.
    Socket(std::io::Error),
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Socket(error)
    }
}

/// Serves a connection until it ends.
pub(super) async fn serve(
    node: Arc<Node>,
    stream: std::net::TcpStream,
    peer: SocketAddr,
    closing: watch::Receiver<bool>,
) {
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    let _open = node.connections.enter();
    let limit = node.config.properties.number("socket.request.max.bytes");
    let mut connection = Connection {
        host: Str::from(format!("/{}", peer.ip())),
        stream,
        buffer: BytesMut::with_capacity(READ_IDLE_BYTES),
        frame_bytes_max: usize::try_from(limit).unwrap_or(0),
        answers: VecDeque::new(),
        node,
    };
    match connection.run(closing).await {
        End::Quiet => {}
        End::Hostile(what) => tracing::warn!(%peer, what, "connection closed"),
        End::Socket(error) => tracing::debug!(%peer, %error, "connection lost"),
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
        loop {
            while self.has_room()
                && let Some(frame) = self.next_frame()?
            {
                self.handle(frame).await?;
            }
            let waiting = self.answers.len();
            self.write_ready(idle).await?;
            if self.answers.len() == waiting {
                break;
            }
        }
        if *closing.borrow() {
            // Appended but not answered would be sent again elsewhere. A long poll or a join is not waited for.
            let _ = tokio::time::timeout(DRAIN_CONNECTION, self.drain(idle)).await;
            return Err(End::Quiet);
        }
        let full = !self.has_room();
        let pending = !self.answers.is_empty();
        self.reserve();
        let Self {
            stream,
            buffer,
            answers,
            ..
        } = self;
        tokio::select! {
            biased;
            answer = front(answers), if pending => {
                let chunks = answer.map_err(|refused| End::Hostile(refused.to_string()))?;
                answers.pop_front();
                answers.push_front(Slot::Ready(chunks));
            }
            read = stream.read_buf(buffer), if !full => {
                if read? == 0 {
                    return Err(End::Quiet);
                }
            }
            changed = closing.changed() => {
                if changed.is_err() {
                    return Err(End::Quiet);
                }
            }
            () = tokio::time::sleep(idle), if !pending => return Err(End::Quiet),
        }
        Ok(())
    }

    /// Whether another request may be handled before the answers that wait are written.
    fn has_room(&self) -> bool {
        let waiting = self.answers.iter().map(|answer| match answer {
            Slot::Ready(chunks) => chunks.len(),
            Slot::Pending(_) => 0,
        });
        self.answers.len() < REQUESTS_IN_FLIGHT && waiting.sum::<usize>() < ANSWER_BYTES_MAX
    }

    /// Makes room for the rest of the frame at the front of the buffer, in steps.
    fn reserve(&mut self) {
        let claimed = match self.buffer.first_chunk::<4>() {
            Some(length) => usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0) + 4,
            None => READ_IDLE_BYTES,
        };
        let missing = claimed.saturating_sub(self.buffer.len());
        self.buffer
            .reserve(missing.clamp(READ_IDLE_BYTES / 2, READ_STEP_BYTES));
    }

    /// Takes a whole frame off the buffer.
    fn next_frame(&mut self) -> Result<Option<Bytes>, End> {
        let Some(length) = self.buffer.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(*length);
        let size = usize::try_from(length)
            .ok()
            .filter(|size| *size > 0 && *size <= self.frame_bytes_max);
        let Some(size) = size else {
            return Err(End::Hostile(format!("a frame of {length} bytes")));
        };
        if self.buffer.len() < size + 4 {
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(size).freeze()))
    }

    /// Stage one of a request.
    async fn handle(&mut self, frame: Bytes) -> Result<(), End> {
        let mut decoder = Decoder::new(frame);
        let header = RequestHeader::decode(&mut decoder)
            .map_err(|error| End::Hostile(format!("a header: {error}")))?;
        let cx = RequestContext {
            node: self.node.clone(),
            version: header.api_version,
            client_id: header.client_id.clone(),
            client_host: self.host.clone(),
        };
        match dispatch(cx, &header, decoder).await? {
            Staged::Ready(answer) => self.answers.push_back(Slot::Ready(answer?)),
            Staged::Pending(answer) => self.answers.push_back(Slot::Pending(answer)),
            Staged::Silent => {}
            Staged::Close => return Err(End::Quiet),
        }
        Ok(())
    }

    /// Answers what is being answered.
    async fn drain(&mut self, idle: Duration) -> Result<(), End> {
        while !self.answers.is_empty() {
            let chunks = front(&mut self.answers).await?;
            self.answers.pop_front();
            write_all(&mut self.stream, chunks.into_vec(), idle).await?;
        }
        Ok(())
    }

    /// Writes the answers at the front that are ready.
    async fn write_ready(&mut self, idle: Duration) -> Result<(), End> {
        while let Some(Slot::Ready(_)) = self.answers.front() {
            let Some(Slot::Ready(chunks)) = self.answers.pop_front() else {
                break;
            };
            write_all(&mut self.stream, chunks.into_vec(), idle).await?;
        }
        Ok(())
    }
}

impl From<Refused> for End {
    fn from(refused: Refused) -> Self {
        Self::Hostile(refused.to_string())
    }
}

/// Waits for the answer at the front.
async fn front(answers: &mut VecDeque<Slot>) -> Result<Chunks, Refused> {
    std::future::poll_fn(|cx| match answers.front_mut() {
        Some(Slot::Pending(future)) => future.as_mut().poll(cx),
        Some(Slot::Ready(chunks)) => Poll::Ready(Ok(std::mem::take(chunks))),
        None => Poll::Pending,
    })
    .await
}

/// Writes chunks with as few calls as the socket lets us. A peer that takes nothing for `idle` is as silent as one that sends nothing.
async fn write_all(
    stream: &mut TcpStream,
    chunks: Vec<Bytes>,
    idle: Duration,
) -> std::io::Result<()> {
    let mut chunks: VecDeque<Bytes> = chunks.into();
    while !chunks.is_empty() {
        let slices: Vec<IoSlice<'_>> = chunks
            .iter()
            .take(WRITE_CHUNKS)
            .map(|chunk| IoSlice::new(chunk))
            .collect();
        let mut written = tokio::time::timeout(idle, stream.write_vectored(&slices)).await??;
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        while let Some(front) = chunks.front_mut() {
            if written >= front.len() {
                written -= front.len();
                chunks.pop_front();
            } else {
                front.advance(written);
                break;
            }
        }
    }
    Ok(())
}
