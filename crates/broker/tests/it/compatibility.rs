//! `docs/compatibility.md` says what the dispatch table says. `UPDATE=1 cargo test` writes it.

use std::fmt::Write as _;
use std::path::Path;

use mainstem_broker::{api_ranges, not_served};
use mainstem_metadata::config::{Served, TOPIC_CONFIGS, broker_areas};
use mainstem_protocol::ApiKey;

const HEAD: &str = "# What is compatible with Apache Kafka 4.4, and what is not yet

This page is made from the tables in the code; a test holds it to them.

## Where a default differs from Kafka's

| what | here | Apache Kafka |
|---|---|---|
| when a record is acknowledged (`acks=all`) and visible | when it is on disk; `durability=page-cache` restores Kafka's behaviour | when it is in the page cache |
| `listeners` | loopback only, port 9092 | all addresses, port 9092 |
| `offsets.topic.replication.factor` and the like | 1 | 3, which one node can never reach |
| `process.roles`, `node.id`, `controller.quorum.voters` | broker and controller in one, 1, itself | must be given |
| records of a batch | checked by the header; see `docs/adr/0002-batches-are-opaque.md` | each is walked |
| `queued.max.request.bytes` | bounds requests, what they are decoded into, and answers not yet written; by default 512 MiB; may be below `socket.request.max.bytes` | bounds requests; by default not at all; never below |
| `max.connections` | never more than the limit of file descriptors allows | may exhaust them |
| configuration of groups, of clients' metrics and of loggers | none; nothing here would follow it | kept and followed |
| counts of threads and `listeners`, set while the node runs | checked as Kafka checks them, and kept; there are no such threads, and what is listened on is said at a start | take effect |
| feature levels | metadata.version alone, where a new cluster begins; others come with their features, and are kept where Apache Kafka set them | see `kafka-features.sh` |
| names in a JoinGroup that no record can hold (above 32,767 bytes as decoded) | refused in the answer to it | let in until the leader's SyncGroup fails; ListGroups fails meanwhile |
| file deletion | at once in the background | after `file.delete.delay.ms` |

";

fn page() -> String {
    let mut out = HEAD.to_owned();
    out.push_str("## APIs that are served\n\n| key | API | versions |\n|--:|---|---|\n");
    for range in api_ranges() {
        writeln!(
            out,
            "| {} | {} | {}-{} |",
            range.api.code(),
            range.api,
            range.min,
            range.max
        )
        .unwrap();
    }
    out.push_str("\n## APIs that are not served\n\n| key | API | why |\n|--:|---|---|\n");
    for api in ApiKey::all() {
        if let Some(reason) = not_served(api) {
            writeln!(out, "| {} | {api} | {reason} |", api.code()).unwrap();
        }
    }
    out.push_str("\n## Topic properties\n\nEvery property of Kafka 4.4 is known, checked, kept and shown. These have no effect yet:\n\n| property | why |\n|---|---|\n");
    for row in TOPIC_CONFIGS {
        if let Served::NotYet(reason) = row.served {
            writeln!(out, "| `{}` | {reason} |", row.name).unwrap();
        }
    }
    let all = || broker_areas().flat_map(|(_, rows)| rows);
    let honoured = all().filter(|row| row.served == Served::Yes).count();
    write!(
        out,
        "\n## Broker properties\n\nAll {} are known, checked, kept and shown; one that is unknown is warned of at the start. {honoured} have their \
        effect; of those that may change while a node runs, the defaults of topics do so at once, for one broker and for all. What each is for: \
        `docs/configuration.md`. These have no effect yet:\n",
        all().count()
    )
    .unwrap();
    for (area, rows) in broker_areas() {
        write!(out, "\n### {area}\n\n| property | why |\n|---|---|\n").unwrap();
        for row in rows {
            if let Served::NotYet(reason) = row.served {
                writeln!(out, "| `{}` | {reason} |", row.name).unwrap();
            }
        }
    }
    out
}

#[test]
fn the_page_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page(),
        "docs/compatibility.md is old; UPDATE=1 cargo test writes it"
    );
}
