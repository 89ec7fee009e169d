//! The small files of a log: `.snapshot` of its producers, `.txnindex` of transactions that were given up, and the texts beside them.

use std::io;
use std::path::Path;

use serde_json::json;

use super::Sink;
use crate::when::rfc3339;

/// The largest of these files that is read: none that a node writes comes near it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const PRODUCER_BYTES: usize = 46;
const ABORTED_BYTES: usize = 34;

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let length = std::fs::metadata(path)?.len();
    if length > FILE_BYTES_MAX {
        let what = format!("{length} bytes are too many for a file of its kind");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    std::fs::read(path)
}

/// Big-endian fields, one behind the other. Whoever reads them knows that there are enough.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        match self.0.split_first_chunk::<SIZE>() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; SIZE],
        }
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take())
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take())
    }

    fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.take())
    }
}

/// What a log knew of its producers at the offset that names the file.
pub(super) fn producers(sink: &mut Sink, path: &Path) -> io::Result<()> {
    let bytes = read(path)?;
    let mut head = Fields(&bytes);
    let (version, crc, count) = (head.i16(), head.i32().cast_unsigned(), head.i32());
    if bytes.len() < 10 || version != 1 {
        return sink.damage(0, &format!("not a snapshot of version 1 but {version}"));
    }
    if crc32c::crc32c(bytes.get(6..).unwrap_or_default()) != crc {
        sink.damage(2, "the checksum does not fit")?;
    }
    if i32::try_from(head.0.len() / PRODUCER_BYTES) != Ok(count)
        || head.0.len() % PRODUCER_BYTES > 0
    {
        sink.damage(6, &format!("{count} entries do not fill the file"))?;
    }
    for entry in head.0.chunks_exact(PRODUCER_BYTES) {
        let mut entry = Fields(entry);
        let fields = [
            ("producer_id", json!(entry.i64())),
            ("epoch", json!(entry.i16())),
            ("last_sequence", json!(entry.i32())),
            ("last_offset", json!(entry.i64())),
            ("offset_delta", json!(entry.i32())),
            ("time", json!(rfc3339(entry.i64()))),
            ("coordinator_epoch", json!(entry.i32())),
            ("transaction_begins", json!(entry.i64())),
        ];
        sink.put("producer", &fields)?;
    }
    Ok(())
}

/// Transactions of the segment that were given up.
pub(super) fn aborted(sink: &mut Sink, path: &Path) -> io::Result<()> {
    let bytes = read(path)?;
    let entries = bytes.chunks_exact(ABORTED_BYTES);
    let rest = entries.remainder().len();
    for (at, entry) in (0u64..).step_by(ABORTED_BYTES).zip(entries) {
        let mut entry = Fields(entry);
        let version = entry.i16();
        if version != 0 {
            sink.damage(at, &format!("an entry of version {version}"))?;
        }
        let fields = [
            ("producer_id", json!(entry.i64())),
            ("first_offset", json!(entry.i64())),
            ("last_offset", json!(entry.i64())),
            ("last_stable_offset", json!(entry.i64())),
        ];
        sink.put("aborted", &fields)?;
    }
    match rest {
        0 => Ok(()),
        rest => sink.damage(
            u64::try_from(bytes.len() - rest).unwrap_or(0),
            &format!("{rest} bytes are no whole entry"),
        ),
    }
}

/// A checkpoint: a version, a count, and as many lines.
pub(super) fn checkpoint(sink: &mut Sink, path: &Path) -> io::Result<()> {
    let text = String::from_utf8(read(path)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text"))?;
    let mut lines = text.lines();
    if lines.next() != Some("0") {
        sink.damage(0, "the version in line 1 is not 0")?;
    }
    let count = lines.next().and_then(|count| count.parse::<usize>().ok());
    let entries: Vec<&str> = lines.collect();
    if count != Some(entries.len()) {
        let what = format!(
            "line 2 does not say {}, the count of entries",
            entries.len()
        );
        sink.damage(2, &what)?;
    }
    for entry in entries {
        let words: Vec<&str> = entry.split(' ').collect();
        match words[..] {
            [epoch, offset] => sink.put(
                "epoch",
                &[("epoch", json!(epoch)), ("begins", json!(offset))],
            )?,
            [topic, partition, offset] => {
                let name = format!("{topic}-{partition}");
                sink.put(
                    "checkpoint",
                    &[("partition", json!(name)), ("offset", json!(offset))],
                )?;
            }
            _ => sink.damage(0, &format!("{entry:?} is no entry"))?,
        }
    }
    Ok(())
}
