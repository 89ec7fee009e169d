//! TBD
use crate::node::Node;
use mainstem_protocol::Uuid;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::runtime::Handle;
#[derive(Debug)]
pub(crate) struct Groups {
    _h: Handle,
}
impl Groups {
    pub(crate) fn new(h: Handle) -> Self {
        Self { _h: h }
    }
    pub(crate) fn start(&self, _n: &Arc<Node>) {}
    pub(crate) fn stop(&self) {}
    pub(crate) fn topics_removed(&self, _t: &BTreeSet<Uuid>) {}
}
