//! Files of logs are shown as they are, whole and damaged.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::node::{BINARY, Done, Node, run};

const SEGMENT: &str = "00000000000000000000";

fn dump(file: &Path, arguments: &str) -> Done {
    let mut command = Command::new(BINARY);
    command.args(["log", "dump"]).arg(file);
    command.args(arguments.split_whitespace());
    run(command, "")
}

fn objects(done: &Done) -> Vec<Value> {
    let lines = done.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A data directory with a topic of ten records, read by a group.
fn data() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start_with(
        dir.path(),
        "127.0.0.1:0",
        &["offsets.topic.num.partitions=1"],
    );
    node.must("topic create t --partitions 1 --set index.interval.bytes=1");
    for codec in ["none", "zstd"] {
        let input: String = (0..5).map(|at| format!("k{at}:v{at}\n")).collect();
        let produce = ["produce", "t", "--key-separator", ":", "--codec", codec];
        assert_eq!(node.run_with(&produce, &input).code, Some(0));
    }
    node.must("consume t --group readers --until-end");
    assert_eq!(node.interrupt().0, Some(0));
    dir
}

#[test]
fn what_is_whole_is_shown() {
    let dir = data();
    let log = dir.path().join(format!("t-0/{SEGMENT}.log"));
    let done = dump(&log, "--json");
    assert_eq!(done.code, Some(0), "{done:?}");
    let batches = objects(&done);
    let count: i64 = batches.iter().map(|b| b["records"].as_i64().unwrap()).sum();
    assert_eq!((count, &batches[0]["codec"]), (10, &Value::from("none")));
    assert_eq!(batches.last().unwrap()["codec"], "zstd");

    let done = dump(&log, "--deep --json");
    let mut records = objects(&done);
    records.retain(|found| found["kind"] == "record");
    let keys: Vec<_> = records.iter().map(|r| r["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["k0", "k1", "k2", "k3", "k4"].repeat(2));
    assert_eq!(records[9]["value"], "v4");
    let text = dump(&log, "--deep");
    assert!(text.out.contains("\tkey=k4\tvalue=v4\n"), "{text:?}");

    // Of several files each line is behind that of its own.
    let time = log.with_extension("timeindex");
    let done = dump(&log, time.to_str().unwrap());
    let of_files: Vec<&str> = done.lines();
    let first = format!("file\tpath={}", log.display());
    assert_eq!(of_files[0], first, "{done:?}");
    let second = format!("file\tpath={}", time.display());
    let at = of_files.iter().position(|line| *line == second).unwrap();
    assert!(of_files[at - 1].starts_with("batch\t"), "{done:?}");
    assert!(of_files[at + 1].starts_with("timeindex\t"), "{done:?}");

    for index in ["index", "timeindex"] {
        let done = dump(&dir.path().join(format!("t-0/{SEGMENT}.{index}")), "");
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.out.starts_with(&format!("{index}\t")), "{done:?}");
    }
}

#[test]
fn the_clusters_own_records_are_decoded() {
    let dir = data();
    let of = |place: &str| {
        let done = dump(&dir.path().join(place), "--deep --json");
        assert_eq!(done.code, Some(0), "{done:?}");
        done.out
    };
    let metadata = of(&format!("__cluster_metadata-0/{SEGMENT}.log"));
    assert!(metadata.contains("LeaderChange"), "{metadata}");
    assert!(metadata.contains("TopicRecord"), "{metadata}");
    let snapshot = of(&format!(
        "__cluster_metadata-0/{SEGMENT}-0000000000.checkpoint"
    ));
    assert!(snapshot.contains("metadata.version"), "{snapshot}");
    let offsets = of(&format!("__consumer_offsets-0/{SEGMENT}.log"));
    assert!(offsets.contains("OffsetCommitKey"), "{offsets}");
    assert!(offsets.contains("readers"), "{offsets}");
}

#[test]
fn damage_is_said_with_its_place_and_nothing_panics() {
    let dir = data();
    let file = |place: &str| dir.path().join(place);
    let log = file(&format!("t-0/{SEGMENT}.log"));
    let whole = std::fs::read(&log).unwrap();

    std::fs::write(&log, &whole[..whole.len() - 1]).unwrap();
    let torn = dump(&log, "--deep");
    assert_eq!(torn.code, Some(1), "{torn:?}");
    assert!(
        torn.err.contains("nothing from here on can be read"),
        "{torn:?}"
    );
    assert!(torn.err.contains("1 damage in 1 file"), "{torn:?}");

    // A changed byte is noticed, but for the fields that no checksum covers.
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&log, &bytes).unwrap();
        let done = dump(&log, "--deep --json");
        let is_said = done.code == Some(1) && done.out.contains("\"kind\":\"damage\"");
        let may_pass = done.code == Some(0) && unchecked(&whole, at);
        assert!(is_said || may_pass, "byte {at}: {done:?}");
        assert!(!done.err.contains("panicked"), "byte {at}: {done:?}");
    }
    std::fs::write(&log, &whole).unwrap();

    let index = file(&format!("t-0/{SEGMENT}.index"));
    std::fs::write(&index, [0, 0, 0, 1, 0, 0, 0, 1, 9]).unwrap();
    let done = dump(&index, "");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("2 damages in 1 file"), "{done:?}");

    // Space that was set aside for entries is none; one entry of zeros before others is one.
    let entry = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    for (bytes, entries) in [(vec![0; 36], 0), ([[0; 12], entry, [0; 12]].concat(), 2)] {
        let index = file(&format!("t-0/{SEGMENT}.timeindex"));
        std::fs::write(&index, bytes).unwrap();
        assert_eq!(dump(&index, "").lines().len(), entries);
    }

    assert_eq!(dump(&file("meta.properties"), "").code, Some(2));
    let of_dir = dump(&file("t-0"), "");
    assert_eq!(of_dir.code, Some(2), "{of_dir:?}");
    assert!(of_dir.err.contains("t-0 is a directory\n"), "{of_dir:?}");
    assert!(of_dir.err.contains("t-0/*.log"), "{of_dir:?}");
    let missing = dump(&file("t-7"), "");
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.err.contains("t-7 does not exist"), "{missing:?}");
    let missing = dump(&file("t-0/7.log"), "");
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.err.contains("7.log"), "{missing:?}");
}

/// Whether a byte is of a field that no checksum covers, in whichever batch it is.
fn unchecked(log: &[u8], at: usize) -> bool {
    let mut start = 0;
    while start < log.len() {
        let length = log[start + 8..start + 12].try_into().unwrap();
        let end = start + 12 + usize::try_from(u32::from_be_bytes(length)).unwrap();
        if (start..end).contains(&at) {
            return at - start < 8 || (12..16).contains(&(at - start));
        }
        start = end;
    }
    false
}

#[test]
fn the_small_files_of_a_log_are_shown_too() {
    let dir = data();
    let done = dump(&dir.path().join("t-0/leader-epoch-checkpoint"), "--json");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(
        (&objects(&done)[0]["epoch"], &objects(&done)[0]["begins"]),
        (&"0".into(), &"0".into())
    );
    let done = dump(&dir.path().join("recovery-point-offset-checkpoint"), "");
    assert!(done.out.contains("partition=t-0\toffset=10"), "{done:?}");

    // `mainstem produce` numbers its batches: two runs, two producers.
    let snapshot = dir.path().join("t-0/00000000000000000010.snapshot");
    let done = dump(&snapshot, "--json");
    assert_eq!(done.code, Some(0), "{done:?}");
    let found = objects(&done);
    let last: Vec<_> = found
        .iter()
        .map(|p| p["last_offset"].as_i64().unwrap())
        .collect();
    assert_eq!(last, [4, 9]);

    let mut bytes = std::fs::read(&snapshot).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&snapshot, bytes).unwrap();
    let done = dump(&snapshot, "");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("the checksum does not fit"), "{done:?}");

    // An entry as Apache Kafka writes it when a transaction is given up.
    let index = dir.path().join("t-0/00000000000000000000.txnindex");
    let entry = [
        &0i16.to_be_bytes()[..],
        &[5i64, 1, 2, 3].map(i64::to_be_bytes).concat(),
    ]
    .concat();
    std::fs::write(&index, [&entry[..], &[0; 7]].concat()).unwrap();
    let done = dump(&index, "");
    assert!(
        done.out
            .contains("producer_id=5\tfirst_offset=1\tlast_offset=2\tlast_stable_offset=3"),
        "{done:?}"
    );
    assert!(
        done.err.contains("byte 34: 7 bytes are no whole entry"),
        "{done:?}"
    );
}
