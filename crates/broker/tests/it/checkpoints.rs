//! Checkpoints that are written by several at once, while topics come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mainstem_broker::{NodeConfig, start};
use mainstem_storage::disk::{MemDisk, read_small};

use super::administration::topics;
use super::power::{delete_records, delete_topic};
use super::wire::{Wire, batch, produce};

const ROUNDS: usize = 100;
const OTHERS: usize = 8;

/// Lets the others end.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn nobody_brings_the_log_start_of_a_deleted_topic_back() {
    let dir = tempfile::tempdir().unwrap();
    // Nothing waits for this one, so that many rounds are possible.
    let disk = MemDisk::new();
    let running = start(NodeConfig {
        disk: Some(Arc::new(disk.clone())),
        ..NodeConfig::for_tests(dir.path().to_owned())
    })
    .unwrap();
    let node = &running;
    let stop = AtomicBool::new(false);
    let stop = &stop;
    let mut wire = Wire::to(node);
    topics(&mut wire, &[("others", 1)]);
    produce(&mut wire, "others", batch(b"one"));
    let path = dir.path().join("log-start-offset-checkpoint");
    let starts = || String::from_utf8(read_small(&disk, &path).unwrap().unwrap()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..OTHERS {
            scope.spawn(move || {
                let mut wire = Wire::to(node);
                while !stop.load(Ordering::Relaxed) {
                    delete_records(&mut wire, "others", 1);
                }
            });
        }
        let _however_this_ends = Stop(stop);
        for round in 0..ROUNDS {
            topics(&mut wire, &[("orders", 1)]);
            produce(&mut wire, "orders", batch(b"one"));
            delete_records(&mut wire, "orders", 1);
            assert!(starts().contains("orders 0 1"));
            delete_topic(&mut wire, "orders");
            // Whoever had its list before has written it by now.
            delete_records(&mut wire, "others", 1);
            assert!(!starts().contains("orders"), "round {round}");
        }
    });
    running.stop().unwrap();
}
