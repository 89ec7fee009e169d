//! Records go in, are killed and found again, and are read by groups from where they stood.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::node::{Node, signal};
use crate::wire::{Wire, aged, produce_request};

/// Lines `key:number`, ten for each of ten keys, mixed.
fn keyed() -> String {
    (0..100).map(|at| format!("k{}:{at}\n", at % 10)).collect()
}

/// The values of each key, in the order in which they were printed.
fn by_key(json: &str) -> BTreeMap<String, Vec<u64>> {
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in json.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let value = record["value"].as_str().unwrap().parse().unwrap();
        let key = record["key"].as_str().unwrap().to_owned();
        found.entry(key).or_default().push(value);
    }
    found
}

fn expected() -> BTreeMap<String, Vec<u64>> {
    let keys = 0..10u64;
    keys.map(|key| (format!("k{key}"), (0..10).map(|at| at * 10 + key).collect()))
        .collect()
}

#[test]
fn records_survive_a_kill_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    assert!(node.banner.contains("(new)"), "{}", node.banner);
    node.must("topic create orders --partitions 3");
    let produce = ["produce", "orders", "--key-separator", ":"];
    let sent = node.run_with(&produce, &keyed());
    assert_eq!(
        (sent.code, sent.err.trim()),
        (Some(0), "100 records sent to orders")
    );

    let read = node.must("consume orders --group readers --until-end --json");
    assert_eq!(by_key(&read.out), expected());
    node.kill();

    let node = Node::start(dir.path());
    assert!(node.banner.contains("unclean stop"), "{}", node.banner);
    let read = node.must("consume orders --from-beginning --max 100 --json");
    assert_eq!(by_key(&read.out), expected());

    // The group stands where it stood.
    node.run_with(&produce, "k0:100\n");
    let read = node.must("consume orders --group readers --until-end");
    assert_eq!(read.out, "100\n");
    let (code, said) = node.interrupt();
    assert_eq!(code, Some(0));
    assert!(said.contains("stopped cleanly"), "{said}");

    let node = Node::start(dir.path());
    assert!(node.banner.contains(", clean stop)"), "{}", node.banner);
    let size: u64 = (0..3)
        .map(|partition| format!("orders-{partition}/00000000000000000000.log"))
        .map(|log| std::fs::metadata(dir.path().join(log)).unwrap().len())
        .sum();
    assert!(size > 0);
    assert_eq!(
        node.must("topic list").out,
        format!("orders\t3\t1\t101\t{size}\n")
    );
}

#[test]
fn a_producer_rides_out_a_kill_without_loss_or_doubles() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create t --partitions 1");
    let mut producer = node.command(&["produce", "t"]);
    let mut producer = producer.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = producer.stdin.take().unwrap();
    let lines = |range: std::ops::Range<u32>| -> String {
        range.map(|at| format!("{at:0>100}\n")).collect()
    };
    // More than all buffers in between hold, so that much is stored and much is under way.
    input.write_all(lines(0..400_000).as_bytes()).unwrap();
    let address = node.address.clone();
    node.kill();
    let node = Node::start_at(dir.path(), &address);
    input.write_all(lines(400_000..401_000).as_bytes()).unwrap();
    drop(input);
    assert_eq!(producer.wait().unwrap().code(), Some(0));
    let read = node.must("consume t --until-end");
    let mut next = 0;
    for line in read.lines() {
        assert_eq!(line.parse(), Ok(next));
        next += 1;
    }
    assert_eq!(next, 401_000);
}

#[test]
fn two_members_share_and_one_takes_over() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create t --partitions 4");
    let member = || {
        let mut member = node.command(&["consume", "t", "--group", "g", "--from-beginning"]);
        let mut child = member.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    };
    let produce = |partition: &str, line: &str| {
        let sent = node.run_with(&["produce", "t", "--partition", partition], line);
        assert_eq!(sent.code, Some(0), "{sent:?}");
    };
    let (mut first, mut first_lines) = member();
    produce("3", "alone\n");
    assert_eq!(first_lines.next().unwrap().unwrap(), "alone");
    let (mut second, mut second_lines) = member();
    // Once each of the two reads half, one of them has partition 0 and the other partition 3.
    loop {
        let described = node.must("group describe g --json").out;
        let members: std::collections::BTreeSet<String> = described
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| line["member_id"].to_string())
            .collect();
        if members.len() == 2 && !members.contains("null") {
            break;
        }
    }
    produce("0", "low\n");
    produce("3", "high\n");
    let mut got = [
        first_lines.next().unwrap().unwrap(),
        second_lines.next().unwrap().unwrap(),
    ];
    got.sort();
    assert_eq!(got, ["high", "low"]);
    signal("INT", first.id());
    assert_eq!(first.wait().unwrap().code(), Some(130));
    produce("0", "low\n");
    produce("3", "high\n");
    let mut got = [
        second_lines.next().unwrap().unwrap(),
        second_lines.next().unwrap().unwrap(),
    ];
    got.sort();
    assert_eq!(got, ["high", "low"]);
    signal("TERM", second.id());
    assert_eq!(second.wait().unwrap().code(), Some(130));
}

#[test]
fn every_codec_and_acks_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        for acks in ["0", "1", "all"] {
            let topic = format!("{codec}-{acks}");
            let produce = ["produce", &topic, "--codec", codec, "--acks", acks];
            let lines: String = (0..500).map(|at| format!("line {at}\n")).collect();
            let sent = node.run_with(&produce, &lines);
            assert_eq!(sent.code, Some(0), "{sent:?}");
            // Not --until-end: with acks = 0 the records may still be on their way.
            let read = node.must(&format!("consume {topic} --from-beginning --max 500"));
            assert_eq!(read.out, lines, "{topic}");
        }
    }
}

#[test]
fn a_table_goes_in_as_objects() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let csv = "tailnum,delay,dest\nN1,-5,369\nNA,NA,JFK\n";
    let produce = "produce flights --format csv --key tailnum --null NA --text dest";
    let sent = node.run_with(&produce.split(' ').collect::<Vec<_>>(), csv);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let read = node.must("consume flights --until-end --json");
    let fields: Vec<(serde_json::Value, String)> = read
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|record| {
            (
                record["key"].clone(),
                record["value"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(
        fields,
        [
            (
                "N1".into(),
                r#"{"tailnum":"N1","delay":-5,"dest":"369"}"#.to_owned()
            ),
            (
                serde_json::Value::Null,
                r#"{"tailnum":null,"delay":null,"dest":"JFK"}"#.to_owned()
            ),
        ]
    );
}

#[test]
fn places_can_be_named() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.run_with(&["produce", "t"], "a\nb\nc\n");
    let check = |arguments: &str, expected: &str| {
        assert_eq!(
            node.must(&format!("consume t {arguments}")).out,
            expected,
            "{arguments}"
        );
    };
    check("--offset 1 --until-end", "b\nc\n");
    check("--offset 1 --max 1", "b\n");
    check("--partition 0 --from-beginning --max 2", "a\nb\n");
    check("--from-time -1h --until-end", "a\nb\nc\n");
    check("--from-time now --until-end", "");
    check("--max 0", "");
}

#[test]
fn a_group_is_shown_reset_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.run_with(&["produce", "t"], "a\nb\nc\n");
    assert_eq!(
        node.must("consume t --group g --until-end").lines(),
        ["a", "b", "c"]
    );
    // One more, which was written half an hour ago.
    let behind_ms = 1_800_000;
    let half_an_hour_ago = produce_request("t", aged(behind_ms, b"d"));
    let answer = Wire::to(&node).ask(9, &half_an_hour_ago);
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    let line = |json: &str| serde_json::from_str::<serde_json::Value>(json.trim()).unwrap();
    let described = line(&node.must("group describe g --json").out);
    assert_eq!(described["committed"], 3);
    assert_eq!(described["lag"], 1);
    let told = described["behind_ms"].as_i64().unwrap();
    assert!((behind_ms..behind_ms + 100_000).contains(&told), "{told}");

    let planned = node.must("group reset g --shift-by -2 --dry-run --json");
    assert_eq!(line(&planned.out)["new"], 1);
    assert_eq!(
        line(&node.must("group describe g --json").out)["committed"],
        3
    );
    let refused = node.run("group reset g --to-earliest");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for (target, lines) in [
        ("--shift-by -2", vec!["b", "c", "d"]),
        ("--to-earliest", vec!["a", "b", "c", "d"]),
        ("--to-offset 3", vec!["d"]),
        ("--to-time -1h", vec!["a", "b", "c", "d"]),
        ("--to-latest", vec![]),
    ] {
        node.must(&format!("group reset g --topic t {target} --yes"));
        let read = node.must("consume t --group g --until-end");
        assert_eq!(read.lines(), lines, "{target}");
    }
    assert_eq!(node.must("group list").out, "g\tEmpty\tclassic\tconsumer\n");
    node.must("group delete g --yes");
    assert_eq!(node.must("group list").out, "");
}

#[test]
fn an_interrupted_member_leaves_its_place_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.run_with(&["produce", "t"], "a\n");
    let mut member = node.command(&["consume", "t", "--group", "g", "--from-beginning"]);
    let mut member = member.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(member.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "a");
    signal("INT", member.id());
    assert_eq!(member.wait().unwrap().code(), Some(130));
    // Had it not left, the next would wait for its session to end.
    assert_eq!(node.must("group list").out, "g\tEmpty\tclassic\tconsumer\n");
    node.run_with(&["produce", "t"], "b\n");
    assert_eq!(
        node.must("consume t --group g --until-end").lines().last(),
        Some(&"b")
    );
}

#[test]
fn topics_are_made_shown_changed_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    node.must("topic create t --partitions 2 --set retention.ms=60000 --dry-run");
    assert_eq!(node.must("topic list").out, "");
    node.must("topic create t --partitions 2 --set retention.ms=60000");
    let described = node.must("topic describe t");
    assert!(
        described.err.contains("retention.ms=60000"),
        "{described:?}"
    );
    assert_eq!(described.lines().len(), 2);
    node.must("topic alter t --partitions 3 --set max.message.bytes=2000 --unset retention.ms");
    let described = node.must("topic describe t");
    assert!(
        described.err.contains("max.message.bytes=2000"),
        "{described:?}"
    );
    assert!(!described.err.contains("retention.ms"), "{described:?}");
    assert_eq!(described.lines().len(), 3);
    node.must("topic delete t --yes");
    assert_eq!(node.must("topic list --json").out, "");
}
