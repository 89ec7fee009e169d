//! Batches that other clients built, beside what we make of the same records. `testdata/batches/README.md` tells where they are from.

use std::path::Path;

use bytes::Bytes;
use mainstem_protocol::batch::{
    BatchBuilder, BatchHeader, BatchOptions, ControlKind, RecordRef, TimestampType, check_keys,
    check_produced, control_batch, control_kind, patch_append_time, patch_base_offset,
    patch_leader_epoch, recompress, records,
};
use mainstem_protocol::compress::Codec;

use crate::hex;

const LIMIT_BYTES: usize = 64 * 1024;
const WRITERS: [&str; 3] = ["java", "kafka-python", "librdkafka"];

fn golden(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/batches/{name}.hex"));
    hex::bytes(&std::fs::read_to_string(path).expect("a golden batch"))
}

/// A record that owns its parts.
#[derive(Debug, PartialEq)]
struct Row {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// The 40 records of every golden batch.
fn rows() -> Vec<Row> {
    let row = |number: i64| Row {
        timestamp: 1_357_000_000_000 + number * 37 % 11 * 1_000,
        key: (number % 5 != 4).then(|| format!("N{}UA", 100 + number).into_bytes()),
        value: (number % 7 != 6).then(|| {
            let flight = 1_500 + number;
            format!(r#"{{"carrier":"UA","flight":{flight},"origin":"EWR","dest":"IAH"}}"#).into()
        }),
        headers: match number % 3 {
            0 => vec![],
            1 => vec![(b"source".to_vec(), Some(b"python".to_vec()))],
            _ => vec![(b"a".to_vec(), None), (vec![], Some(vec![]))],
        },
    };
    (0..40).map(row).collect()
}

fn owned(record: &RecordRef<'_>) -> Row {
    let copy = |slice: Option<&[u8]>| slice.map(<[u8]>::to_vec);
    let headers = record.headers.iter();
    Row {
        timestamp: record.timestamp,
        key: copy(record.key),
        value: copy(record.value),
        headers: headers.map(|h| (h.key.to_vec(), copy(h.value))).collect(),
    }
}

fn read(batch: &Bytes) -> Vec<Row> {
    let header = BatchHeader::parse(batch).unwrap();
    let unpacked = records(&header, batch, LIMIT_BYTES).unwrap();
    let mut offset = header.base_offset;
    let rows = unpacked.iter().map(|record| {
        let record = record.unwrap();
        assert_eq!(record.offset, offset, "offsets are dense");
        offset += 1;
        owned(&record)
    });
    rows.collect()
}

fn built(options: BatchOptions) -> Bytes {
    let mut builder = BatchBuilder::new(options);
    for row in rows() {
        let headers: Vec<_> = row
            .headers
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
            .collect();
        builder.append(
            row.timestamp,
            row.key.as_deref(),
            row.value.as_deref(),
            &headers,
        );
    }
    builder.build().unwrap()
}

/// As the golden batches of Java say of themselves.
fn producer() -> BatchOptions {
    BatchOptions {
        producer_id: 4_711,
        producer_epoch: 3,
        base_sequence: 90,
        ..BatchOptions::default()
    }
}

#[test]
fn batches_of_other_clients_are_read() {
    for writer in WRITERS {
        for codec in Codec::ALL {
            let name = format!("{writer}-{codec}");
            let batch = golden(&name);
            let header = check_produced(&batch).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(header.attributes.codec(), Ok(codec), "{name}");
            assert_eq!(header.record_count, 40, "{name}");
            assert_eq!(header.max_timestamp, 1_357_000_010_000, "{name}");
            assert_eq!(header.last_sequence(), header.base_sequence + 39, "{name}");
            assert_eq!(read(&batch), rows(), "{name}");
            assert!(check_keys(&header, &batch, LIMIT_BYTES).is_err(), "{name}");
        }
    }
}

#[test]
fn the_same_records_are_the_same_bytes() {
    assert_eq!(built(producer()), golden("java-none"));
    let stored = {
        let mut batch = built(producer()).to_vec();
        patch_leader_epoch(&mut batch, 0); // what kafka-python puts there
        Bytes::from(batch)
    };
    assert_eq!(stored, golden("kafka-python-none"));
}

#[test]
fn every_codec_of_every_client_is_rewritten_to_every_other() {
    for writer in WRITERS {
        for (from, to) in Codec::ALL
            .iter()
            .flat_map(|from| Codec::ALL.map(|to| (*from, to)))
        {
            let batch = golden(&format!("{writer}-{from}"));
            let header = BatchHeader::parse(&batch).unwrap();
            let other = recompress(&header, &batch, to, None, LIMIT_BYTES).unwrap();
            let changed = check_produced(&other).unwrap();
            assert_eq!(changed.attributes.codec(), Ok(to));
            let kept = BatchHeader {
                length: changed.length,
                crc: changed.crc,
                attributes: changed.attributes,
                ..header
            };
            assert_eq!(changed, kept, "{writer} {from} {to}");
            assert_eq!(read(&other), rows(), "{writer} {from} {to}");
        }
    }
}

#[test]
fn append_time_is_read_and_written_as_java_has_it() {
    let java = golden("java-append-time");
    let header = BatchHeader::parse(&java).unwrap();
    header.check_crc(&java).unwrap();
    assert_eq!(
        header.attributes.timestamp_type(),
        TimestampType::LogAppendTime
    );
    let stamped = |mut row: Row| {
        row.timestamp = 1_400_000_000_000;
        row
    };
    let expected: Vec<Row> = rows().into_iter().map(stamped).collect();
    assert_eq!(read(&java), expected);
    let mut ours = built(BatchOptions::default()).to_vec();
    let header = BatchHeader::parse(&ours).unwrap();
    patch_base_offset(&mut ours, 70);
    patch_leader_epoch(&mut ours, 7);
    patch_append_time(&mut ours, &header, 1_400_000_000_000);
    let ours = Bytes::from(ours);
    BatchHeader::parse(&ours).unwrap().check_crc(&ours).unwrap();
    assert_eq!(read(&ours), expected);
}

#[test]
fn markers_are_javas_to_the_byte() {
    for (name, kind) in [
        ("java-commit", ControlKind::Commit),
        ("java-abort", ControlKind::Abort),
    ] {
        let java = golden(name);
        let header = BatchHeader::parse(&java).unwrap();
        assert!(header.attributes.is_control() && header.attributes.is_transactional());
        let unpacked = records(&header, &java, LIMIT_BYTES).unwrap();
        let record = unpacked.iter().next().unwrap().unwrap();
        assert_eq!(control_kind(&record), Some(kind));
        let options = BatchOptions {
            base_offset: 12,
            leader_epoch: 5,
            transactional: true,
            base_sequence: -1,
            ..producer()
        };
        let ours = control_batch(options, kind, 1_357_000_000_000, &[0, 0, 0, 0, 0, 9]).unwrap();
        assert_eq!(ours, java);
    }
}

#[test]
fn batches_of_other_clients_cut_or_changed_are_refused() {
    for codec in Codec::ALL {
        let batch = golden(&format!("java-{codec}"));
        for end in 0..batch.len() {
            assert!(check_produced(&batch[..end]).is_err(), "{codec} {end}");
        }
        // Base offset (which a client's batch has as 0) to the end; the leader epoch at 12 belongs to the leader alone.
        for at in (0..batch.len()).filter(|at| !(12..16).contains(at)) {
            for bit in [0x01, 0x80] {
                let mut changed = batch.to_vec();
                changed[at] ^= bit;
                assert!(check_produced(&changed).is_err(), "{codec} {at}");
            }
        }
    }
}

/// Past the CRC, too: what a hostile client packs is walked without a panic, and nothing but an error or records comes of it.
#[test]
fn damaged_payloads_never_panic() {
    for writer in WRITERS {
        for codec in Codec::ALL {
            let batch = golden(&format!("{writer}-{codec}"));
            let header = BatchHeader::parse(&batch).unwrap();
            for at in 61..batch.len() {
                let mut changed = batch.to_vec();
                changed[at] ^= 0x55;
                let changed = Bytes::from(changed);
                if let Ok(unpacked) = records(&header, &changed, LIMIT_BYTES) {
                    assert!(unpacked.payload().len() <= LIMIT_BYTES);
                    let walked = unpacked.iter().take_while(Result::is_ok).count();
                    assert!(walked <= 40);
                }
            }
        }
    }
}
