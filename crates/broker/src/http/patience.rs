//! A listener whose connections are counted, and closed when they are slow: each takes a descriptor that partitions may need.
//!
//! Invariants: at most a number of connections is open, and who comes then waits to be accepted; a connection that neither asks nor takes its
//! answer for the patience is closed. A byte now and then does not help: only what is written to the peer buys it time.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a listener that cannot accept waits.
const PAUSE: Duration = Duration::from_millis(50);

/// The listener.
pub(super) struct Patient {
    listener: TcpListener,
    places: Arc<Semaphore>,
    patience: Duration,
}

/// One of its connections.
pub(super) struct Timed {
    stream: TcpStream,
    patience: Duration,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Patient {
    pub(super) fn new(listener: TcpListener, most: usize, patience: Duration) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(most)),
            patience,
        }
    }
}

impl axum::serve::Listener for Patient {
    type Io = Timed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Timed, SocketAddr) {
        loop {
            let accepted = match self.places.clone().acquire_owned().await {
                Ok(place) => self.listener.accept().await.map(|came| (came, place)),
                Err(error) => Err(io::Error::other(error)),
            };
            match accepted {
                Ok(((stream, peer), place)) => {
                    let timed = Timed {
                        stream,
                        patience: self.patience,
                        end: Box::pin(sleep(self.patience)),
                        _place: place,
                    };
                    return (timed, peer);
                }
                // A peer that is gone already, or no descriptor: the next may do better.
                Err(error) => {
                    tracing::debug!(%error, "an HTTP connection could not be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Timed {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    /// What was written counts; a peer that takes nothing runs out of time.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.end = Box::pin(sleep_until(Instant::now() + self.patience));
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => match self.check(cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
        }
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    //! Peers that are silent, that trickle, and that do not read.

    use std::pin::pin;
    use std::task::Waker;

    use axum::Router;
    use axum::routing::get;
    use axum::serve::Listener;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn listener(most: usize, patience: Duration) -> (Patient, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Patient::new(listener, most, patience), address)
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_waits() {
        let (mut patient, address) = listener(1, Duration::from_secs(60)).await;
        let _silent = TcpStream::connect(address).await.unwrap();
        let (first, _) = patient.accept().await;
        let _next = TcpStream::connect(address).await.unwrap();
        let mut accepts = pin!(patient.accept());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(accepts.as_mut().poll(&mut cx).is_pending());
        drop(first);
        accepts.await;
    }

    #[tokio::test]
    async fn a_peer_that_does_not_get_on_is_closed_and_its_place_is_free() {
        // Silent; a byte now and then; what it asked for is not read.
        for sends in ["", "GGGGGGGG", "GET /large HTTP/1.1\r\nHost: node\r\n\r\n"] {
            let (patient, address) = listener(1, Duration::from_millis(100)).await;
            let large = "x".repeat(64 << 20);
            let router = Router::new()
                .route("/", get(async || "ok"))
                .route("/large", get(async || large));
            let server = tokio::spawn(async move { axum::serve(patient, router).await });
            let mut slow = TcpStream::connect(address).await.unwrap();
            slow.write_all(sends.as_bytes()).await.unwrap();
            let trickles = sends.starts_with("GG");
            let trickle = tokio::spawn(async move {
                while trickles && slow.write_all(b"G").await.is_ok() {
                    sleep(Duration::from_millis(5)).await;
                }
                slow
            });
            let mut asks = TcpStream::connect(address).await.unwrap();
            let request = b"GET / HTTP/1.1\r\nHost: node\r\n\r\n";
            asks.write_all(request).await.unwrap();
            let mut answer = [0; 15];
            let answered = asks.read_exact(&mut answer);
            let answered = tokio::time::timeout(Duration::from_secs(20), answered);
            answered.await.expect(sends).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
            trickle.await.unwrap();
            server.abort();
        }
    }
}
