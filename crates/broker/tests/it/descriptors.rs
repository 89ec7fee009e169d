//! A node with more partitions than descriptors for files: every partition takes records, gives them back, and finds them after a restart.

use std::sync::Arc;

use mainstem_broker::disk::{BudgetDisk, Disk};
use mainstem_broker::{NodeConfig, RunningNode, start};
use mainstem_protocol::{ErrorCode, Str};

use super::serving::{fetch_request, fetched};
use super::wire::{Wire, batch, code, produce, topic};

/// Files that may be open.
const BUDGET: usize = 16;
/// Topics of one partition each, with a log and two indexes.
const TOPICS: usize = 40;

fn node(dir: &std::path::Path) -> (RunningNode, BudgetDisk) {
    let disk = BudgetDisk::new(BUDGET);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let config = NodeConfig {
        disk: Some(shared),
        ..NodeConfig::for_tests(dir.to_owned())
    };
    (start(config).unwrap(), disk)
}

fn records(wire: &mut Wire, name: &str) -> Vec<u8> {
    let mut request = fetch_request(0, 1_000);
    request.topics[0].topic = Str::from(name);
    let (code, high_watermark, records) = fetched(&wire.ask(12, &request));
    assert_eq!((code, high_watermark), (ErrorCode::None, 2));
    records
}

#[test]
fn more_partitions_than_descriptors_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let (running, disk) = node(dir.path());
    let mut wire = Wire::to(&running);
    let names: Vec<String> = (0..TOPICS).map(|at| format!("t{at}")).collect();
    for name in &names {
        topic(&mut wire, name);
    }
    for round in 0..2 {
        for name in &names {
            let value = format!("{name}-{round}");
            let answer = produce(&mut wire, name, batch(value.as_bytes()));
            assert_eq!(code(&answer), ErrorCode::None);
        }
    }
    let before: Vec<Vec<u8>> = names.iter().map(|name| records(&mut wire, name)).collect();
    for (name, bytes) in names.iter().zip(&before) {
        let text = String::from_utf8_lossy(bytes);
        assert!(text.contains(&format!("{name}-0")) && text.contains(&format!("{name}-1")));
    }
    // One more for each thread that reads, writes or syncs.
    assert!(disk.open_files() <= BUDGET + 16);
    drop(wire);
    running.stop().unwrap();
    let (running, _) = node(dir.path());
    let mut wire = Wire::to(&running);
    let after: Vec<Vec<u8>> = names.iter().map(|name| records(&mut wire, name)).collect();
    assert_eq!(before, after);
    drop(wire);
    running.stop().unwrap();
}
