//! Transactions and their coordinator.
//!
//! Each row: the property, its effect here, what it is for.

use super::super::super::BrokerDoc;
use super::not_yet;
use super::reasons::TRANSACTIONS;

#[rustfmt::skip]
pub(super) const DOCS: &[BrokerDoc] = &[
    not_yet("add.partitions.to.txn.retry.backoff.max.ms", TRANSACTIONS, "Longest time, in milliseconds, that the broker itself retries to add a partition to a transaction."),
    not_yet("add.partitions.to.txn.retry.backoff.ms", TRANSACTIONS, "Milliseconds between such attempts."),
    not_yet("transaction.abort.timed.out.transaction.cleanup.interval.ms", TRANSACTIONS, "Milliseconds between looks for transactions that have timed out."),
    not_yet("transaction.max.timeout.ms", TRANSACTIONS, "Longest transaction timeout, in milliseconds, that a producer may ask for."),
    not_yet("transaction.partition.verification.enable", TRANSACTIONS, "Whether a write is checked to belong to an open transaction."),
    not_yet("transaction.remove.expired.transaction.cleanup.interval.ms", TRANSACTIONS, "Milliseconds between looks for transactional ids that have expired."),
    not_yet("transaction.state.log.load.buffer.size", TRANSACTIONS, "Bytes read at once when transactions are loaded."),
    not_yet("transaction.state.log.min.isr", TRANSACTIONS, "Replicas of `__transaction_state` that must be in sync."),
    not_yet("transaction.state.log.num.partitions", TRANSACTIONS, "Partitions of `__transaction_state`; not to be changed once it is there."),
    not_yet("transaction.state.log.replication.factor", TRANSACTIONS, "Replicas of `__transaction_state`."),
    not_yet("transaction.state.log.segment.bytes", TRANSACTIONS, "Largest segment of `__transaction_state` in bytes."),
    not_yet("transaction.two.phase.commit.enable", TRANSACTIONS, "Whether producers may take part in two-phase commit, with transactions that never time out."),
    not_yet("transactional.id.expiration.ms", TRANSACTIONS, "Milliseconds after which an unused transactional id is forgotten."),
];
