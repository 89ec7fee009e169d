//! What a process has used, as the kernel tells it in `/proc`.

use std::time::Duration;

use anyhow::{Context, Result};

/// Ticks per second of `/proc/PID/stat`; Linux has told user space 100 on every architecture for decades.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time of a process so far, all threads, user and system.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program may hold spaces and brackets: the fields are counted behind the last bracket.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("a stat line has the program in brackets")?;
    let field = |at: usize| -> Result<u64> {
        let text = fields
            .split_whitespace()
            .nth(at)
            .context("a stat line has the times")?;
        Ok(text.parse()?)
    };
    let ticks = field(11)? + field(12)?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// Resident memory of a process in MiB.
pub fn resident_mib(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("a status has VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
