//! Thousands of connections, and peers that hold what they can: memory stays bounded, everybody else is served, nothing is lost.

use std::time::{Duration, Instant};

use mainstem_protocol::messages::metadata_request::MetadataRequestTopic;
use mainstem_protocol::messages::{ApiVersionsRequest, MetadataRequest};

use crate::node::Node;
use crate::wire::{Wire, fetch_request, request_bytes};

const MIB: u64 = 1024 * 1024;

/// What a node has resident that did nothing yet, generously, with code and stacks.
const BASE: u64 = 64 * MIB;

fn start(dir: &tempfile::TempDir, options: &[&str]) -> (Node, std::thread::JoinHandle<String>) {
    let mut node = Node::start_with(dir.path(), "127.0.0.1:0", options);
    let said = node.listen();
    node.must("topic create orders");
    (node, said)
}

/// Stops the node as a person does, and finds everything again.
fn check_kept(node: Node, dir: &tempfile::TempDir, records: i64) {
    drop(node);
    let again = Node::start(dir.path());
    let (_, high_watermark) = Wire::to(&again).fetch("orders", 0);
    assert_eq!(high_watermark, records);
}

/// Lets this process have as many sockets as the system allows.
pub(crate) fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

fn versions() -> Vec<u8> {
    let request = ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..ApiVersionsRequest::default()
    };
    request_bytes(3, &request)
}

#[test]
fn four_thousand_connections_are_served_and_cost_little() {
    raise_descriptor_limit();
    let dir = tempfile::tempdir().unwrap();
    let (node, _said) = start(&dir, &[]);
    let mut other = Wire::to(&node);
    let before = node.status("VmRSS:") * 1024;
    let versions = versions();
    // Some say nothing, some half a frame, some ask and are answered; nobody leaves.
    let mut crowd: Vec<Wire> = Vec::new();
    for at in 0..4_000_usize {
        let mut wire = Wire::to(&node);
        match at % 4 {
            0 => {}
            1 => assert!(wire.send(&versions[..3])),
            2 => assert!(wire.send(&versions[..versions.len() - 1])),
            _ => assert!(wire.send(&versions)),
        }
        crowd.push(wire);
        if at % 100 == 0 {
            other.produce("orders", b"meanwhile");
        }
    }
    for asked in crowd.iter_mut().skip(3).step_by(4) {
        assert!(asked.frame().is_some());
    }
    for value in 0..100_u8 {
        other.produce("orders", &[value; 100]);
    }
    let grown = node.status("VmRSS:") * 1024 - before;
    assert!(
        grown < 4_000 * 16 * 1024,
        "{grown} bytes for 4000 connections"
    );
    // Half a frame becomes a whole one after all that time.
    for half in crowd.iter_mut().skip(2).step_by(4) {
        assert!(half.send(&versions[versions.len() - 1..]));
        assert!(half.frame().is_some());
    }
    drop(crowd);
    assert_eq!(other.produce("orders", b"last"), 140);
    check_kept(node, &dir, 141);
}

#[test]
fn who_is_silent_for_too_long_is_closed_and_who_speaks_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (node, _said) = start(&dir, &["connections.max.idle.ms=2000"]);
    let versions = versions();
    let mut idle: Vec<Wire> = (0..1_000).map(|_| Wire::to(&node)).collect();
    for half_open in idle.iter_mut().skip(500) {
        assert!(half_open.send(&versions[..9]));
    }
    let mut other = Wire::to(&node);
    let began = Instant::now();
    let mut sent = 0;
    while began.elapsed() < Duration::from_secs(4) {
        other.produce("orders", b"alive");
        sent += 1;
        std::thread::park_timeout(Duration::from_millis(100));
    }
    for mut wire in idle {
        assert!(wire.frame().is_none());
    }
    check_kept(node, &dir, sent);
}

#[test]
fn who_reads_nothing_holds_little_and_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let limit = 32 * MIB;
    let option = format!("queued.max.request.bytes={limit}");
    let (node, _said) = start(&dir, &[&option]);
    let mut other = Wire::to(&node);
    for _ in 0..64 {
        other.produce("orders", &vec![7; 1_000_000]);
    }
    let before = node.peak_memory();
    // Each asks for 50 × 50 MiB and takes nothing.
    let fetches = request_bytes(12, &fetch_request("orders", 0, 50 << 20)).repeat(50);
    let mut readers: Vec<Wire> = (0..40).map(|_| Wire::to(&node)).collect();
    for reader in &mut readers {
        assert!(reader.send(&fetches));
    }
    for offset in 0..20 {
        assert_eq!(other.produce("orders", b"meanwhile"), 64 + offset);
        let (records, _) = other.fetch("orders", 64 + offset);
        assert!(!records.is_empty(), "others read on");
    }
    // A large one as well: whoever holds memory and does not take what it asked for gives way.
    other.produce("orders", &vec![7; 1_000_000]);
    let peak = node.peak_memory() - before;
    // The limit, and on each core one answer more than it.
    let cores = u64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap();
    let bound = limit + cores * 56 * MIB + BASE;
    assert!(
        peak < bound,
        "{peak} bytes above what it was, {bound} allowed"
    );
    drop(readers);
    check_kept(node, &dir, 85);
}

#[test]
fn frames_that_are_announced_and_never_come_hold_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let limit = 64 * MIB;
    let option = format!("queued.max.request.bytes={limit}");
    let (node, _said) = start(&dir, &[&option]);
    let before = node.peak_memory();
    let mut claim = (100 * 1024 * 1024_i32).to_be_bytes().to_vec();
    claim.resize(1 << 20, 0);
    let mut liars: Vec<Wire> = (0..100).map(|_| Wire::to(&node)).collect();
    for liar in &mut liars {
        // What is not read fills the sockets: not all of it may go.
        let _ = liar.0.set_nonblocking(true);
        let _ = liar.send(&claim);
        let _ = liar.0.set_nonblocking(false);
    }
    let mut other = Wire::to(&node);
    assert_eq!(other.produce("orders", b"small"), 0);
    assert_eq!(other.produce("orders", &vec![7; 1_000_000]), 1);
    let peak = node.peak_memory() - before;
    assert!(peak < limit + BASE, "{peak}");
    drop(liars);
    check_kept(node, &dir, 2);
}

#[test]
fn requests_that_unfold_to_much_are_bounded_all_together() {
    let dir = tempfile::tempdir().unwrap();
    let limit = 64 * MIB;
    let option = format!("queued.max.request.bytes={limit}");
    let (node, _said) = start(&dir, &[&option, "auto.create.topics.enable=false"]);
    let before = node.peak_memory();
    // 200,000 names of six bytes: 1.6 MB that become tens of megabytes, and so does the answer, which says each.
    let topics = (0..200_000).map(|at| MetadataRequestTopic {
        name: Some(format!("{at:06}").into()),
        ..MetadataRequestTopic::default()
    });
    let request = MetadataRequest {
        topics: Some(topics.collect()),
        ..MetadataRequest::default()
    };
    let bytes = request_bytes(1, &request);
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let (mut wire, bytes) = (Wire::to(&node), bytes.clone());
            std::thread::spawn(move || {
                assert!(wire.send(&bytes) && wire.send(&bytes));
                (wire.frame().is_some(), wire.frame().is_some())
            })
        })
        .collect();
    let mut other = Wire::to(&node);
    for value in 0..20_u8 {
        other.produce("orders", &[value]);
    }
    for thread in threads {
        assert_eq!(thread.join().unwrap(), (true, true));
    }
    let peak = node.peak_memory() - before;
    let cores = u64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap();
    // On each core one request more than the limit, decoded, and two answers, as values and as bytes.
    assert!(
        peak < limit + cores * 40 * MIB + 2 * 64 * MIB + BASE,
        "{peak}"
    );
    check_kept(node, &dir, 20);
}

#[test]
fn connections_are_limited_in_all_and_by_peer() {
    let dir = tempfile::tempdir().unwrap();
    let options = ["max.connections.per.ip=5"];
    let (node, said) = start(&dir, &options);
    let versions = versions();
    let answered = |wire: &mut Wire| wire.send(&versions) && wire.frame().is_some();
    // Until the node has noticed that whoever made the topic is gone, there is room for four.
    let mut open = Vec::new();
    let flood = Instant::now();
    while open.len() < 5 {
        let mut wire = Wire::to(&node);
        if answered(&mut wire) {
            open.push(wire);
        }
        assert!(flood.elapsed() < Duration::from_secs(20));
    }
    for _ in 0..300 {
        assert!(!answered(&mut Wire::to(&node)), "one too many");
    }
    let seconds = usize::try_from(flood.elapsed().as_secs()).unwrap();
    open.pop();
    // The node notices in its own time.
    let began = Instant::now();
    while !answered(&mut Wire::to(&node)) {
        assert!(began.elapsed() < Duration::from_secs(20));
    }
    drop((open, node));
    let said = said.join().unwrap();
    let told = said.matches("turned away").count();
    assert!(
        (1..=10 * (seconds + 2)).contains(&told),
        "{told} lines in {seconds} s"
    );

    let dir = tempfile::tempdir().unwrap();
    let (node, _said) = start(&dir, &["max.connections=5"]);
    let mut open: Vec<Wire> = (0..5).map(|_| Wire::to(&node)).collect();
    assert!(open.iter_mut().all(answered));
    // The sixth waits until one ends; it is not turned away.
    let mut sixth = Wire::to(&node);
    assert!(sixth.send(&versions));
    sixth
        .0
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    assert!(std::io::Read::read(&mut sixth.0, &mut [0; 4]).is_err());
    open.pop();
    sixth
        .0
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    assert!(sixth.frame().is_some());
}
