//! What a handler knows of its request, and how it answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use mainstem_protocol::Str;

use crate::budget::AnswerBudget;
use crate::metrics::CoreCounters;
use crate::node::Node;

/// Who asks, and whom.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// The node.
    pub(crate) node: Arc<Node>,
    /// The core that serves the connection.
    pub(crate) core: usize,
    /// Version of the request.
    pub(crate) version: i16,
    /// What the client calls itself.
    pub(crate) client_id: Option<Str>,
    /// Where it comes from, in Kafka's form: `/127.0.0.1`.
    pub(crate) client_host: Str,
    /// What the answer may take while it is made.
    pub(crate) answer: Arc<AnswerBudget>,
}

impl RequestContext {
    /// What this core counts.
    pub(crate) fn counters(&self) -> &CoreCounters {
        self.node.metrics.core(self.core)
    }
}

/// A future that owns what it needs.
pub(crate) type Boxed<R> = Pin<Box<dyn Future<Output = R> + Send>>;

/// An answer in two stages: what must happen in the order of requests has happened; what is left is waiting.
pub(crate) enum Staged<R> {
    /// The answer.
    Ready(R),
    /// The answer, later. The next request of the connection is handled meanwhile.
    Pending(Boxed<R>),
    /// No answer is wanted (acks = 0).
    Silent,
    /// The connection must be closed: acks = 0 and something went wrong, as Apache Kafka does.
    Close,
}

impl<R: 'static> Staged<R> {
    /// Waits for a future.
    pub(crate) fn pending(future: impl Future<Output = R> + Send + 'static) -> Self {
        Self::Pending(Box::pin(future))
    }
}
