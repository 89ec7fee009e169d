//! The real disk with a bound on open descriptors: a file that is not used holds none.
//!
//! Files are opened again when they are used, by their path; those that were not used for longest are closed (the clock algorithm: a file
//! that was used since the hand passed gets a second round). Invariants:
//! - a file with writes that were not synced is synced before it is closed. A descriptor that is opened later need not be told of a write
//!   that failed in between, so what nobody has synced must not lose its descriptor;
//! - a failed sync is remembered: every later sync of the file fails;
//! - at most the budget is open, and one more for each thread that is reading or writing;
//! - beside those, answers hold a bounded number of files open, one for each file however many answers are sent from it;
//! - when the system has no descriptor left, files that nobody uses are closed for whatever needs one.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Disk, DiskFile, Entry, RealDisk, SystemFile, is_no_descriptor};
use crate::limits::LENT_FILES_SHARE;

/// The real disk within a budget of descriptors.
#[derive(Debug, Clone)]
pub struct BudgetDisk {
    table: Arc<Table>,
}

#[derive(Debug)]
struct Table {
    budget: usize,
    open: AtomicUsize,
    /// Files that answers hold.
    lent: AtomicUsize,
    clock: Mutex<VecDeque<Weak<Shared>>>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    used: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<Arc<dyn DiskFile>>,
    /// Writes that run now.
    writing: usize,
    /// Counts the beginning and the end of every write.
    writes: u64,
    /// What `writes` was when the last sync that went well began.
    synced: u64,
    failed: Option<io::ErrorKind>,
    /// What answers hold of it.
    loan: Weak<Loan>,
}

/// A file that answers hold open, whatever the hand of the clock does.
#[derive(Debug)]
pub(super) struct Loan {
    file: SystemFile,
    table: Arc<Table>,
}

#[derive(Debug)]
struct BudgetFile {
    table: Arc<Table>,
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BudgetDisk {
    /// A disk of which at most `budget` files are open.
    pub fn new(budget: usize) -> Self {
        let table = Table {
            budget: budget.max(1),
            open: AtomicUsize::new(0),
            lent: AtomicUsize::new(0),
            clock: Mutex::default(),
        };
        Self {
            table: Arc::new(table),
        }
    }

    /// How many descriptors a disk with such a budget takes, those that answers hold among them.
    pub fn descriptors(budget: usize) -> usize {
        budget + budget / LENT_FILES_SHARE
    }

    /// Files that are open.
    pub fn open_files(&self) -> usize {
        self.table.open.load(Ordering::Relaxed)
    }
}

impl Table {
    /// Opens a file, closing others first when there are too many.
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn DiskFile>> {
        self.shrink_to(self.budget - 1);
        self.with_descriptors(|| RealDisk.open(path, create))
    }

    /// Does what needs a descriptor; files are closed when there is none.
    fn with_descriptors<R>(&self, attempt: impl Fn() -> io::Result<R>) -> io::Result<R> {
        let mut target = self.budget;
        loop {
            match attempt() {
                Err(error) if is_no_descriptor(&error) && target > 0 => {
                    // Somebody else took what was ours.
                    target /= 2;
                    self.shrink_to(target);
                }
                done => return done,
            }
        }
    }

    /// Counts a file as lent, if one more may be.
    fn lend(self: &Arc<Self>, file: SystemFile) -> Option<Loan> {
        let table = self.clone();
        // Made before it is judged, so that it is given back in any case.
        let loan = Loan { file, table };
        let before = self.lent.fetch_add(1, Ordering::Relaxed);
        (before < self.budget / LENT_FILES_SHARE).then_some(loan)
    }

    /// Puts an open file under the hand of the clock.
    fn enter(&self, shared: &Arc<Shared>) {
        self.open.fetch_add(1, Ordering::Relaxed);
        lock(&self.clock).push_back(Arc::downgrade(shared));
    }

    fn shrink_to(&self, target: usize) {
        // Twice round: the first may only take away that a file was used.
        let mut steps = 2 * self.open.load(Ordering::Relaxed) + 2;
        while self.open.load(Ordering::Relaxed) > target && steps > 0 {
            steps -= 1;
            let Some(next) = lock(&self.clock).pop_front() else {
                return;
            };
            let Some(shared) = next.upgrade() else {
                continue;
            };
            if shared.used.swap(false, Ordering::Relaxed) || !self.close(&shared) {
                lock(&self.clock).push_back(next);
            }
        }
    }

    /// Closes a file unless somebody uses it now.
    fn close(&self, shared: &Shared) -> bool {
        let Ok(mut state) = shared.state.try_lock() else {
            return false;
        };
        if state.writing > 0 {
            return false;
        }
        if state.synced < state.writes
            && let Some(file) = &state.file
        {
            match file.sync() {
                Ok(()) => state.synced = state.writes,
                Err(error) => state.failed = Some(error.kind()),
            }
        }
        if state.file.take().is_some() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        true
    }
}

impl BudgetFile {
    fn file_of(&self, state: &mut State) -> io::Result<Arc<dyn DiskFile>> {
        self.shared.used.store(true, Ordering::Relaxed);
        if let Some(file) = &state.file {
            return Ok(file.clone());
        }
        let file = self.table.open(&self.shared.path, false)?;
        state.file = Some(file.clone());
        self.table.enter(&self.shared);
        Ok(file)
    }

    fn file(&self) -> io::Result<Arc<dyn DiskFile>> {
        self.file_of(&mut lock(&self.shared.state))
    }

    fn write(&self, write: impl FnOnce(&dyn DiskFile) -> io::Result<()>) -> io::Result<()> {
        let file = {
            let mut state = lock(&self.shared.state);
            let file = self.file_of(&mut state)?;
            state.writing += 1;
            state.writes += 1;
            file
        };
        let result = write(&*file);
        let mut state = lock(&self.shared.state);
        state.writing -= 1;
        state.writes += 1;
        result
    }
}

impl Loan {
    fn hold(self: Arc<Self>) -> SystemFile {
        SystemFile {
            file: self.file.file.clone(),
            _loan: Some(self),
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.table.lent.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for BudgetFile {
    fn drop(&mut self) {
        if lock(&self.shared.state).file.take().is_some() {
            self.table.open.fetch_sub(1, Ordering::Relaxed);
        }
        // What is left of it under the hand goes when the hand comes by; with many files that come and go, at once.
        let mut clock = lock(&self.table.clock);
        if clock.len() > 2 * self.table.budget + 64 {
            clock.retain(|file| file.strong_count() > 0);
        }
    }
}

impl DiskFile for BudgetFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file()?.read_at(offset, buffer)
    }

    fn read_to(&self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.file()?.read_to(offset, length, buffer)
    }

    fn system_file(&self) -> io::Result<Option<SystemFile>> {
        let mut state = lock(&self.shared.state);
        if let Some(loan) = state.loan.upgrade() {
            return Ok(Some(loan.hold()));
        }
        let file = self.file_of(&mut state)?.system_file()?;
        let Some(loan) = file.and_then(|file| self.table.lend(file)) else {
            return Ok(None);
        };
        let loan = Arc::new(loan);
        state.loan = Arc::downgrade(&loan);
        Ok(Some(loan.hold()))
    }

    fn modified_ms(&self) -> io::Result<i64> {
        self.file()?.modified_ms()
    }

    fn write_at(&self, offset: u64, head: &[u8], tail: &[u8]) -> io::Result<()> {
        self.write(|file| file.write_at(offset, head, tail))
    }

    fn length(&self) -> io::Result<u64> {
        self.file()?.length()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        // A new file has the length already: nothing to sync for that.
        if self.length()? == length {
            return Ok(());
        }
        self.write(|file| file.set_length(length))
    }

    fn sync(&self) -> io::Result<()> {
        let (file, began) = {
            let mut state = lock(&self.shared.state);
            if let Some(kind) = state.failed {
                return Err(kind.into());
            }
            let file = match self.file_of(&mut state) {
                // It was removed, and has nothing that was not synced: it would have its descriptor.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                file => file?,
            };
            (file, state.writes)
        };
        let result = file.sync();
        let mut state = lock(&self.shared.state);
        match &result {
            Ok(()) => state.synced = state.synced.max(began),
            Err(error) => state.failed = Some(error.kind()),
        }
        result
    }
}

impl Disk for BudgetDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.table.open(path, create)?;
        let state = State {
            file: Some(file),
            ..State::default()
        };
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            used: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        self.table.enter(&shared);
        let table = self.table.clone();
        Ok(Arc::new(BudgetFile { table, shared }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.table.with_descriptors(|| RealDisk.list(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.table.with_descriptors(|| RealDisk.remove_dir(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.table.with_descriptors(|| RealDisk.sync_dir(path))
    }
}
