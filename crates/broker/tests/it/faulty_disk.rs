//! A disk that is full or fails while the node runs: what cannot be kept is refused, everything else goes on, and what was acknowledged is
//! there after the next start.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mainstem_broker::disk::{Disk, DiskFile, Entry, RealDisk, no_descriptor};
use mainstem_broker::{NodeConfig, RunningNode, start};
use mainstem_protocol::batch::{BatchBuilder, BatchOptions};
use mainstem_protocol::messages::create_topics_request::CreatableTopic;
use mainstem_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use mainstem_protocol::messages::{
    CreateTopicsRequest, DeleteRecordsRequest, FindCoordinatorRequest, HeartbeatRequest,
    ListOffsetsRequest, OffsetCommitRequest, ProduceRequest, list_offsets_request,
};
use mainstem_protocol::{ErrorCode, Request};

use super::power::delete_records_request;
use super::power::set_config;
use super::serving::{fetch_request, fetched};
use super::wire::{
    Wire, batch, code, config, node, produce, produce_request, request_bytes, topic,
};

/// What fails, of which files.
#[derive(Debug, Default)]
struct Fault {
    /// Part of the paths; nothing fails while it is `None`.
    of: Mutex<Option<&'static str>>,
    syncs_only: AtomicBool,
    /// Syncs do not fail; they wait until they are let go.
    holds_syncs: AtomicBool,
    held: Mutex<bool>,
    let_go: Condvar,
    /// There is no descriptor to open anything with, and all else goes on.
    descriptors_only: AtomicBool,
    /// How often that was met.
    missed: AtomicUsize,
}

impl Fault {
    fn hits(&self, path: &Path) -> bool {
        let of = *self.of.lock().unwrap();
        of.is_some_and(|of| path.to_string_lossy().contains(of))
    }

    /// Whether there is a descriptor.
    fn check_open(&self, path: &Path) -> io::Result<()> {
        if self.hits(path) && self.descriptors_only.load(Ordering::Relaxed) {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return Err(no_descriptor());
        }
        Ok(())
    }

    fn check(&self, path: &Path, is_sync: bool) -> io::Result<()> {
        let hit = self.hits(path) && !self.descriptors_only.load(Ordering::Relaxed);
        if self.holds_syncs.load(Ordering::Relaxed) {
            if hit && is_sync {
                let held = self.held.lock().unwrap();
                drop(self.let_go.wait_while(held, |held| *held).unwrap());
            }
            return Ok(());
        }
        if hit && (is_sync || !self.syncs_only.load(Ordering::Relaxed)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

/// The real disk, but for a fault.
#[derive(Debug, Clone)]
struct FaultyDisk(Arc<Fault>);

#[derive(Debug)]
struct FaultyFile {
    file: Arc<dyn DiskFile>,
    path: std::path::PathBuf,
    fault: Arc<Fault>,
}

impl DiskFile for FaultyFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, head: &[u8], tail: &[u8]) -> io::Result<()> {
        if let Err(error) = self.fault.check(&self.path, false) {
            // As on a disk that is nearly full: the first part fits.
            self.file.write_at(offset, &head[..head.len() / 2], &[])?;
            return Err(error);
        }
        self.file.write_at(offset, head, tail)
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn modified_ms(&self) -> io::Result<i64> {
        self.file.modified_ms()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.fault.check(&self.path, true)?;
        self.file.sync()
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn DiskFile>> {
        self.0.check_open(path)?;
        if create && RealDisk.open(path, false).is_err() {
            self.0.check(path, false)?;
        }
        Ok(Arc::new(FaultyFile {
            file: RealDisk.open(path, create)?,
            path: path.to_owned(),
            fault: self.0.clone(),
        }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.check(path, false)?;
        RealDisk.create_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.0.check_open(path)?;
        RealDisk.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.check_open(path)?;
        self.0.check(path, true)?;
        RealDisk.sync_dir(path)
    }
}

struct Setting {
    dir: tempfile::TempDir,
    fault: Arc<Fault>,
    node: RunningNode,
    wire: Wire,
}

/// A node with ten records in each of two topics.
fn setting() -> Setting {
    setting_with(&[])
}

fn setting_with(options: &[&str]) -> Setting {
    let dir = tempfile::tempdir().unwrap();
    let fault = Arc::new(Fault::default());
    let node = start(NodeConfig {
        disk: Some(Arc::new(FaultyDisk(fault.clone()))),
        ..config(dir.path(), options)
    })
    .unwrap();
    let mut wire = Wire::to(&node);
    for name in ["orders", "others"] {
        topic(&mut wire, name);
        for value in 0..10_u8 {
            let answer = produce(&mut wire, name, batch(&[value; 50]));
            assert_eq!(code(&answer), ErrorCode::None);
        }
    }
    Setting {
        dir,
        fault,
        node,
        wire,
    }
}

impl Setting {
    fn fail(&self, of: &'static str, syncs_only: bool) {
        self.fault.syncs_only.store(syncs_only, Ordering::Relaxed);
        *self.fault.of.lock().unwrap() = Some(of);
    }

    fn try_produce(&mut self, topic: &str) -> ErrorCode {
        code(&produce(&mut self.wire, topic, batch(b"more")))
    }

    fn orders(&mut self) -> (i64, Bytes) {
        let (error, high_watermark, records) = fetched(&self.wire.ask(12, &fetch_request(0, 0)));
        assert_eq!(error, ErrorCode::None);
        (high_watermark, Bytes::from(records))
    }

    /// Waits until so many times there was no descriptor.
    fn wait_until_missed(&self, times: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.fault.missed.load(Ordering::Relaxed) < times {
            assert!(Instant::now() < deadline, "nobody tries");
            std::thread::yield_now();
        }
    }

    /// Stops as well as it can be done, and finds what was acknowledged.
    fn check_restart(self, before: &Bytes) {
        let _ = self.node.stop();
        *self.fault.of.lock().unwrap() = None;
        let again = node(self.dir.path());
        let mut wire = Wire::to(&again);
        let (_, high_watermark, records) = fetched(&wire.ask(12, &fetch_request(0, 0)));
        assert!(high_watermark >= 10 && records.starts_with(before));
        let answer = produce(&mut wire, "orders", batch(b"again"));
        assert_eq!(
            (code(&answer), answer.base_offset),
            (ErrorCode::None, high_watermark)
        );
        again.stop().unwrap();
    }
}

#[test]
fn a_partition_whose_disk_is_full_is_read_and_the_others_go_on() {
    for syncs_only in [false, true] {
        let mut at = setting();
        let before = at.orders();
        at.fail("orders-0", syncs_only);
        assert_eq!(at.try_produce("orders"), ErrorCode::KafkaStorageError);
        assert_eq!(at.try_produce("orders"), ErrorCode::KafkaStorageError);
        assert_eq!(at.try_produce("others"), ErrorCode::None);
        assert_eq!(at.orders(), before, "reads go on, and show nothing new");
        at.check_restart(&before.1);
    }
}

#[test]
fn topics_cannot_be_made_while_the_metadata_log_cannot_be_written_and_the_rest_goes_on() {
    for syncs_only in [false, true] {
        let mut at = setting();
        let before = at.orders();
        at.fail("__cluster_metadata", syncs_only);
        let request = || CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: "new".into(),
                num_partitions: 1,
                replication_factor: 1,
                ..CreatableTopic::default()
            }],
            timeout_ms: 5_000,
            ..CreateTopicsRequest::default()
        };
        for _ in 0..2 {
            let answer = at.wire.ask(7, &request());
            assert_eq!(
                ErrorCode::from_code(answer.topics[0].error_code),
                ErrorCode::KafkaStorageError
            );
        }
        assert_eq!(at.try_produce("orders"), ErrorCode::None);
        assert!(at.orders().1.starts_with(&before.1));
        at.check_restart(&before.1);
    }
}

#[test]
fn a_group_whose_offsets_cannot_be_kept_is_told() {
    for syncs_only in [false, true] {
        let mut at = setting();
        let coordinator = FindCoordinatorRequest {
            key: "billing".into(),
            ..FindCoordinatorRequest::default()
        };
        assert_eq!(at.wire.ask(3, &coordinator).error_code, 0);
        let commit = |at: &mut Setting| {
            let request = OffsetCommitRequest {
                group_id: "billing".into(),
                generation_id_or_member_epoch: -1,
                topics: vec![OffsetCommitRequestTopic {
                    name: "orders".into(),
                    partitions: vec![OffsetCommitRequestPartition {
                        committed_offset: 3,
                        committed_leader_epoch: -1,
                        ..OffsetCommitRequestPartition::default()
                    }],
                    ..OffsetCommitRequestTopic::default()
                }],
                ..OffsetCommitRequest::default()
            };
            let answer = at.wire.ask(8, &request);
            ErrorCode::from_code(answer.topics[0].partitions[0].error_code)
        };
        assert_eq!(commit(&mut at), ErrorCode::None);
        let before = at.orders();
        at.fail("__consumer_offsets", syncs_only);
        for _ in 0..3 {
            assert_ne!(commit(&mut at), ErrorCode::None);
        }
        // What needs no record is answered as well, one way or the other.
        let beat = HeartbeatRequest {
            group_id: "billing".into(),
            ..HeartbeatRequest::default()
        };
        assert_ne!(at.wire.ask(4, &beat).error_code, 0);
        assert_eq!(at.try_produce("orders"), ErrorCode::None);
        at.check_restart(&before.1);
    }
}

#[test]
fn a_disk_on_which_nothing_goes_any_more_is_still_read() {
    let mut at = setting();
    let before = at.orders();
    at.fail("/", false);
    assert_eq!(at.try_produce("orders"), ErrorCode::KafkaStorageError);
    assert_eq!(at.try_produce("others"), ErrorCode::KafkaStorageError);
    assert_eq!(at.orders(), before);
    let metadata = topic(&mut at.wire, "orders");
    assert_eq!(metadata.topics[0].error_code, 0);
    at.check_restart(&before.1);
}

#[test]
fn without_room_for_a_snapshot_the_log_of_metadata_goes_on() {
    let mut at = setting_with(&["metadata.log.max.record.bytes.between.snapshots=1"]);
    let before = at.orders().1;
    at.fail(".checkpoint.tmp", false);
    // The controller answers before it writes a snapshot, and decides again after it.
    for name in ["more", "still-more"] {
        topic(&mut at.wire, name);
        assert_eq!(at.try_produce(name), ErrorCode::None);
    }
    at.check_restart(&before);
}

impl Setting {
    /// Appends a record that is acknowledged before it is synced.
    fn produce_unsynced(&mut self, timestamp: i64) -> i64 {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(timestamp, None, Some(b"unsynced"), &[]);
        let request = ProduceRequest {
            acks: 1,
            ..produce_request("orders", builder.build().unwrap())
        };
        let answer = self.wire.ask(9, &request);
        let answer = &answer.responses[0].partition_responses[0];
        assert_eq!(code(answer), ErrorCode::None);
        answer.base_offset
    }

    /// Asks while the sync is held, and lets it go when others were served meanwhile.
    fn ask_before_sync<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.wire.send(&request_bytes(version, request));
        let mut other = Wire::to(&self.node);
        for _ in 0..50 {
            topic(&mut other, "others");
        }
        self.hold_syncs(false);
        let answer = self.wire.answer(version, request);
        self.hold_syncs(true);
        answer
    }

    fn hold_syncs(&self, hold: bool) {
        *self.fault.held.lock().unwrap() = hold;
        self.fault.let_go.notify_all();
        self.fault.holds_syncs.store(true, Ordering::Relaxed);
        *self.fault.of.lock().unwrap() = Some("orders-0");
    }

    fn offset_by_time(&mut self, timestamp: i64, isolation_level: i8) -> i64 {
        let partition = list_offsets_request::ListOffsetsPartition {
            timestamp,
            ..Default::default()
        };
        let request = ListOffsetsRequest {
            replica_id: -1,
            isolation_level,
            topics: vec![list_offsets_request::ListOffsetsTopic {
                name: "orders".into(),
                partitions: vec![partition],
            }],
            ..ListOffsetsRequest::default()
        };
        self.ask_before_sync(7, &request).topics[0].partitions[0].offset
    }
}

fn now_ms() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[test]
fn what_was_acknowledged_before_its_sync_is_found_by_time() {
    let mut at = setting();
    at.hold_syncs(true);
    let mut timestamp = now_ms();
    for isolation_level in [0, 1] {
        for by in [None, Some(-3), Some(-1)] {
            timestamp += 1;
            let offset = at.produce_unsynced(timestamp);
            let found = at.offset_by_time(by.unwrap_or(timestamp), isolation_level);
            let expected = offset + i64::from(by == Some(-1));
            assert_eq!(found, expected, "{by:?}, isolation {isolation_level}");
        }
    }
    at.hold_syncs(false);
    at.node.stop().unwrap();
}

#[test]
fn what_was_acknowledged_before_its_sync_is_deleted() {
    let mut at = setting();
    at.hold_syncs(true);
    for upto_end in [false, true] {
        let end = at.produce_unsynced(now_ms()) + 1;
        let request = delete_records_request("orders", if upto_end { -1 } else { end });
        let answer = at.ask_before_sync(2, &request);
        assert_eq!(answer.topics[0].partitions[0].low_watermark, end);
    }
    // Who does not want to wait is told so.
    let end = at.produce_unsynced(now_ms()) + 1;
    let request = DeleteRecordsRequest {
        timeout_ms: 0,
        ..delete_records_request("orders", end)
    };
    let answer = at.wire.ask(2, &request).topics[0].partitions[0].clone();
    let timed_out = ErrorCode::RequestTimedOut.code();
    assert_eq!((answer.low_watermark, answer.error_code), (-1, timed_out));
    at.hold_syncs(false);
    at.node.stop().unwrap();
}

#[test]
fn a_partition_for_which_there_is_no_descriptor_takes_records_again_when_there_is_one() {
    let mut at = setting();
    at.fault.descriptors_only.store(true, Ordering::Relaxed);
    set_config(&mut at.wire, "orders", "segment.bytes", "1048576");
    topic(&mut at.wire, "late");
    let large = || batch(&vec![1; 600_000]);
    assert_eq!(
        code(&produce(&mut at.wire, "orders", large())),
        ErrorCode::None
    );
    let before = at.orders();
    // Another segment cannot be begun: nothing was written, and the client may send it again.
    at.fail("orders-0", false);
    let refused = produce(&mut at.wire, "orders", large());
    assert_eq!(code(&refused), ErrorCode::KafkaStorageError);
    assert_eq!(at.try_produce("others"), ErrorCode::None);
    assert_eq!(at.orders(), before);
    *at.fault.of.lock().unwrap() = None;
    assert_eq!(
        code(&produce(&mut at.wire, "orders", large())),
        ErrorCode::None
    );
    // The names of a new partition cannot be synced: who waits for that waits until they can.
    at.fail("late-0", false);
    let missed = at.fault.missed.load(Ordering::Relaxed);
    let request = produce_request("late", batch(b"more"));
    let mut waits = Wire::to(&at.node);
    waits.send(&request_bytes(9, &request));
    at.wait_until_missed(missed + 3);
    assert_eq!(at.try_produce("others"), ErrorCode::None);
    *at.fault.of.lock().unwrap() = None;
    let answer = waits.answer(9, &request);
    let answer = &answer.responses[0].partition_responses[0];
    assert_eq!((code(answer), answer.base_offset), (ErrorCode::None, 0));
    drop(waits);
    at.check_restart(&before.1);
}

#[test]
fn a_stop_does_not_wait_for_descriptors_that_do_not_come() {
    let mut at = setting();
    at.fault.descriptors_only.store(true, Ordering::Relaxed);
    topic(&mut at.wire, "late");
    let before = at.orders();
    at.fail("late-0", false);
    let mut waits = Wire::to(&at.node);
    waits.send(&request_bytes(9, &produce_request("late", batch(b"more"))));
    at.wait_until_missed(1);
    at.check_restart(&before.1);
}

#[test]
fn a_topic_that_is_made_while_there_is_no_descriptor_is_there_when_there_is_one() {
    let mut at = setting();
    at.fault.descriptors_only.store(true, Ordering::Relaxed);
    at.fail("late-0", false);
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: "late".into(),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    let mut waits = Wire::to(&at.node);
    waits.send(&request_bytes(7, &request));
    at.wait_until_missed(2);
    assert_eq!(at.try_produce("others"), ErrorCode::None);
    *at.fault.of.lock().unwrap() = None;
    assert_eq!(waits.answer(7, &request).topics[0].error_code, 0);
    assert_eq!(at.try_produce("late"), ErrorCode::None);
    let before = at.orders();
    drop(waits);
    at.check_restart(&before.1);
}
