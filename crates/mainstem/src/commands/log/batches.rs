//! Batches of a `.log` or `.checkpoint` file, one after the other, and the records in them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use bytes::Bytes;
use mainstem_protocol::DecodeError;
use mainstem_protocol::batch::{
    BatchHeader, HEADER_BYTES, RecordRef, TimestampType, control_kind, records,
};
use mainstem_protocol::messages::{
    GroupKey, GroupValue, MetadataRecord, TransactionKey, TransactionValue,
};
use serde_json::{Value, json};

use super::Sink;
use crate::cli::RecordKind;
use crate::when::rfc3339;

/// The records of one batch may unpack to this.
const UNPACK_BYTES_MAX: usize = 256 << 20;

/// Shows every batch, and with a kind of records these too.
pub(super) fn dump(sink: &mut Sink, path: &Path, deep: Option<RecordKind>) -> io::Result<()> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let mut position = 0;
    let mut next_offset = i64::MIN;
    while position < length {
        let left = length - position;
        let head = take(&mut file, HEADER_BYTES, left)?;
        let header = match BatchHeader::parse(&head) {
            Ok(header) => header,
            Err(error) => return unreadable(sink, position, left, &error.to_string()),
        };
        let size = header.size_in_bytes();
        if u64::try_from(size).unwrap_or(u64::MAX) > left {
            let what = format!("a batch of {size} bytes begins, {left} are there");
            return unreadable(sink, position, left, &what);
        }
        // The header is there, so the length that it says is not less.
        let rest = take(&mut file, size.saturating_sub(head.len()), left)?;
        let batch = Bytes::from([head, rest].concat());
        show(sink, position, &header)?;
        if header.base_offset < next_offset {
            let what = format!(
                "offset {} comes again, {next_offset} was next",
                header.base_offset
            );
            sink.damage(position, &what)?;
        }
        next_offset = header.next_offset();
        if let Err(error) = header.check_crc(&batch) {
            sink.damage(position, &error.to_string())?;
        } else if let Some(kind) = deep {
            show_records(sink, position, (&header, &batch), kind)?;
        }
        position += u64::try_from(batch.len()).unwrap_or(u64::MAX);
    }
    Ok(())
}

/// So many bytes, fewer only when fewer are left.
fn take(file: &mut impl Read, wanted: usize, left: u64) -> io::Result<Vec<u8>> {
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX).min(left);
    let mut bytes = Vec::new();
    file.take(wanted).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(sink: &mut Sink, position: u64, left: u64, what: &str) -> io::Result<()> {
    let what = format!("{what}; nothing from here on can be read ({left} bytes)");
    sink.damage(position, &what)
}

fn show(sink: &mut Sink, position: u64, header: &BatchHeader) -> io::Result<()> {
    let codec = match header.attributes.codec() {
        Ok(codec) => codec.name().to_owned(),
        Err(error) => error.to_string(),
    };
    let of_producer = |value: i64| match header.has_producer() {
        true => json!(value),
        false => Value::Null,
    };
    let marked = |is_so: bool| if is_so { json!(true) } else { Value::Null };
    let attributes = header.attributes;
    let appended = attributes.timestamp_type() == TimestampType::LogAppendTime;
    sink.put(
        "batch",
        &[
            ("position", json!(position)),
            ("first", json!(header.base_offset)),
            ("last", json!(header.last_offset())),
            ("records", json!(header.record_count)),
            ("bytes", json!(header.size_in_bytes())),
            ("codec", json!(codec)),
            ("epoch", json!(header.leader_epoch)),
            ("time", json!(rfc3339(header.max_timestamp))),
            ("append_time", marked(appended)),
            ("producer", of_producer(header.producer_id)),
            ("producer_epoch", of_producer(header.producer_epoch.into())),
            ("sequence", of_producer(header.base_sequence.into())),
            ("transactional", marked(attributes.is_transactional())),
            ("control", marked(attributes.is_control())),
        ],
    )
}

fn show_records(
    sink: &mut Sink,
    position: u64,
    (header, batch): (&BatchHeader, &Bytes),
    kind: RecordKind,
) -> io::Result<()> {
    let unpacked = match records(header, batch, UNPACK_BYTES_MAX) {
        Ok(unpacked) => unpacked,
        Err(error) => return sink.damage(position, &error.to_string()),
    };
    for record in unpacked.iter() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return sink.damage(position, &error.to_string()),
        };
        let mut fields = vec![
            ("offset", json!(record.offset)),
            ("time", json!(rfc3339(record.timestamp))),
        ];
        let mut broken = None;
        if header.attributes.is_control() {
            let kind = control_kind(&record).map(|kind| format!("{kind:?}"));
            fields.push(("control", json!(kind)));
        } else {
            match decoded(&record, kind) {
                Ok(Some(mut known)) => fields.append(&mut known),
                Ok(None) => fields.append(&mut plain(&record)),
                Err(error) => {
                    fields.append(&mut plain(&record));
                    broken = Some(format!("offset {}: {error}", record.offset));
                }
            }
        }
        sink.put("record", &fields)?;
        if let Some(what) = broken {
            sink.damage(position, &what)?;
        }
    }
    Ok(())
}

type Fields = Vec<(&'static str, Value)>;

/// Key, value and headers as text; what is not UTF-8 is shown with replacement characters.
fn plain(record: &RecordRef<'_>) -> Fields {
    let text = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => json!(String::from_utf8_lossy(bytes)),
        None => Value::Null,
    };
    let headers = record
        .headers
        .iter()
        .map(|header| json!({"key": text(Some(header.key)), "value": text(header.value)}));
    let headers: Vec<Value> = headers.collect();
    let mut fields = vec![("key", text(record.key)), ("value", text(record.value))];
    if !headers.is_empty() {
        fields.push(("headers", Value::Array(headers)));
    }
    fields
}

/// A record of the cluster's own logs in its fields; `None` for records of whoever wrote them.
fn decoded(record: &RecordRef<'_>, kind: RecordKind) -> Result<Option<Fields>, DecodeError> {
    let bytes = |part: Option<&[u8]>| Bytes::copy_from_slice(part.unwrap_or_default());
    let key = bytes(record.key);
    let value = record.value.map(|value| bytes(Some(value)));
    let (key, value) = match kind {
        RecordKind::Records => return Ok(None),
        RecordKind::ClusterMetadata => {
            let value = MetadataRecord::decode_value(value.unwrap_or_default())?;
            (None, Some(format!("{value:?}")))
        }
        RecordKind::ConsumerOffsets => {
            let key = GroupKey::decode_key(key)?;
            let value = value.map(|value| GroupValue::decode_value(key.kind(), value));
            let value = value.transpose()?.map(|value| format!("{value:?}"));
            (Some(format!("{key:?}")), value)
        }
        RecordKind::TransactionState => {
            let key = TransactionKey::decode_key(key)?;
            let value = value.map(|value| TransactionValue::decode_value(key.kind(), value));
            let value = value.transpose()?.map(|value| format!("{value:?}"));
            (Some(format!("{key:?}")), value)
        }
    };
    Ok(Some(vec![("key", json!(key)), ("value", json!(value))]))
}
