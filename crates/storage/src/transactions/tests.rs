//! Files as Apache Kafka writes them.

use std::sync::Arc;

use mainstem_protocol::batch::{BatchBuilder, BatchOptions};

use super::*;
use crate::disk::{MemDisk, write_small};
use crate::{LogConfig, OpenMode, validate_internal};

fn line(producer_id: i64, first: i64, last: i64) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    for number in [producer_id, first, last, last + 1] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes
}

fn open(disk: &Arc<MemDisk>) -> Log {
    let dir = Path::new("/data/orders-0").to_owned();
    let mode = OpenMode::default();
    let opened = Log::open(disk.clone(), dir, LogConfig::default(), mode, 0);
    opened.unwrap().0
}

fn append(log: &mut Log, producer_id: i64, count: i32) {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id,
        producer_epoch: 0,
        base_sequence: 0,
        transactional: producer_id >= 0,
        ..BatchOptions::default()
    });
    for _ in 0..count {
        builder.append(1_000, None, Some(b"v"), &[]);
    }
    let batch = validate_internal(builder.build().unwrap()).unwrap();
    log.append_as_leader(&batch, 0, 0).unwrap();
}

#[test]
fn aborted_and_open_transactions_are_known() {
    let disk = Arc::new(MemDisk::default());
    let mut log = open(&disk);
    append(&mut log, -1, 20);
    append(&mut log, 7, 5);
    append(&mut log, -1, 5);
    log.close().unwrap();
    let mut file = [line(3, 0, 4), line(4, 6, 9), line(5, 2, 15)].concat();
    file.extend(line(6, 40, 44)); // behind the log's end
    file.extend(&line(9, 1, 2)[..20]); // torn
    let path = Path::new("/data/orders-0/00000000000000000000.txnindex");
    write_small(&*disk, path, &file).unwrap();

    let log = open(&disk);
    let found = |from, upto| -> Vec<i64> {
        let found = log.aborted_between(from, upto);
        found.iter().map(|entry| entry.producer_id).collect()
    };
    assert_eq!(found(0, 30), [3, 4, 5]);
    assert_eq!(found(5, 30), [4, 5]);
    assert_eq!(found(5, 6), [5]);
    assert_eq!(found(16, 30), [] as [i64; 0]);
    assert_eq!(log.last_stable(30), 20, "what is open holds up the rest");
    assert_eq!(log.last_stable(10), 10);
}

#[test]
fn a_cut_takes_transactions_with_it() {
    let disk = Arc::new(MemDisk::default());
    let mut log = open(&disk);
    append(&mut log, -1, 5);
    append(&mut log, -1, 5);
    append(&mut log, 7, 5);
    assert_eq!(log.last_stable(15), 15, "a log that is open learns of none");
    log.transactions.aborted = vec![AbortedTransaction {
        producer_id: 3,
        first_offset: 0,
        last_offset: 9,
    }];
    log.truncate_to(5).unwrap();
    assert!(log.aborted_between(0, 5).is_empty());
    assert_eq!(log.last_stable(5), 5);
}

#[test]
fn segments_that_are_being_replaced_are_left_alone() {
    let disk = Arc::new(MemDisk::default());
    open(&disk).close().unwrap();
    for name in [
        "00000000000000000000.log.swap",
        "00000000000000000000.log.deleted",
    ] {
        let path = Path::new("/data/orders-0").join(name);
        disk.open(&path, true).unwrap();
    }
    let dir = Path::new("/data/orders-0").to_owned();
    let mode = OpenMode::default();
    let refused = Log::open(disk.clone(), dir.clone(), LogConfig::default(), mode, 0);
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("finish that first")
    );
    let names = disk.list(&dir).unwrap();
    assert!(names.iter().any(|entry| entry.name.ends_with(".deleted")));
}
