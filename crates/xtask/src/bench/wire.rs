//! The few frames that the lean generator needs, written by hand in old, plain versions that both systems serve.
//!
//! Nothing is done per record: a batch is built once and sent as it is, so that what is measured is the node.

use anyhow::{Result, bail};

/// Version of Produce: the oldest that Apache Kafka 4 serves, and plain.
const PRODUCE: (i16, i16) = (0, 3);
/// Version of Fetch: the same.
const FETCH: (i16, i16) = (1, 4);
/// Bytes of a batch header.
const BATCH_HEADER: usize = 61;

fn string(frame: &mut Vec<u8>, text: &str) {
    let length = i16::try_from(text.len()).expect("names are short");
    frame.extend(length.to_be_bytes());
    frame.extend(text.as_bytes());
}

fn frame(api: (i16, i16), body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = vec![0; 4];
    frame.extend(api.0.to_be_bytes());
    frame.extend(api.1.to_be_bytes());
    frame.extend(0i32.to_be_bytes());
    string(&mut frame, "bench");
    body(&mut frame);
    let length = i32::try_from(frame.len() - 4).expect("frames are short");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

fn varint(bytes: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        bytes.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}

/// A batch of `records` records with values of `value_bytes`, without a producer id.
pub fn batch(records: usize, value_bytes: usize, now_ms: i64) -> Vec<u8> {
    let mut body = Vec::new();
    for offset_delta in 0..records {
        let mut record = vec![0];
        varint(&mut record, 0);
        varint(&mut record, i64::try_from(offset_delta).expect("few"));
        varint(&mut record, -1);
        varint(&mut record, i64::try_from(value_bytes).expect("small"));
        // Not all the same, so that nobody gains by compressing.
        record.extend((0..value_bytes).map(|at| (at * 31 + offset_delta * 7) as u8));
        record.push(0);
        varint(&mut body, i64::try_from(record.len()).expect("small"));
        body.extend(record);
    }
    let count = i32::try_from(records).expect("few");
    let mut checked = Vec::new();
    checked.extend(0i16.to_be_bytes());
    checked.extend((count - 1).to_be_bytes());
    checked.extend(now_ms.to_be_bytes());
    checked.extend(now_ms.to_be_bytes());
    checked.extend((-1i64).to_be_bytes());
    checked.extend((-1i16).to_be_bytes());
    checked.extend((-1i32).to_be_bytes());
    checked.extend(count.to_be_bytes());
    checked.extend(body);
    let mut batch = Vec::new();
    batch.extend(0i64.to_be_bytes());
    let length = i32::try_from(checked.len() + 9).expect("batches are short");
    batch.extend(length.to_be_bytes());
    batch.extend((-1i32).to_be_bytes());
    batch.push(2);
    batch.extend(crc32c::crc32c(&checked).to_be_bytes());
    batch.extend(checked);
    batch
}

/// A Produce of one batch with acks = all.
pub fn produce(topic: &str, partition: i32, batch: &[u8]) -> Vec<u8> {
    frame(PRODUCE, |frame| {
        frame.extend((-1i16).to_be_bytes()); // no transactional id
        frame.extend((-1i16).to_be_bytes());
        frame.extend(30_000i32.to_be_bytes());
        frame.extend(1i32.to_be_bytes());
        string(frame, topic);
        frame.extend(1i32.to_be_bytes());
        frame.extend(partition.to_be_bytes());
        let length = i32::try_from(batch.len()).expect("batches are short");
        frame.extend(length.to_be_bytes());
        frame.extend(batch);
    })
}

/// Bytes of a frame that are taken off as they are read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((taken, rest)) = self.0.split_first_chunk::<N>() else {
            bail!("the answer is too short");
        };
        self.0 = rest;
        Ok(*taken)
    }

    fn int(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    fn skip(&mut self, count: usize) -> Result<()> {
        match self.0.get(count..) {
            Some(rest) => self.0 = rest,
            None => bail!("the answer is too short"),
        }
        Ok(())
    }

    fn skip_string(&mut self) -> Result<()> {
        let length = i16::from_be_bytes(self.take()?);
        self.skip(usize::try_from(length)?)
    }
}

/// Fails when the answer to a Produce of one batch tells an error.
pub fn check_produced(answer: &[u8]) -> Result<()> {
    let mut cursor = Cursor(answer);
    cursor.skip(4 + 4)?;
    cursor.skip_string()?;
    cursor.skip(4 + 4)?;
    match i16::from_be_bytes(cursor.take()?) {
        0 => Ok(()),
        code => bail!("Produce was answered with error {code}"),
    }
}

/// A Fetch of one partition.
pub fn fetch(topic: &str, partition: i32, offset: i64, max_bytes: i32) -> Vec<u8> {
    frame(FETCH, |frame| {
        frame.extend((-1i32).to_be_bytes());
        frame.extend(500i32.to_be_bytes());
        frame.extend(1i32.to_be_bytes());
        frame.extend(max_bytes.to_be_bytes());
        frame.push(0);
        frame.extend(1i32.to_be_bytes());
        string(frame, topic);
        frame.extend(1i32.to_be_bytes());
        frame.extend(partition.to_be_bytes());
        frame.extend(offset.to_be_bytes());
        frame.extend(max_bytes.to_be_bytes());
    })
}

/// What a Fetch of one partition brought.
pub struct Fetched {
    /// Bytes of whole batches.
    pub bytes: usize,
    /// Offset behind the last whole batch; `None` when there was none.
    pub next_offset: Option<i64>,
}

/// Reads the answer to a Fetch of one partition.
pub fn fetched(answer: &[u8]) -> Result<Fetched> {
    let mut cursor = Cursor(answer);
    cursor.skip(4 + 4 + 4)?;
    cursor.skip_string()?;
    cursor.skip(4 + 4)?;
    let code = i16::from_be_bytes(cursor.take()?);
    if code != 0 {
        bail!("Fetch was answered with error {code}");
    }
    cursor.skip(8 + 8)?;
    let aborted = cursor.int()?;
    cursor.skip(usize::try_from(aborted.max(0))? * 16)?;
    let length = usize::try_from(cursor.int()?.max(0))?;
    let mut records = cursor.0.get(..length).unwrap_or_default();
    let mut found = Fetched {
        bytes: 0,
        next_offset: None,
    };
    while records.len() >= BATCH_HEADER {
        let base = i64::from_be_bytes(records[..8].try_into()?);
        let size = 12 + usize::try_from(i32::from_be_bytes(records[8..12].try_into()?))?;
        let last_delta = i32::from_be_bytes(records[23..27].try_into()?);
        if size > records.len() {
            break;
        }
        found.bytes += size;
        found.next_offset = Some(base + i64::from(last_delta) + 1);
        records = &records[size..];
    }
    Ok(found)
}
