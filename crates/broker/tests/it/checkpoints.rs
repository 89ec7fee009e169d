//! Checkpoints that are written by several at once, while topics come and go.

use std::sync::atomic::{AtomicBool, Ordering};

use super::administration::topics;
use super::power::{delete_records, delete_topic};
use super::wire::{Wire, batch, node, produce};

const ROUNDS: usize = 30;
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
    let running = node(dir.path());
    let node = &running;
    let stop = AtomicBool::new(false);
    let stop = &stop;
    let mut wire = Wire::to(node);
    topics(&mut wire, &[("others", 1)]);
    produce(&mut wire, "others", batch(b"one"));
    let starts = || std::fs::read_to_string(dir.path().join("log-start-offset-checkpoint"));
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
            assert!(starts().unwrap().contains("orders 0 1"));
            delete_topic(&mut wire, "orders");
            // Whoever had its list before has written it by now.
            delete_records(&mut wire, "others", 1);
            assert!(!starts().unwrap().contains("orders"), "round {round}");
        }
    });
    running.stop().unwrap();
}
