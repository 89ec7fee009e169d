//! A disk with few descriptors: files that nobody uses hold none, and nothing that was written is lost by that.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use mainstem_storage::disk::{
    BudgetDisk, Disk, DiskFile, Entry, MemDisk, is_no_descriptor, no_descriptor,
};
use mainstem_storage::{LogConfig, OpenMode};

use super::{NOW_MS, append, batch, contents, open, sync};

const BUDGET: usize = 8;
const FILES: usize = 100;

/// Descriptors of this process on files in `dir`, as the kernel counts them.
fn descriptors_in(dir: &Path) -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link.starts_with(dir)).count()
}

#[test]
fn many_files_are_written_and_read_within_the_budget() {
    let dir = tempfile::tempdir().unwrap();
    let disk = BudgetDisk::new(BUDGET);
    let files: Vec<_> = (0..FILES)
        .map(|at| disk.open(&dir.path().join(at.to_string()), true).unwrap())
        .collect();
    for round in 0..3_u8 {
        for (at, file) in files.iter().enumerate() {
            let value = [u8::try_from(at).unwrap(), round];
            file.write_at(u64::from(round) * 2, &value, &[]).unwrap();
            assert!(descriptors_in(dir.path()) <= BUDGET);
        }
    }
    for (at, file) in files.iter().enumerate() {
        let mut read = [0; 6];
        assert_eq!(file.read_at(0, &mut read).unwrap(), 6);
        let at = u8::try_from(at).unwrap();
        assert_eq!(read, [at, 0, at, 1, at, 2]);
        file.sync().unwrap();
        assert_eq!(file.length().unwrap(), 6);
    }
    assert!(disk.open_files() <= BUDGET);
    assert_eq!(disk.open_files(), descriptors_in(dir.path()));
    drop(files);
    assert_eq!((disk.open_files(), descriptors_in(dir.path())), (0, 0));
}

#[test]
fn threads_that_use_more_files_than_the_budget_disturb_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let disk = BudgetDisk::new(2);
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let (disk, dir) = (disk.clone(), dir.path());
            scope.spawn(move || {
                let files: Vec<_> = (0..10)
                    .map(|at| {
                        disk.open(&dir.join(format!("{thread}-{at}")), true)
                            .unwrap()
                    })
                    .collect();
                for position in 0..20_u64 {
                    for file in &files {
                        file.write_at(position, &[thread], &[]).unwrap();
                    }
                    files[0].sync().unwrap();
                }
                for file in &files {
                    let mut read = [0xff; 20];
                    assert_eq!(file.read_at(0, &mut read).unwrap(), 20);
                    assert_eq!(read, [thread; 20]);
                }
            });
        }
    });
    assert_eq!(disk.open_files(), 0);
}

#[test]
fn a_file_that_was_removed_meanwhile_is_said_to_be_gone() {
    let dir = tempfile::tempdir().unwrap();
    let disk = BudgetDisk::new(1);
    let path = dir.path().join("gone");
    let gone = disk.open(&path, true).unwrap();
    gone.write_at(0, b"x", &[]).unwrap();
    disk.open(&dir.path().join("other"), true).unwrap();
    disk.remove_file(&path).unwrap();
    let error = gone.read_at(0, &mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    gone.sync().unwrap();
}

/// What the disk does while this process has no descriptor left; it is alone in doing so, since others of this process need descriptors.
fn without_descriptors<R>(work: impl FnOnce() -> R) -> R {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(100),
            maximum: before.maximum,
        },
    )
    .unwrap();
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    let result = work();
    drop(taken);
    setrlimit(Resource::Nofile, before).unwrap();
    result
}

/// Runs a test of this binary by itself: what it does to its process must not meet the others.
fn alone(name: &str, test: impl FnOnce()) {
    const ALONE: &str = "MAINSTEM_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let mut run = std::process::Command::new(std::env::current_exe().unwrap());
    let output = run.args([name, "--exact"]).env(ALONE, "1").output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
fn without_a_descriptor_files_that_nobody_uses_are_closed_for_whatever_needs_one() {
    let name =
        "budget::without_a_descriptor_files_that_nobody_uses_are_closed_for_whatever_needs_one";
    alone(name, || {
        let dir = tempfile::tempdir().unwrap();
        let disk = BudgetDisk::new(BUDGET);
        let file = |at: usize| disk.open(&dir.path().join(at.to_string()), true).unwrap();
        let files: Vec<_> = (0..BUDGET).map(file).collect();
        std::fs::create_dir(dir.path().join("doomed")).unwrap();
        without_descriptors(|| {
            let attempts: [&dyn Fn() -> std::io::Result<()>; 3] = [
                &|| disk.sync_dir(dir.path()),
                &|| disk.list(dir.path()).map(drop),
                &|| disk.remove_dir(&dir.path().join("doomed")),
            ];
            for attempt in attempts {
                attempt().unwrap();
                // What was closed for it is open again, and the descriptor is taken by somebody else.
                for file in &files {
                    file.length().unwrap();
                }
            }
        });
        drop(files);
        let nothing_to_close = BudgetDisk::new(1);
        let error = without_descriptors(|| nothing_to_close.sync_dir(dir.path())).unwrap_err();
        assert!(is_no_descriptor(&error), "{error}");
    });
}

#[test]
fn answers_hold_a_bounded_number_of_files_and_one_descriptor_of_each() {
    let dir = tempfile::tempdir().unwrap();
    let disk = BudgetDisk::new(BUDGET);
    let files: Vec<_> = (0..FILES)
        .map(|at| disk.open(&dir.path().join(at.to_string()), true).unwrap())
        .collect();
    let mut held = Vec::new();
    for _ in 0..10 {
        for file in &files {
            held.extend(file.system_file().unwrap());
        }
    }
    assert_eq!(held.len(), 10 * BUDGET / 2, "the others are read");
    assert!(descriptors_in(dir.path()) <= BudgetDisk::descriptors(BUDGET));
    drop(held);
    assert!(descriptors_in(dir.path()) <= BUDGET);
    assert!(files[FILES - 1].system_file().unwrap().is_some());
}

/// A disk in memory that has so many descriptors left to open files with.
#[derive(Debug, Clone)]
struct ScarceDisk {
    disk: MemDisk,
    left: Arc<std::sync::Mutex<usize>>,
}

impl ScarceDisk {
    fn new() -> Self {
        Self {
            disk: MemDisk::new(),
            left: Arc::new(std::sync::Mutex::new(usize::MAX)),
        }
    }

    fn leave(&self, count: usize) {
        *self.left.lock().unwrap() = count;
    }

    fn take(&self) -> std::io::Result<()> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or_else(no_descriptor)?;
        Ok(())
    }
}

impl Disk for ScarceDisk {
    fn open(&self, path: &Path, create: bool) -> std::io::Result<Arc<dyn DiskFile>> {
        self.take()?;
        self.disk.open(path, create)
    }

    fn create_dir(&self, path: &Path) -> std::io::Result<()> {
        self.disk.create_dir(path)
    }

    fn list(&self, path: &Path) -> std::io::Result<Vec<Entry>> {
        self.disk.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> std::io::Result<()> {
        self.disk.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> std::io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> std::io::Result<()> {
        self.take()?;
        self.disk.sync_dir(path)
    }
}

#[test]
fn an_append_without_descriptors_is_refused_and_takes_nothing_away() {
    for left in 0..4 {
        let disk = ScarceDisk::new();
        let config = LogConfig {
            segment_bytes: 800,
            ..LogConfig::default()
        };
        let (mut log, _) =
            open(Arc::new(disk.clone()), config.clone(), OpenMode::default()).unwrap();
        append(&mut log, batch(0, 10, NOW_MS), NOW_MS).unwrap();
        disk.leave(left);
        let refused = append(&mut log, batch(1, 10, NOW_MS), NOW_MS).unwrap_err();
        assert!(refused.contains("open files"), "{refused}");
        // One that would fit the segment waits as well: files of the next one may be there.
        append(&mut log, batch(2, 1, NOW_MS), NOW_MS).unwrap_err();
        disk.leave(usize::MAX);
        assert_eq!(
            append(&mut log, batch(1, 10, NOW_MS), NOW_MS),
            Ok(10),
            "{left}"
        );
        append(&mut log, batch(2, 1, NOW_MS), NOW_MS).unwrap();
        assert_eq!((sync(&mut log), log.segment_count()), (Ok(21), 2));
        let before = contents(&log);
        let (log, repair) =
            open(Arc::new(disk.disk.crash(1)), config, OpenMode::default()).unwrap();
        assert_eq!((contents(&log), repair), (before, None));
    }
}

#[test]
fn a_log_that_is_closed_or_cut_after_a_refused_append_is_whole() {
    for cut in [false, true] {
        let disk = ScarceDisk::new();
        let config = LogConfig {
            segment_bytes: 800,
            ..LogConfig::default()
        };
        let (mut log, _) =
            open(Arc::new(disk.clone()), config.clone(), OpenMode::default()).unwrap();
        append(&mut log, batch(0, 1, NOW_MS), NOW_MS).unwrap();
        append(&mut log, batch(0, 8, NOW_MS), NOW_MS).unwrap();
        disk.leave(2);
        append(&mut log, batch(1, 10, NOW_MS), NOW_MS).unwrap_err();
        disk.leave(usize::MAX);
        if cut {
            log.truncate_to(1).unwrap();
            append(&mut log, batch(2, 8, NOW_MS), NOW_MS).unwrap();
            append(&mut log, batch(3, 1, NOW_MS), NOW_MS).unwrap();
        }
        let before = contents(&log);
        log.close().unwrap();
        let mode = OpenMode {
            clean: true,
            ..OpenMode::default()
        };
        let (log, repair) = open(Arc::new(disk.clone()), config, mode).unwrap();
        assert_eq!((contents(&log), repair), (before, None), "{cut}");
    }
}

#[test]
fn a_ticket_without_descriptors_can_be_tried_again() {
    let disk = ScarceDisk::new();
    let shared = Arc::new(disk.clone());
    let (mut log, _) = open(shared, LogConfig::default(), OpenMode::default()).unwrap();
    append(&mut log, batch(0, 10, NOW_MS), NOW_MS).unwrap();
    let ticket = log.sync_ticket();
    for left in 0..3 {
        disk.leave(left);
        assert!(is_no_descriptor(&ticket.sync().unwrap_err()));
    }
    disk.leave(usize::MAX);
    ticket.sync().unwrap();
    assert_eq!(log.on_synced(&ticket), 10);
    let before = contents(&log);
    let (log, _) = open(
        Arc::new(disk.disk.crash(1)),
        LogConfig::default(),
        OpenMode::default(),
    )
    .unwrap();
    assert_eq!(contents(&log), before);
}
