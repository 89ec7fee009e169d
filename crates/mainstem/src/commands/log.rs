//! `mainstem log dump`: what is in the files of a log, without a node.
//!
//! Invariants: files are only read; what is damaged is said with its place, and never ends in more than an error.

mod batches;
mod index;
mod small;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{DumpOptions, Global, LogCommand, RecordKind};
use crate::failure::Failure;
use crate::output::counted;

pub(crate) fn run(global: &Global, command: LogCommand) -> Result<(), Failure> {
    match command {
        LogCommand::Dump(options) => dump(global, &options),
    }
}

fn dump(global: &Global, options: &DumpOptions) -> Result<(), Failure> {
    let mut sink = Sink {
        json: global.json,
        file: PathBuf::new(),
        damages: 0,
        out: BufWriter::new(io::stdout()),
    };
    let mut damaged_files = 0;
    for file in &options.files {
        let before = sink.damages;
        sink.file.clone_from(file);
        check_file(file).inspect_err(|_| _ = sink.out.flush())?;
        if options.files.len() > 1 && !sink.json {
            sink.put("file", &[("path", json!(file.display().to_string()))])?;
        }
        let wrong = |error: io::Error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                return Failure::PipeClosed;
            }
            Failure::with_hint(
                format!("{}: {error}", file.display()),
                "name files of a partition's directory: mainstem log dump orders-0/*.log",
            )
        };
        match file.extension().and_then(|extension| extension.to_str()) {
            None if is_checkpoint(file) => small::checkpoint(&mut sink, file).map_err(wrong)?,
            Some("snapshot") => small::producers(&mut sink, file).map_err(wrong)?,
            Some("txnindex") => small::aborted(&mut sink, file).map_err(wrong)?,
            Some("log" | "checkpoint") => {
                let kind = options.decode.unwrap_or_else(|| kind_of(file));
                batches::dump(&mut sink, file, options.deep.then_some(kind)).map_err(wrong)?;
            }
            Some("index") => index::offsets(&mut sink, file).map_err(wrong)?,
            Some("timeindex") => index::times(&mut sink, file).map_err(wrong)?,
            _ => {
                sink.out.flush()?;
                return Err(Failure::usage(
                    format!("{} is not of a kind that can be shown", file.display()),
                    "these can: .log, .checkpoint of __cluster_metadata, .index, .timeindex, .snapshot, .txnindex, and checkpoints without an extension",
                ));
            }
        }
        damaged_files += i64::from(sink.damages > before);
    }
    sink.out.flush()?;
    if sink.damages == 0 {
        return Ok(());
    }
    Err(Failure::with_hint(
        format!(
            "{} in {}",
            counted(sink.damages, "damage"),
            counted(damaged_files, "file")
        ),
        "keep a copy; a torn end of the last segment is cut by the next start, an index is made anew",
    ))
}

/// Something that can be opened: a directory has files that can.
fn check_file(file: &Path) -> Result<(), Failure> {
    let name = file.display();
    if file.is_dir() {
        return Err(Failure::usage(
            format!("{name} is a directory"),
            format!(
                "name its files: mainstem log dump {}",
                file.join("*.log").display()
            ),
        ));
    }
    if matches!(file.try_exists(), Ok(false)) {
        return Err(Failure::with_hint(
            format!("{name} does not exist"),
            "name files of a partition's directory: mainstem log dump orders-0/*.log",
        ));
    }
    Ok(())
}

/// `leader-epoch-checkpoint` and those of a data directory.
fn is_checkpoint(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.ends_with("-checkpoint"))
}

/// What the records of a file are, by the name of its directory.
fn kind_of(file: &Path) -> RecordKind {
    let full = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let dir = full.parent().and_then(Path::file_name);
    let dir = dir.map(|name| name.to_string_lossy().into_owned());
    let dir = dir.unwrap_or_default();
    match dir.rsplit_once('-').map(|(topic, _)| topic) {
        Some("__cluster_metadata") => RecordKind::ClusterMetadata,
        Some("__consumer_offsets") => RecordKind::ConsumerOffsets,
        Some("__transaction_state") => RecordKind::TransactionState,
        _ => RecordKind::Records,
    }
}

/// Where everything goes that was found.
struct Sink {
    json: bool,
    file: PathBuf,
    damages: i64,
    out: BufWriter<io::Stdout>,
}

impl Sink {
    /// One thing that was found: an object with the fields, or a line with the values that are there.
    fn put(&mut self, kind: &str, fields: &[(&str, Value)]) -> io::Result<()> {
        if self.json {
            let mut object = serde_json::Map::new();
            object.insert("kind".to_owned(), json!(kind));
            object.insert("file".to_owned(), json!(self.file.display().to_string()));
            let fields = fields.iter();
            object.extend(fields.map(|(name, value)| ((*name).to_owned(), value.clone())));
            return writeln!(self.out, "{}", Value::Object(object));
        }
        write!(self.out, "{kind}")?;
        for (name, value) in fields {
            match value {
                Value::Null => continue,
                Value::String(text) => write!(self.out, "\t{name}={}", text.escape_debug())?,
                other => write!(self.out, "\t{name}={other}")?,
            }
        }
        writeln!(self.out)
    }

    /// Something that should not be so, at a position of the file.
    fn damage(&mut self, position: u64, what: &str) -> io::Result<()> {
        self.damages += 1;
        if self.json {
            let fields = [("position", json!(position)), ("what", json!(what))];
            return self.put("damage", &fields);
        }
        self.out.flush()?;
        eprintln!("{}, byte {position}: {what}", self.file.display());
        Ok(())
    }
}
