//! A disk with few descriptors: files that nobody uses hold none, and nothing that was written is lost by that.

use std::path::Path;

use mainstem_storage::disk::{BudgetDisk, Disk};

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
