//! The disk of the machine.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::buffer::spare_capacity;

use super::no_descriptor::mark;
use super::{Disk, DiskFile, Entry, SystemFile};

/// The disk of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile(Arc<File>);

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..)
            && !rest.is_empty()
        {
            match self.0.read_at(
                rest,
                offset + u64::try_from(done).map_err(io::Error::other)?,
            ) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn read_to(&self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        // Into memory that nobody has filled with zeroes before: that would be a large part of what reading costs.
        let held = buffer.len();
        buffer.reserve_exact(length);
        while buffer.len() < held + length {
            let done = u64::try_from(buffer.len() - held).map_err(io::Error::other)?;
            match rustix::io::pread(&*self.0, spare_capacity(buffer), offset + done) {
                Ok(0) => break,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        buffer.truncate(held + length); // the spare capacity may be larger than what was reserved
        Ok(())
    }

    fn system_file(&self) -> io::Result<Option<SystemFile>> {
        Ok(Some(SystemFile {
            file: self.0.clone(),
            _loan: None,
        }))
    }

    fn write_at(&self, offset: u64, head: &[u8], tail: &[u8]) -> io::Result<()> {
        let written = if tail.is_empty() {
            0
        } else {
            rustix::io::pwritev(&*self.0, &[IoSlice::new(head), IoSlice::new(tail)], offset)?
        };
        // A short write is finished piece by piece: it happens on a disk that is nearly full.
        let at = |done: usize| {
            u64::try_from(done)
                .map(|done| offset + done)
                .map_err(io::Error::other)
        };
        if let Some(rest) = head.get(written..) {
            self.0.write_all_at(rest, at(written)?)?;
        }
        let tail_done = written.saturating_sub(head.len());
        match tail.get(tail_done..) {
            Some(rest) if !rest.is_empty() => {
                self.0.write_all_at(rest, at(head.len() + tail_done)?)
            }
            _ => Ok(()),
        }
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn modified_ms(&self) -> io::Result<i64> {
        let modified = self.0.metadata()?.modified()?;
        let since_1970 = modified.duration_since(std::time::UNIX_EPOCH);
        Ok(since_1970.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        }))
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn DiskFile>> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(create)
            .truncate(false)
            .open(path)
            .map_err(mark)?;
        Ok(Arc::new(RealFile(Arc::new(file))))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path).map_err(mark)? {
            let entry = entry?;
            // Names that are not text cannot be ours or Kafka's.
            if let Ok(name) = entry.file_name().into_string() {
                entries.push(Entry {
                    name,
                    is_dir: entry.file_type()?.is_dir(),
                });
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        // Removing what is there is begun again from the start, so that some of it may be gone does not matter.
        std::fs::remove_dir_all(path).map_err(mark)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path).map_err(mark)?.sync_all()
    }
}
