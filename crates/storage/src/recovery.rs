//! From the bytes in a directory to a log.
//!
//! After a clean stop nothing is scanned: indexes are loaded and checked. Otherwise every segment from the one that holds the recovery
//! point on is read batch by batch; the first batch that is cut, damaged or out of order ends the log, the file is cut there and later
//! segments are dropped. Nothing that was acknowledged as durable lies behind such a place: it was synced, with everything before it.
//! Damage below the recovery point is no torn tail, since that was synced once: nothing behind it goes for its sake.
//! A recovery point is written (durably) before segments are deleted, so that a half-undone deletion is told from a lost tail.
//! Recovery may itself be cut short at any point; the next one starts from the same bytes or fewer torn ones.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstem_protocol::batch::{BatchError, BatchHeader};

use crate::LogConfig;
use crate::disk::{Disk, DiskFile};
use crate::leader_epochs::LeaderEpochs;
use crate::limits::SMALL_FILE_BYTES_MAX;
use crate::log::Log;
use crate::producers::Producers;
use crate::scan::{Found, HeaderScan, read_exact};
use crate::segment::{Segment, file_name, paths};
use crate::transactions::Transactions;

/// What is known about a log before it is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenMode {
    /// The last stop was clean.
    pub clean: bool,
    /// Everything below is known to be sound.
    pub recovery_point: i64,
    /// First offset to keep.
    pub log_start: i64,
    /// A damaged batch with a sound one behind it is no torn tail: fail instead of cutting.
    pub refuse_damage: bool,
}

/// What was repaired while opening a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Directory of the log.
    pub dir: PathBuf,
    /// Bytes that were cut off.
    pub cut_bytes: u64,
    /// The log end after the cut.
    pub at_offset: i64,
    /// What was wrong with the first batch that was cut.
    pub what: String,
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk failed.
    #[error("{}: {cause}", dir.display())]
    Disk {
        /// Directory of the log.
        dir: PathBuf,
        /// What the disk said.
        cause: io::Error,
    },
}

/// Numbers of the segments and snapshots in a directory, after leftovers were cleared away.
struct Listing {
    segments: Vec<i64>,
    snapshots: Vec<i64>,
    transactions: Vec<i64>,
}

/// A scanned segment, the offset behind its last good batch, and what was cut: bytes and reason.
type Scanned = (Segment, i64, Option<(u64, BatchError)>);

fn list(disk: &dyn Disk, dir: &Path) -> io::Result<Listing> {
    let mut listing = Listing {
        segments: Vec::new(),
        snapshots: Vec::new(),
        transactions: Vec::new(),
    };
    let entries = disk.list(dir)?;
    if let Some(half) = entries.iter().find(|entry| entry.name.ends_with(".swap")) {
        let what = format!(
            "{}: Apache Kafka was stopped while it replaced segments by this; it must finish that first",
            half.name
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    for entry in entries {
        let path = dir.join(&entry.name);
        let leftover = [".deleted", ".cleaned", ".tmp"]
            .iter()
            .any(|suffix| entry.name.ends_with(suffix));
        if leftover && !entry.is_dir {
            disk.remove_file(&path)?;
            continue;
        }
        let Some((stem, extension)) = entry.name.split_once('.') else {
            continue;
        };
        let (Ok(base), 20) = (stem.parse::<i64>(), stem.len()) else {
            continue;
        };
        match extension {
            "log" => listing.segments.push(base),
            "snapshot" => listing.snapshots.push(base),
            "txnindex" => listing.transactions.push(base),
            _ => {}
        }
    }
    listing.segments.sort_unstable();
    listing.snapshots.sort_unstable();
    Ok(listing)
}

impl Log {
    /// Opens the log in `dir`, which is made if it is not there. `Repair` says what had to be cut.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        config: LogConfig,
        mode: OpenMode,
        now_ms: i64,
    ) -> Result<(Self, Option<Repair>), OpenError> {
        Self::open_inner(disk, &dir, config, mode, now_ms)
            .map_err(|cause| OpenError::Disk { dir, cause })
    }

    fn open_inner(
        disk: Arc<dyn Disk>,
        dir: &Path,
        config: LogConfig,
        mode: OpenMode,
        now_ms: i64,
    ) -> io::Result<(Self, Option<Repair>)> {
        let is_new = match disk.list(dir) {
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error),
        };
        if is_new {
            disk.create_dir(dir)?;
        }
        let listing = list(&*disk, dir)?;
        let epochs = LeaderEpochs::load(&*disk, dir)?;
        let mut log = Self {
            dir: dir.into(),
            config,
            segments: Vec::new(),
            log_start: mode.log_start,
            log_end: mode.log_start,
            durable_end: 0,
            producers: Producers::default(),
            transactions: Transactions::default(),
            epochs,
            poison: None,
            unsynced: Vec::new(),
            names_unsynced: true,
            dir_unsynced: true,
            roll_begun: false,
            jitter_seed: jitter_seed(dir),
            undurable_bytes: 0,
            disk,
        };
        let repair = log.load_segments(&listing, mode, now_ms)?;
        // What lies behind the recovery point was found in the page cache: nobody knows whether it is on the disk.
        log.durable_end = mode.recovery_point.clamp(log.log_start, log.log_end);
        if mode.clean {
            log.durable_end = log.log_end;
            (log.names_unsynced, log.dir_unsynced) = (false, false);
        }
        log.epochs.cut_end(log.log_end);
        log.epochs.cut_start(log.log_start);
        log.transactions =
            Transactions::load(&*log.disk, &log.dir, &listing.transactions, log.log_end)?;
        log.load_producers(&listing.snapshots)?;
        Ok((log, repair))
    }

    fn load_segments(
        &mut self,
        listing: &Listing,
        mode: OpenMode,
        now_ms: i64,
    ) -> io::Result<Option<Repair>> {
        let mut repair: Option<Repair> = None;
        let mut bases = listing.segments.iter().copied().peekable();
        while let Some(base) = bases.next() {
            if let Some(repair) = &mut repair {
                // Everything behind a cut goes.
                let [log, ..] = paths(&self.dir, base);
                repair.cut_bytes += self.disk.open(&log, false)?.length()?;
                self.remove_segment(base)?;
                continue;
            }
            // A hole before this segment: the end of the one before was never synced and is lost, so what follows was not durable
            // either. Compacted logs have holes of their own.
            let hole = base > self.log_end && !self.segments.is_empty();
            if hole && !mode.clean && !self.config.compact && base > mode.recovery_point {
                let [log, ..] = paths(&self.dir, base);
                let cut_bytes = self.disk.open(&log, false)?.length()?;
                let what = format!("the batches before offset {base} are missing");
                repair = Some(Repair {
                    dir: self.dir.to_path_buf(),
                    cut_bytes,
                    at_offset: self.log_end,
                    what,
                });
                self.remove_segment(base)?;
                continue;
            }
            // A hole below the recovery point: everything there was durable, so the segments before the hole had been deleted, and
            // the crash undid only some of that. The rest goes now.
            if hole && !mode.clean && !self.config.compact {
                for gone in std::mem::take(&mut self.segments) {
                    self.remove_segment(gone.base_offset)?;
                }
            }
            let next = bases.peek().copied();
            let (segment, end, cut) = self.load_segment(base, next, mode, now_ms)?;
            self.log_end = end.max(self.log_end);
            if !mode.clean && next.is_none_or(|next| next > mode.recovery_point) {
                // Nothing says that this one was synced: it was found in the page cache, which the next power cut takes. The first
                // sync covers all of them, not only the last.
                let files = [&segment.file, &segment.offsets.file, &segment.times.file];
                self.unsynced.extend(files.map(Arc::clone));
            }
            if let Some((cut_bytes, what)) = cut {
                let at_offset = end;
                repair = Some(Repair {
                    dir: self.dir.to_path_buf(),
                    cut_bytes,
                    at_offset,
                    what: what.to_string(),
                });
            }
            self.segments.push(segment);
        }
        if self
            .segments
            .first()
            .is_some_and(|first| first.base_offset > self.log_start)
        {
            self.log_start = self.segments.first().map_or(0, |first| first.base_offset);
        }
        self.log_end = self.log_end.max(self.log_start);
        if self.segments.is_empty() {
            let segment = Segment::create(&*self.disk, &self.dir, self.log_end, now_ms)?;
            self.segments.push(segment);
        }
        Ok(repair)
    }

    /// Opens a segment, or scans it when it must be scanned.
    fn load_segment(
        &mut self,
        base: i64,
        next: Option<i64>,
        mode: OpenMode,
        now_ms: i64,
    ) -> io::Result<Scanned> {
        let holds_recovery_point = next.is_none_or(|next| next > mode.recovery_point);
        if (mode.clean || !holds_recovery_point)
            && let Some(segment) = Segment::open(&*self.disk, &self.dir, base, now_ms)?
        {
            match (end_of(&segment)?, next) {
                (Some(end), _) => return Ok((segment, end, None)),
                // A segment before the last is believed: what follows it must not go for its sake, nor what comes before it. Who
                // reads the damaged place is told.
                (None, Some(next)) => return Ok((segment, next, None)),
                (None, None) => {}
            }
        }
        self.scan_segment(base, next, mode, now_ms)
    }

    pub(crate) fn remove_segment(&self, base: i64) -> io::Result<()> {
        for path in paths(&self.dir, base) {
            match self.disk.remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads a segment batch by batch and makes its indexes anew; cuts it at the first bad one. Returns the offset behind the last
    /// good batch, and what was cut.
    fn scan_segment(
        &mut self,
        base: i64,
        next: Option<i64>,
        mode: OpenMode,
        now_ms: i64,
    ) -> io::Result<Scanned> {
        let (mut segment, length) = Segment::open_bare(&*self.disk, &self.dir, base, now_ms)?;
        let file = segment.file.clone();
        let mut scan = HeaderScan::new(&*file, 0, length);
        let mut end = base;
        let bad = loop {
            let (position, what, is_whole) = match scan.next()? {
                Found::End => break None,
                Found::Bad(position, what) => (position, what, false),
                Found::Batch(position, header) => {
                    let batch = scan.batch(position, &header)?;
                    match header.check_crc(&batch) {
                        Err(what) => (position, what, false),
                        Ok(()) if header.base_offset < end || header.last_offset_delta < 0 => {
                            let length = header.last_offset_delta;
                            // The checksum does not cover the base offset.
                            let is_whole = header.base_offset < end;
                            (position, BatchError::Length { length }, is_whole)
                        }
                        Ok(()) => {
                            self.epochs.assign(header.leader_epoch, header.base_offset);
                            segment.note(&header, self.config.index_interval_bytes);
                            end = header.next_offset();
                            continue;
                        }
                    }
                }
            };
            let was_synced = mode.clean || end < mode.recovery_point;
            if let (Some(next), true) = (next, was_synced && !mode.refuse_damage) {
                // As for one that needs no scan: who reads the damaged place is told.
                segment.size = length;
                segment.store_indexes()?;
                return Ok((segment, next, None));
            }
            let refuse = mode.refuse_damage || was_synced;
            if refuse && (is_whole || has_sound_batch(&*file, position, length, end)?) {
                return Err(damaged(base, position, &what));
            }
            break Some(what);
        };
        let cut = match bad {
            Some(what) => {
                file.set_length(segment.size)?;
                file.sync()?;
                Some((length - segment.size, what))
            }
            None => None,
        };
        // Those of the active segment are written when it closes. Written now they would have to be synced, for each partition.
        if next.is_some() {
            segment.store_indexes()?;
        }
        Ok((segment, end, cut))
    }
}

fn damaged(base: i64, position: u64, what: &BatchError) -> io::Error {
    let name = file_name(base, "log");
    let what = format!("{name}, byte {position}: {what}, and sound batches follow");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Whether behind a damaged place there is, at any byte, a batch whose checksum fits and that may follow offset `end`: then it is no torn
/// tail. As many bytes as a small file may have are looked at.
fn has_sound_batch(file: &dyn DiskFile, from: u64, length: u64, end: i64) -> io::Result<bool> {
    let left = length.saturating_sub(from).min(SMALL_FILE_BYTES_MAX);
    let bytes = read_exact(file, from, usize::try_from(left).unwrap_or(0))?;
    let sound = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        let Ok(header) = BatchHeader::parse(rest) else {
            return false;
        };
        let whole = rest.get(..header.size_in_bytes());
        header.base_offset >= end && whole.is_some_and(|whole| header.check_crc(whole).is_ok())
    };
    Ok((1..bytes.len()).any(sound))
}

/// The offset behind the last batch of a segment; `None` when its end is no whole batch.
fn end_of(segment: &Segment) -> io::Result<Option<i64>> {
    let mut scan = HeaderScan::new(
        &*segment.file,
        segment.position_before(i64::MAX),
        segment.size,
    );
    let mut end = segment.base_offset;
    loop {
        match scan.next()? {
            Found::Batch(_, header) => end = header.next_offset(),
            Found::End => return Ok(Some(end)),
            Found::Bad(..) => return Ok(None),
        }
    }
}

/// Where this log stands in the jitter of all: the same at every start, since it comes from the directory's name.
fn jitter_seed(dir: &Path) -> u32 {
    let bytes = dir.as_os_str().as_encoded_bytes().iter();
    bytes.fold(17, |seed: u32, byte| {
        seed.wrapping_mul(31).wrapping_add(u32::from(*byte))
    })
}
