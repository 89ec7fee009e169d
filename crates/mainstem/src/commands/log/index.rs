//! `.index` and `.timeindex` files, held against the `.log` beside them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use mainstem_protocol::batch::{BatchHeader, HEADER_BYTES};
use serde_json::json;

use super::Sink;
use crate::when::rfc3339;

/// The entries of an index, `SIZE` bytes each, with their positions. Entries of zeros, but for one alone
/// at the beginning, are space that was set aside for more.
fn entries<const SIZE: usize>(
    sink: &mut Sink,
    path: &Path,
    mut each: impl FnMut(&mut Sink, u64, [u8; SIZE]) -> io::Result<()>,
) -> io::Result<()> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let size = u64::try_from(SIZE).map_err(io::Error::other)?;
    let whole = length / size;
    let mut zero_first = false;
    for at in 0..whole {
        let mut entry = [0; SIZE];
        file.read_exact(&mut entry)?;
        let is_zero = entry == [0; SIZE];
        if at == 0 && is_zero && whole > 1 {
            zero_first = true; // an entry only if the next is one
            continue;
        }
        if at > 0 && is_zero {
            return Ok(());
        }
        if std::mem::take(&mut zero_first) {
            each(sink, 0, [0; SIZE])?;
        }
        each(sink, at * size, entry)?;
    }
    if length % size > 0 {
        let what = format!("{} bytes are no whole entry", length % size);
        sink.damage(whole * size, &what)?;
    }
    Ok(())
}

/// The offset that entries count from: files are named by it.
fn base(sink: &mut Sink, path: &Path) -> io::Result<i64> {
    let name = path.file_stem().and_then(|name| name.to_str());
    match name.and_then(|name| name.parse().ok()) {
        Some(base) => Ok(base),
        None => {
            sink.damage(0, "the name is no offset; entries are counted from 0")?;
            Ok(0)
        }
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk::<4>()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

pub(super) fn offsets(sink: &mut Sink, path: &Path) -> io::Result<()> {
    let base = base(sink, path)?;
    let log = File::open(path.with_extension("log")).ok();
    let mut last = None;
    entries::<8>(sink, path, |sink, at, entry| {
        let (relative, position) = (word(&entry), word(&entry[4..]));
        let offset = base.saturating_add(relative.into());
        let fields = [("offset", json!(offset)), ("position", json!(position))];
        sink.put("index", &fields)?;
        if last.is_some_and(|(before, at)| before >= relative || at >= position) {
            sink.damage(at, "the entry is not behind the one before")?;
        }
        last = Some((relative, position));
        let Some(log) = &log else { return Ok(()) };
        let mut head = [0; HEADER_BYTES];
        let header = match log.read_exact_at(&mut head, position.into()) {
            Ok(()) => BatchHeader::parse(&head).ok(),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        if !header.is_some_and(|header| header.base_offset <= offset && header.base_offset >= base)
        {
            let what = format!("no batch with offset {offset} begins at {position} of the log");
            sink.damage(at, &what)?;
        }
        Ok(())
    })
}

pub(super) fn times(sink: &mut Sink, path: &Path) -> io::Result<()> {
    let base = base(sink, path)?;
    let mut last = None;
    entries::<12>(sink, path, |sink, at, entry| {
        let time = entry
            .first_chunk::<8>()
            .map_or(0, |bytes| i64::from_be_bytes(*bytes));
        let relative = word(&entry[8..]);
        let offset = base.saturating_add(relative.into());
        let fields = [("time", json!(rfc3339(time))), ("offset", json!(offset))];
        sink.put("timeindex", &fields)?;
        if last.is_some_and(|(before, offset)| before >= time || offset > relative) {
            sink.damage(at, "the entry is not behind the one before")?;
        }
        last = Some((time, relative));
        Ok(())
    })
}
