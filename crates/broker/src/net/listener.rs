//! The listener, and dealing connections out to the cores.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::connection::serve;
use crate::node::Node;

/// A socket that listens but is not served yet.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) listener: std::net::TcpListener,
    pub(crate) address: SocketAddr,
}

/// Binds a host and port.
pub(crate) fn bind(host: &str, port: u16, backlog: i64) -> std::io::Result<Bound> {
    use socket2::{Domain, Protocol, Socket, Type};
    use std::net::ToSocketAddrs;
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let wanted = (host, port).to_socket_addrs()?.next();
    let wanted = wanted.ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address")
    })?;
    let socket = Socket::new(
        Domain::for_address(wanted),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.bind(&wanted.into())?;
    // Kafka's default of 50 drops connections when thousands of clients come back at once.
    socket.listen(i32::try_from(backlog).unwrap_or(50).max(1_024))?;
    let listener: std::net::TcpListener = socket.into();
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok(Bound { listener, address })
}

/// Accepts until told to stop; each connection goes to the next core and stays there.
pub(crate) async fn accept(
    node: Arc<Node>,
    bound: Bound,
    cores: Vec<Handle>,
    mut closing: watch::Receiver<bool>,
) {
    let listener = match tokio::net::TcpListener::from_std(bound.listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the listener cannot be served");
            return;
        }
    };
    let mut next = 0;
    loop {
        let accepted = tokio::select! {
            accepted = async {
                let accepted = listener.accept().await;
                // At `max.connections` the first who comes waits here and the others in the backlog, as with Apache Kafka.
                node.connections.room().await;
                accepted
            } => accepted,
            _ = closing.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(open) = node.connections.enter(peer.ip()) else {
                    if let Some(more) = node.connections.warnings.may_say(Instant::now()) {
                        tracing::info!(%peer, more, "a peer with max.connections.per.ip open was turned away");
                    }
                    continue;
                };
                let _ = stream.set_nodelay(true);
                // A peer that is gone without a word is found out in the end.
                let _ = socket2::SockRef::from(&stream).set_keepalive(true);
                let Ok(stream) = stream.into_std() else {
                    continue;
                };
                let at = next % cores.len().max(1);
                let Some(core) = cores.get(at) else {
                    return;
                };
                next = next.wrapping_add(1);
                let place = (node.clone(), at);
                core.spawn(serve(place, stream, open, peer, closing.clone()));
            }
            Err(error) => {
                // Out of descriptors: wait for some to close instead of spinning.
                if let Some(more) = node.connections.warnings.may_say(Instant::now()) {
                    tracing::warn!(%error, more, "a connection could not be accepted");
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}
