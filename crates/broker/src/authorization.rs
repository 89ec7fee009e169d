//! What a client may do. There is no authorizer yet, so everybody may do everything that a resource knows, as in an Apache Kafka without
//! one. The bits are those of `AclOperation` (KIP-430).

/// What is said when nobody asked.
pub(crate) const NOT_ASKED: i32 = i32::MIN;
/// Read, write, create, delete, alter, describe, describe and alter configurations.
pub(crate) const TOPIC: i32 =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
/// Read, delete, describe, describe and alter configurations.
pub(crate) const GROUP: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
/// Create, alter, describe, cluster action, describe and alter configurations, idempotent write.
pub(crate) const CLUSTER: i32 = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

/// The bits, when they were asked for.
pub(crate) fn asked(asked: bool, operations: i32) -> i32 {
    if asked { operations } else { NOT_ASKED }
}
