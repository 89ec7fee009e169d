//! The controller, its quorum, and the metadata log.
//!
//! Each row: the property, its effect here, what it is for.

use super::super::super::BrokerDoc;
use super::reasons::{QUORUM, REPLICATION};
use super::{honoured, not_yet};

#[rustfmt::skip]
pub(super) const DOCS: &[BrokerDoc] = &[
    not_yet("controller.listener.names", QUORUM, "Names of the listeners that controllers use."),
    not_yet("controller.quorum.append.linger.ms", QUORUM, "Milliseconds that the leader gathers writes before it flushes them."),
    not_yet("controller.quorum.auto.join.enable", QUORUM, "Whether a controller joins the voters by itself."),
    not_yet("controller.quorum.bootstrap.servers", QUORUM, "Addresses, as `host:port`, at which the quorum is looked for."),
    not_yet("controller.quorum.election.backoff.max.ms", QUORUM, "Longest wait, in milliseconds, before another election after a split vote."),
    not_yet("controller.quorum.election.timeout.ms", QUORUM, "Milliseconds that a candidate waits for votes."),
    not_yet("controller.quorum.fetch.max.bytes", QUORUM, "Bytes of the metadata log in one fetch."),
    not_yet("controller.quorum.fetch.snapshot.max.bytes", QUORUM, "Bytes of a snapshot in one fetch."),
    not_yet("controller.quorum.fetch.timeout.ms", QUORUM, "Milliseconds without a good fetch after which a voter asks for an election."),
    not_yet("controller.quorum.request.timeout.ms", QUORUM, "Milliseconds that a request between voters may take."),
    not_yet("controller.quorum.retry.backoff.ms", QUORUM, "Milliseconds between attempts of such a request."),
    not_yet("controller.quorum.voters", QUORUM, "The voters of a static quorum, as `id@host:port` between commas."),
    not_yet("controller.socket.timeout.ms", QUORUM, "Milliseconds that a broker's request to the controller may take."),
    not_yet("inter.broker.listener.name", REPLICATION, "Name of the listener that brokers reach each other at; excludes `security.inter.broker.protocol`."),
    not_yet("metadata.log.dir", "the metadata log lies beside the others", "Directory of the metadata log; the first of `log.dirs` when unset."),
    honoured("metadata.log.max.record.bytes.between.snapshots", "Bytes of metadata records after which a snapshot is written."),
    honoured("metadata.log.max.snapshot.interval.ms", "Milliseconds after which a snapshot is written if anything changed; 0 never for age."),
    honoured("metadata.log.segment.bytes", "Largest size of a metadata segment in bytes."),
    honoured("metadata.log.segment.ms", "Milliseconds after which a new metadata segment is begun."),
    not_yet("metadata.max.idle.interval.ms", "nothing is written while nothing changes", "Milliseconds of idleness after which the controller writes an empty record; 0 never."),
    honoured("metadata.max.retention.bytes", "Bytes of metadata log and snapshots before old ones are deleted."),
    honoured("metadata.max.retention.ms", "Milliseconds that metadata log and snapshots are kept."),
];
