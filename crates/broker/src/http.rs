//! `/healthz`, `/readyz` and `/metrics`; `/` names them.
//!
//! Healthy means that the process answers; ready means that the node serves Kafka. How many connections there may be and how slow they may
//! be is [`patience`]'s.

mod patience;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

use crate::limits::{HTTP_CONNECTIONS_MAX, HTTP_PATIENCE};
use crate::metrics::page;
use crate::node::Node;
use patience::Patient;

/// What is there, for whoever comes to `/`.
const PATHS: &str = "/healthz  the process answers
/readyz   the node serves Kafka
/metrics  figures, for Prometheus
";

/// Serves on a socket that is bound already, until the runtime ends.
pub(crate) async fn serve(
    listener: tokio::net::TcpListener,
    node: Arc<Node>,
) -> std::io::Result<()> {
    let measured = node.clone();
    let metrics = move || {
        let node = measured.clone();
        async move {
            let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            (kind, page(&node).await)
        }
    };
    let ready = move || {
        let node = node.clone();
        async move {
            if node.is_ready() {
                (StatusCode::OK, "ready\n")
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
            }
        }
    };
    let router = Router::new()
        .route("/", get(async || PATHS))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics));
    let listener = Patient::new(listener, HTTP_CONNECTIONS_MAX, HTTP_PATIENCE);
    axum::serve(listener, router).await
}

/// Binds the socket.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
