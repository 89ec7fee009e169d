//! What the log needs of a disk, so that a faulty one can stand in for the real one.
//!
//! The model: a write reaches the page cache; `sync` makes a file's bytes stable; `sync_dir` makes the names in a directory stable. A
//! new file counts only after its directory *and the directory's parent* were synced.

mod budget;
mod mem;
mod no_descriptor;
mod real;

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;

pub use budget::BudgetDisk;
use budget::Loan;
pub use mem::MemDisk;
pub use no_descriptor::{is_no_descriptor, no_descriptor};
pub use real::RealDisk;

/// A file that is open.
pub trait DiskFile: Send + Sync + Debug {
    /// Fills `buffer` from `offset`; fewer bytes only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Reads `length` bytes from `offset` behind what is in `buffer`; fewer only at the end of the file.
    fn read_to(&self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        let held = buffer.len();
        buffer.resize(held + length, 0);
        let read = self.read_at(offset, buffer.get_mut(held..).unwrap_or_default())?;
        buffer.truncate(held + read);
        Ok(())
    }
    /// The file itself, for the system to send from; `None` where there is no such thing, or too many are held already.
    fn system_file(&self) -> io::Result<Option<SystemFile>> {
        Ok(None)
    }
    /// Writes `head` and then `tail` at `offset`, in one go if the disk can.
    fn write_at(&self, offset: u64, head: &[u8], tail: &[u8]) -> io::Result<()>;
    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// When it was written to last, milliseconds since 1970.
    fn modified_ms(&self) -> io::Result<i64>;
    /// Cuts or extends the file.
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// Makes the file's bytes stable.
    fn sync(&self) -> io::Result<()>;
}

/// A file of the system, which stays open as long as this value lives.
#[derive(Debug, Clone)]
pub struct SystemFile {
    file: Arc<File>,
    _loan: Option<Arc<Loan>>,
}

impl AsFd for SystemFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// What is in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Name in the directory.
    pub name: String,
    /// True for a directory.
    pub is_dir: bool,
}

/// A disk.
pub trait Disk: Send + Sync + Debug {
    /// Opens a file; makes it when `create` is set.
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn DiskFile>>;
    /// Makes a directory and those above it.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// What is in a directory, sorted by name.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Renames a file or directory; replaces a file that is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory and all that is in it.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory stable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// Reads a small file whole; `None` when there is none.
pub fn read_small(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open(path, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.length()?;
    if length > crate::limits::SMALL_FILE_BYTES_MAX {
        let what = format!(
            "{} is {length} bytes long, which it cannot be",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// Replaces a small file so that after a crash either the old or the new content is there: write beside, sync, rename, sync the
/// directory.
pub fn write_small(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) => format!("{extension}.tmp"),
            None => "tmp".to_owned(),
        },
    );
    if let Err(error) = write_beside(disk, &beside, bytes) {
        // A disk that is full must not be kept so by what was not finished.
        let _ = disk.remove_file(&beside);
        return Err(error);
    }
    disk.rename(&beside, path)?;
    match path.parent() {
        Some(parent) => disk.sync_dir(parent),
        None => Ok(()),
    }
}

fn write_beside(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = disk.open(path, true)?;
    file.set_length(0)?;
    file.write_at(0, bytes, &[])?;
    file.sync()
}
