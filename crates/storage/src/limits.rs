//! The limits of this crate.

/// Batches remembered of each producer: as many as it may have in flight.
pub const PRODUCER_BATCHES: usize = 5;
/// Bytes before a snapshot of the producers that are looked at for the batches that each sent before its last.
pub const LOOK_BACK_BYTES: u64 = 1024 * 1024;
/// Largest snapshot of producers that is read: 23 million of them.
pub const PRODUCER_SNAPSHOT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Positions of the latest batches remembered of the active segment, so that readers at the tail need no index.
pub const RECENT_BATCHES: usize = 64;
/// Bytes read at a time when headers are scanned.
pub const SCAN_BYTES: usize = 64 * 1024;
/// Batches of fewer bytes in all are read and not sent from their file: that costs less.
pub const SEND_BYTES_MIN: usize = 64 * 1024;
/// Smaller batches are read, not sent from their file: finding their ends would take a read each.
pub const SEND_BATCH_BYTES_MIN: usize = 8 * 1024;
/// Files that answers hold open beside those that are read and written: one for so many of these. Beyond it answers are read.
pub const LENT_FILES_SHARE: usize = 2;
/// A file's position must fit the index's int32.
pub const SEGMENT_BYTES_MAX: u64 = 0x7fff_ffff;
/// Largest small file (checkpoint, properties) that is read whole.
pub const SMALL_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What a batch may unpack to when its records are walked, as a multiple of its size.
///
/// Text packs to a tenth, a bomb to a thousandth: 256 KiB of bomb are given up after [`UNPACK_BYTES_MIN`], not after 256 MiB.
pub const UNPACK_FACTOR: usize = 64;
/// A small batch may always unpack to this.
pub const UNPACK_BYTES_MIN: usize = 16 * 1024 * 1024;
/// Never more than this.
pub const UNPACK_BYTES_MAX: usize = 256 * 1024 * 1024;

const _: () = assert!(UNPACK_BYTES_MIN < UNPACK_BYTES_MAX);
