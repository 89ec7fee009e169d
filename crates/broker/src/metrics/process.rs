//! What the system tells of this process, under the names that Prometheus' own clients use.

use super::text::Text;

/// Writes what can be found out; on a system without `/proc`, nothing.
pub(super) fn process(text: &mut Text) {
    if let Some((seconds, resident_bytes)) = used() {
        let name = "process_cpu_seconds_total";
        text.single((name, "counter", "CPU time of the process."), seconds);
        let name = "process_resident_memory_bytes";
        text.single((name, "gauge", "Memory that is resident."), resident_bytes);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let name = "process_open_fds";
        text.single((name, "gauge", "Descriptors that are open."), files.count());
    }
}

/// CPU seconds and resident bytes.
fn used() -> Option<(f64, u64)> {
    let usage = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the process stands in brackets and may hold anything; what follows it are numbers, counted from 3.
    let numbers: Vec<&str> = usage.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| numbers.get(number - 3)?.parse::<u32>().ok();
    let ticks = f64::from(field(14)?) + f64::from(field(15)?);
    let ticks_per_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    let page_bytes = u64::try_from(rustix::param::page_size()).ok()?;
    Some((
        ticks / f64::from(ticks_per_second),
        u64::from(field(24)?) * page_bytes,
    ))
}
