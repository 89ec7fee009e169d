//! Why properties have no effect yet, where many share the reason.

pub(super) const REPLICATION: &str = "replication comes later: a cluster has one node";
pub(super) const QUORUM: &str = "the quorum has one voter and nobody to talk to";
pub(super) const ELECTIONS: &str = "one node has no elections";
pub(super) const SECURITY: &str =
    "listeners are plain so far; authentication and encryption come later";
pub(super) const AUTHORIZATION: &str = "authorization comes later";
pub(super) const JAVA: &str = "plug-ins are Java classes; there is no JVM here";
pub(super) const COMPACTION: &str = "compaction comes later";
pub(super) const TIERED: &str = "tiered storage comes later";
pub(super) const TRANSACTIONS: &str = "transactions come later";
pub(super) const CONSUMER_GROUPS: &str = "the consumer group protocol comes later";
pub(super) const SHARE_GROUPS: &str = "share groups come later";
pub(super) const STREAMS_GROUPS: &str = "streams groups come later";
pub(super) const QUOTAS: &str = "quotas come later";
pub(super) const THREADS: &str = "there are no such threads; the work is done where the request is";
pub(super) const PARKED: &str = "parked requests leave as soon as they are answered";
pub(super) const METRICS: &str = "metrics are served over HTTP and have no such windows";
pub(super) const TOKENS: &str = "delegation tokens come later";
pub(super) const ONE_DIRECTORY: &str = "one directory is used";
