//! Real requests of every API and version that is served, damaged by the thousand and sent to a node that lives through it.
//!
//! Every round has a seed, see [`super::mutate::seeds`].

use std::panic::PanicHookInfo;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use mainstem_broker::{RunningNode, api_ranges, start};
use mainstem_protocol::messages::{
    DescribeAclsRequest, FetchRequest, JoinGroupRequest, SyncGroupRequest,
};
use mainstem_protocol::{ApiKey, Encoder, Message};

use super::catalogue::{Row, rows};
use super::mutate::{mutate, seeds};
use super::sample::Random;
use super::serving::{fetch_request, fetched};
use super::wire::{Wire, batch, code, config, produce, topic};

/// Requests of each version: samples, captured ones, and their mutations.
const ROUNDS: u64 = 60;

/// Panics of nodes in this whole process: nobody else here lets one. A test that fails beside is none.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |what: &PanicHookInfo<'_>| {
        let of_a_test = |file: &str| file.contains("tests/it");
        if !what.location().is_some_and(|at| of_a_test(at.file())) {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        before(what);
    }));
}

fn node(dir: &Path) -> RunningNode {
    let options = [
        "auto.create.topics.enable=false",
        "offsets.topic.num.partitions=2",
    ];
    start(config(dir, &options)).unwrap()
}

/// Bodies that real clients sent, by API and version.
fn captured(api: ApiKey, version: i16) -> Vec<Vec<u8>> {
    let file = format!("../protocol/testdata/captured/{api}/v{version}.req.hex");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| super::hex::bytes(line).to_vec())
        .collect()
}

/// A whole request without its length: header, client id, tags where the version has them, body.
fn request(api: ApiKey, version: i16, body: &[u8]) -> Vec<u8> {
    let mut bytes = api.code().to_be_bytes().to_vec();
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 7, 0, 4, b't', b'e', b's', b't']);
    if api.is_flexible(version) {
        bytes.push(0);
    }
    bytes.extend_from_slice(body);
    bytes
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    let length = i32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat()
}

/// Whether an answer may take for ever.
fn may_wait(api: ApiKey) -> bool {
    matches!(api, ApiKey::Fetch | ApiKey::JoinGroup | ApiKey::SyncGroup)
}

/// Sends requests on a connection of their own and reads what comes until the node closes it or answers a last, sound one; how many
/// answers there were before that.
fn provoke(node: &RunningNode, api: ApiKey, frames: &[u8], whole: bool) -> usize {
    let mut wire = Wire::to(node);
    wire.send(frames);
    let waits = !whole || may_wait(api);
    if !waits {
        wire.send(&frame(&[0, 18, 0, 0, 0, 0, 0, 99, 0xff, 0xff]));
    }
    wire.finish_if(waits);
    let (mut answers, began) = (0, std::time::Instant::now());
    while let Some(answer) = wire.frame() {
        if answer.starts_with(&[0, 0, 0, 99]) {
            break;
        }
        answers += 1;
    }
    assert!(
        began.elapsed() < std::time::Duration::from_secs(10),
        "{api} does not end: {frames:?}"
    );
    answers
}

fn bodies(row: &Row, api: ApiKey, version: i16) -> Vec<Vec<u8>> {
    let mut found = captured(api, version);
    if api == ApiKey::DescribeAcls {
        // Few values of an operation can be read: chance finds none.
        let any = DescribeAclsRequest {
            resource_type_filter: 1,
            operation: 1,
            permission_type: 1,
            ..DescribeAclsRequest::default()
        };
        let mut encoder = Encoder::new();
        any.encode(&mut encoder, version).unwrap();
        found.push(encoder.finish().to_bytes().to_vec());
    }
    let mut random = Random::new(u64::from(version.unsigned_abs()));
    while found.len() < 12 {
        let sample = (row.sample)(&mut random, version).unwrap();
        if sample.len() < 4_000 {
            found.push(sample.to_vec());
        }
    }
    found
}

/// One round: a request or several, damaged within, or in what they claim to be.
fn round(node: &RunningNode, seed: u64, api: ApiKey, version: i16, bodies: &[Vec<u8>]) -> usize {
    let mut random = Random::new(seed);
    let (mut frames, mut whole) = (Vec::new(), true);
    for _ in 0..=random.below(3) {
        let at = usize::try_from(random.below(bodies.len().try_into().unwrap())).unwrap();
        let mut bytes = request(api, version, &bodies[at]);
        match random.below(8) {
            0 => {}
            1 => {
                // The header as well.
                mutate(&mut random, &mut bytes);
            }
            _ => {
                let mut body = bodies[at].clone();
                mutate(&mut random, &mut body);
                bytes = request(api, version, &body);
            }
        }
        let mut framed = frame(&bytes);
        if random.one_in(20) {
            // The node waits for what a frame claims.
            whole = false;
            mutate(&mut random, &mut framed);
        }
        frames.extend_from_slice(&framed);
    }
    provoke(node, api, &frames, whole)
}

fn stored(node: &RunningNode) -> (i64, Vec<u8>) {
    let (error, high_watermark, records) = fetched(&Wire::to(node).ask(12, &fetch_request(0, 0)));
    assert_eq!(error.code(), 0);
    (high_watermark, records)
}

#[test]
fn a_node_outlives_damaged_requests_of_every_api_and_version() {
    count_panics();
    let dir = tempfile::tempdir().unwrap();
    let first = start(config(dir.path(), &[])).unwrap();
    let mut wire = Wire::to(&first);
    topic(&mut wire, "orders");
    for value in 0..50_u8 {
        assert_eq!(
            code(&produce(&mut wire, "orders", batch(&[value; 100]))).code(),
            0
        );
    }
    let kept = stored(&first);
    assert_eq!(kept.0, 50);
    first.stop().unwrap();

    let node = node(dir.path());
    let rows = rows();
    let parts = api_ranges().map(|range| u32::try_from(range.max - range.min + 1).unwrap());
    let parts = parts.sum();
    let (mut rounds_run, mut answers, mut sound, mut sound_answers) = (0, 0, 0, 0);
    let mut silent = Vec::new();
    for range in api_ranges() {
        let row = rows
            .iter()
            .find(|row| row.kind == "request" && row.key == range.api.code())
            .unwrap();
        for version in range.min..=range.max {
            let bodies = bodies(row, range.api, version);
            let before = sound_answers;
            for body in &bodies {
                sound += 1;
                sound_answers += provoke(
                    &node,
                    range.api,
                    &frame(&request(range.api, version, body)),
                    true,
                );
            }
            if sound_answers == before && !may_wait(range.api) {
                silent.push((range.api, version));
            }
            for seed in seeds(ROUNDS, parts) {
                answers += round(&node, seed, range.api, version, &bodies);
                rounds_run += 1;
                assert_eq!(
                    PANICS.load(Ordering::Relaxed),
                    0,
                    "{} version {version}: FUZZ_SEED={seed} reproduces it",
                    range.api
                );
            }
        }
        assert_eq!(stored(&node), kept, "after {}", range.api);
    }
    println!(
        "{sound} sound requests, {sound_answers} answers; {rounds_run} rounds, {answers} answers"
    );
    assert_eq!(silent, [], "these answer nothing");
    // Those that wait (a fetch, a join) have none when the client is gone; most have.
    assert!(sound_answers * 10 > sound * 7 && answers * 5 > rounds_run);
    let answer = produce(&mut Wire::to(&node), "orders", batch(b"after all"));
    assert_eq!((code(&answer).code(), answer.base_offset), (0, 50));
    node.stop().unwrap();

    let again = self::node(dir.path());
    assert!(again.report.was_clean && again.report.repairs.is_empty());
    let (high_watermark, records) = stored(&again);
    assert_eq!(high_watermark, 51);
    assert_eq!(records[..kept.1.len()], kept.1);
    again.stop().unwrap();
}

#[test]
fn what_may_wait_answers_in_every_version() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path());
    let versions = |api| api_ranges().find(|range| range.api == api).unwrap();
    let versions = |api| versions(api).min..=versions(api).max;
    for version in versions(ApiKey::Fetch) {
        let request = FetchRequest {
            session_epoch: -1,
            ..FetchRequest::default()
        };
        let answer = Wire::to(&node).ask(version, &request);
        assert_eq!((answer.error_code, answer.responses.len()), (0, 0));
    }
    // A group without a name is refused at once, in more than one way.
    for version in versions(ApiKey::JoinGroup) {
        let answer = Wire::to(&node).ask(version, &JoinGroupRequest::default());
        assert_ne!(answer.error_code, 0, "version {version}");
    }
    for version in versions(ApiKey::SyncGroup) {
        let answer = Wire::to(&node).ask(version, &SyncGroupRequest::default());
        assert_ne!(answer.error_code, 0, "version {version}");
    }
    node.stop().unwrap();
}

#[test]
fn properties_may_be_anything() {
    let text = "# a node\nnode.id = 7\nlog.dirs=/a,\\\n  /b\nlog.retention.hours=2\ndurability=disk\nlisteners:PLAINTEXT://:9\n";
    super::mutate::drive(
        "properties",
        20_000,
        &[text.as_bytes().to_vec()],
        super::properties::properties,
    );
}

#[test]
fn damaged_batches_of_every_kind_are_refused_or_stored_whole() {
    let dir = tempfile::tempdir().unwrap();
    let node = super::wire::node(dir.path());
    let mut wire = Wire::to(&node);
    topic(&mut wire, "orders");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/testdata/batches");
    let mut samples: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .map(|path| super::hex::bytes(&std::fs::read_to_string(path).unwrap()).to_vec())
        .collect();
    samples.sort();
    let mut expected: Vec<u8> = Vec::new();
    let mut end = 0;
    let (mut taken, mut refused) = (0, 0);
    for seed in seeds(3_000, 1) {
        let mut random = Random::new(seed);
        let at = usize::try_from(random.below(samples.len().try_into().unwrap())).unwrap();
        let mut bytes = samples[at].clone();
        mutate(&mut random, &mut bytes);
        if random.one_in(2) {
            super::checksum::mend(&mut bytes);
        }
        let answer = produce(&mut wire, "orders", Bytes::from(bytes.clone()));
        if code(&answer).code() == 0 {
            taken += 1;
            let count = i32::from_be_bytes(bytes[57..61].try_into().unwrap());
            if answer.base_offset < end {
                // A batch of an idempotent producer that came before: told where it is.
                continue;
            }
            assert_eq!(answer.base_offset, end, "FUZZ_SEED={seed}");
            bytes[..8].copy_from_slice(&end.to_be_bytes());
            bytes[12..16].copy_from_slice(&0_i32.to_be_bytes());
            expected.extend_from_slice(&bytes);
            end += i64::from(count);
        } else {
            refused += 1;
            assert_eq!(answer.base_offset, -1, "FUZZ_SEED={seed}");
        }
    }
    assert!(
        (taken > 0 && refused > taken) || taken + refused < 100,
        "{taken} taken, {refused} refused"
    );
    // What was taken is there to the byte, and nothing else.
    let check = |node: &RunningNode| {
        let mut wire = Wire::to(node);
        let (mut read, mut found) = (0, Vec::new());
        while read < end {
            let (_, high_watermark, records) = fetched(&wire.ask(12, &fetch_request(read, 0)));
            assert_eq!(high_watermark, end);
            for batch in mainstem_protocol::batch::batches(&Bytes::from(records)) {
                // The last of an answer may be cut.
                let Ok((header, bytes)) = batch else { break };
                found.extend_from_slice(&bytes);
                read = header.next_offset();
            }
        }
        assert!(found == expected);
    };
    check(&node);
    node.stop().unwrap();
    let again = super::wire::node(dir.path());
    check(&again);
    again.stop().unwrap();
}
