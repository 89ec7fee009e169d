//! What every property is for, in a file for each area, and whether it has its effect here.

mod group;
mod log;
mod network;
mod node;
mod quorum;
mod reasons;
mod replication;
mod security;
mod share;
mod tiered;
mod topic;
mod transaction;

pub(in super::super) use topic::TOPIC_DOCS;

use super::super::{BrokerDoc, Served};

/// The broker properties by area, each sorted by name.
pub(in super::super) const BROKER_DOCS: &[(&str, &[BrokerDoc])] = &[
    ("node", node::DOCS),
    ("log", log::DOCS),
    ("network", network::DOCS),
    ("group", group::DOCS),
    ("share", share::DOCS),
    ("transaction", transaction::DOCS),
    ("replication", replication::DOCS),
    ("quorum", quorum::DOCS),
    ("tiered", tiered::DOCS),
    ("security", security::DOCS),
];

const fn honoured(name: &'static str, text: &'static str) -> BrokerDoc {
    BrokerDoc {
        name,
        served: Served::Yes,
        text,
    }
}

const fn not_yet(name: &'static str, why: &'static str, text: &'static str) -> BrokerDoc {
    BrokerDoc {
        name,
        served: Served::NotYet(why),
        text,
    }
}
