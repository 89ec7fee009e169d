//! A disk in memory that forgets what was not synced, tears the last write, and fails when told to.
//!
//! Fault model. A file has bytes that are stable and writes that are not; a directory has names that are stable and names that are
//! not. [`MemDisk::crash`] makes a disk on which every unstable write independently happened, did not happen, or (the last of a
//! file) happened in part, and every unstable name likewise. What was synced is always there. [`MemDisk::fail_from`] makes every
//! operation from the k-th on fail, so "crash after the k-th write, for every k" is a loop.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, Entry};

type FileId = u64;

#[derive(Debug, Clone)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    SetLength(u64),
}

#[derive(Debug, Clone, Default)]
struct Content {
    now: Vec<u8>,
    stable: Vec<u8>,
    unstable: Vec<Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(FileId),
}

#[derive(Debug, Clone, Default)]
struct State {
    files: BTreeMap<FileId, Content>,
    names: BTreeMap<PathBuf, Node>,
    stable_names: BTreeMap<PathBuf, Node>,
    next_file: FileId,
    operations: u64,
    fail_from: Option<u64>,
    sync_fails: bool,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct MemFile {
    disk: MemDisk,
    id: FileId,
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write {
            offset,
            bytes: written,
        } => {
            let start = usize::try_from(*offset).unwrap_or(usize::MAX);
            let end = start + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            if let Some(target) = bytes.get_mut(start..end) {
                target.copy_from_slice(written);
            }
        }
        Change::SetLength(length) => {
            bytes.resize(usize::try_from(*length).unwrap_or(usize::MAX), 0);
        }
    }
}

/// A small generator: the seed decides which unstable writes survive.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn survivor(content: &Content, seed: &mut u64) -> Content {
    let mut bytes = content.stable.clone();
    let last = content.unstable.len().saturating_sub(1);
    for (at, change) in content.unstable.iter().enumerate() {
        match (change, next(seed) % 3) {
            (_, 0) => {}
            (
                Change::Write {
                    offset,
                    bytes: written,
                },
                1,
            ) if at == last => {
                let keep = usize::try_from(next(seed)).unwrap_or(0) % (written.len() + 1);
                let torn = written.get(..keep).unwrap_or_default().to_vec();
                apply(
                    &mut bytes,
                    &Change::Write {
                        offset: *offset,
                        bytes: torn,
                    },
                );
            }
            (change, _) => apply(&mut bytes, change),
        }
    }
    Content {
        now: bytes.clone(),
        stable: bytes,
        unstable: Vec::new(),
    }
}

impl MemDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changing operations so far.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Makes the `count`-th changing operation and all after it fail.
    pub fn fail_from(&self, count: u64) {
        self.lock().fail_from = Some(count);
    }

    /// Makes every sync fail from now on.
    pub fn fail_syncs(&self) {
        self.lock().sync_fails = true;
    }

    /// The disk as it may look after the power was cut; the seed decides.
    pub fn crash(&self, mut seed: u64) -> Self {
        let state = self.lock();
        let files = state
            .files
            .iter()
            .map(|(id, content)| (*id, survivor(content, &mut seed)))
            .collect();
        let mut names = state.stable_names.clone();
        let touched: Vec<PathBuf> = state
            .names
            .keys()
            .chain(state.stable_names.keys())
            .cloned()
            .collect();
        for path in touched {
            let (now, stable) = (state.names.get(&path), state.stable_names.get(&path));
            if now == stable || next(&mut seed).is_multiple_of(2) {
                continue;
            }
            match now {
                Some(node) => names.insert(path, *node),
                None => names.remove(&path),
            };
        }
        // A name whose directory did not survive is gone with it.
        let all = names.clone();
        names.retain(|path, _| {
            path.ancestors().skip(1).all(|above| {
                above.as_os_str().is_empty() || above == Path::new("/") || all.contains_key(above)
            })
        });
        let next_file = state.next_file;
        let survived = State {
            files,
            stable_names: names.clone(),
            names,
            next_file,
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(survived)),
        }
    }

    /// Counts a changing operation; fails when it is time to.
    fn operate(state: &mut State) -> io::Result<()> {
        state.operations += 1;
        match state.fail_from {
            Some(count) if state.operations >= count => Err(io::Error::other("the disk is gone")),
            _ => Ok(()),
        }
    }
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("{} does not exist", path.display()),
    )
}

impl DiskFile for MemFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.lock();
        let bytes = state
            .files
            .get(&self.id)
            .map(|content| content.now.as_slice())
            .unwrap_or_default();
        let start = usize::try_from(offset)
            .map_err(io::Error::other)?
            .min(bytes.len());
        let rest = bytes.get(start..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(target), Some(source)) = (buffer.get_mut(..count), rest.get(..count)) {
            target.copy_from_slice(source);
        }
        Ok(count)
    }

    fn write_at(&self, offset: u64, head: &[u8], tail: &[u8]) -> io::Result<()> {
        let mut state = self.disk.lock();
        MemDisk::operate(&mut state)?;
        let bytes = [head, tail].concat();
        let content = state.files.entry(self.id).or_default();
        let change = Change::Write { offset, bytes };
        apply(&mut content.now, &change);
        content.unstable.push(change);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        let state = self.disk.lock();
        let length = state
            .files
            .get(&self.id)
            .map_or(0, |content| content.now.len());
        u64::try_from(length).map_err(io::Error::other)
    }

    fn modified_ms(&self) -> io::Result<i64> {
        Ok(0) // nobody has a clock here
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        MemDisk::operate(&mut state)?;
        let content = state.files.entry(self.id).or_default();
        let change = Change::SetLength(length);
        apply(&mut content.now, &change);
        content.unstable.push(change);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.lock();
        MemDisk::operate(&mut state)?;
        if state.sync_fails {
            return Err(io::Error::other("the sync failed"));
        }
        let content = state.files.entry(self.id).or_default();
        content.stable.clone_from(&content.now);
        content.unstable.clear();
        Ok(())
    }
}

impl Disk for MemDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.lock();
        let id = match (state.names.get(path), create) {
            (Some(Node::File(id)), _) => *id,
            (None, true) => {
                MemDisk::operate(&mut state)?;
                let id = state.next_file;
                state.next_file += 1;
                state.names.insert(path.to_owned(), Node::File(id));
                id
            }
            _ => return Err(not_found(path)),
        };
        Ok(Arc::new(MemFile {
            disk: self.clone(),
            id,
        }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        MemDisk::operate(&mut state)?;
        for above in path.ancestors() {
            if !above.as_os_str().is_empty() {
                state.names.entry(above.to_owned()).or_insert(Node::Dir);
            }
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let state = self.lock();
        if state.names.get(path) != Some(&Node::Dir) {
            return Err(not_found(path));
        }
        let inside = state
            .names
            .iter()
            .filter(|(name, _)| name.parent() == Some(path));
        Ok(inside
            .filter_map(|(name, node)| {
                let name = name.file_name()?.to_str()?.to_owned();
                Some(Entry {
                    name,
                    is_dir: *node == Node::Dir,
                })
            })
            .collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        MemDisk::operate(&mut state)?;
        let moved: Vec<(PathBuf, Node)> = state
            .names
            .iter()
            .filter(|(path, _)| path.starts_with(from))
            .map(|(path, node)| (path.clone(), *node))
            .collect();
        if moved.is_empty() {
            return Err(not_found(from));
        }
        for (path, node) in moved {
            state.names.remove(&path);
            let rest = path.strip_prefix(from).map_err(io::Error::other)?;
            let target = if rest.as_os_str().is_empty() {
                to.to_owned()
            } else {
                to.join(rest)
            };
            // What lies below a renamed directory does not become less stable by it.
            if path != from && state.stable_names.get(&path) == Some(&node) {
                state.stable_names.insert(target.clone(), node);
            }
            state.names.insert(target, node);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        MemDisk::operate(&mut state)?;
        state
            .names
            .remove(path)
            .map(|_| ())
            .ok_or_else(|| not_found(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        MemDisk::operate(&mut state)?;
        state.names.retain(|name, _| !name.starts_with(path));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        MemDisk::operate(&mut state)?;
        let inside = |name: &Path| name.parent() == Some(path);
        state.stable_names.retain(|name, _| !inside(name));
        let now: Vec<_> = state
            .names
            .iter()
            .filter(|(name, _)| inside(name))
            .map(|(name, node)| (name.clone(), *node))
            .collect();
        state.stable_names.extend(now);
        Ok(())
    }
}
