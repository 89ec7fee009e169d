//! `cargo xtask interop`: real clients on Mainstem and on Apache Kafka, which must give the same answers.
//!
//! Each program (`interop/`) does the same on both and prints `CHECK` lines; most are that of a client family. When one prints `RESTART` the
//! node is killed with SIGKILL and started again. What `tools` prints is held to a transcript. Afterwards the node is stopped cleanly and
//! Apache's DumpLogSegments reads every file it left. In `swap` the systems themselves are exchanged on one directory.

mod deadline;
mod dump;
mod programs;
mod swap;
mod systems;
mod transcript;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use deadline::Deadline;
use programs::Program;
pub use programs::{class_path, must, python};
pub use systems::{Profile, Settings, System, TempDir, Which, binary};
use transcript::Transcript;

/// How long a program may take; the slowest takes minutes.
const PROGRAM: Duration = Duration::from_secs(600);

/// Options of `cargo xtask interop`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only this one; all of them if not given.
    program: Option<Program>,
    /// Which systems are judged; with both, their answers are compared.
    #[arg(long, default_value = "both")]
    against: Against,
    /// Which build of the node is judged.
    #[arg(long, default_value = "release")]
    profile: Profile,
    /// Writes down what Apache Kafka's tools print on both systems, instead of holding them to that.
    #[arg(long)]
    update: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Against {
    Mainstem,
    Kafka,
    Both,
}

type Answers = Vec<(Program, Vec<String>)>;

/// Judges.
pub fn run(options: &Options) -> Result<()> {
    let mut programs: Vec<Program> = match options.program {
        Some(program) => vec![program],
        None => Program::value_variants().to_vec(),
    };
    let swaps = programs.contains(&Program::Swap) && options.against == Against::Both;
    programs.retain(|program| *program != Program::Swap);
    if programs.is_empty() {
        match swaps {
            true => return swap::run(options.profile),
            false => bail!("swap takes both systems"),
        }
    }
    if options.update {
        return update(options);
    }
    let mut judged = Vec::new();
    if options.against != Against::Kafka {
        judged.push((
            Which::Mainstem,
            judge(Which::Mainstem, &programs, options.profile)?,
        ));
    }
    if options.against != Against::Mainstem {
        judged.push((
            Which::Kafka,
            judge(Which::Kafka, &programs, options.profile)?,
        ));
    }
    if let [(_, ours), (_, theirs)] = judged.as_slice() {
        compare(ours, theirs)?;
        println!(
            "the answers of Mainstem and Apache Kafka are the same for {} programs",
            programs.len()
        );
    }
    if swaps {
        swap::run(options.profile)?;
    }
    Ok(())
}

/// Writes the transcript of the tools anew.
fn update(options: &Options) -> Result<()> {
    if options.program != Some(Program::Tools) || options.against != Against::Both {
        bail!("--update takes the tools, and both systems");
    }
    let mut printed = Vec::new();
    for which in [Which::Mainstem, Which::Kafka] {
        let dir = TempDir::new("interop")?;
        let settings = Settings::of(options.profile);
        let mut system = System::start(which, dir.path().to_owned(), settings)?;
        printed.push(converse(Program::Tools, &mut system, &[])?);
        system.stop()?;
    }
    Transcript::read()?.update(&printed[0], &printed[1])
}

fn compare(ours: &Answers, theirs: &Answers) -> Result<()> {
    for ((program, ours), (_, theirs)) in ours.iter().zip(theirs) {
        if *program == Program::Tools {
            // Each was held to the transcript, which knows of differences.
            continue;
        }
        for (our, their) in ours.iter().zip(theirs) {
            if our != their {
                bail!("{program:?} sees a difference\n  mainstem: {our}\n  kafka:    {their}");
            }
        }
        if ours.len() != theirs.len() {
            bail!(
                "{program:?} printed {} lines on Mainstem, {} on Apache Kafka",
                ours.len(),
                theirs.len()
            );
        }
    }
    Ok(())
}

fn judge(which: Which, programs: &[Program], profile: Profile) -> Result<Answers> {
    let dir = TempDir::new("interop")?;
    let mut system = System::start(which, dir.path().to_owned(), Settings::of(profile))?;
    let mut answers = Vec::new();
    for program in programs {
        println!("{} on {which:?}", program.name());
        let lines = attempts(*program, which, &mut system)
            .with_context(|| format!("{} on {which:?}", program.name()))?;
        if *program == Program::Tools {
            Transcript::read()?.check(which, &lines)?;
        }
        answers.push((*program, lines));
    }
    system.stop()?;
    let files = dump::read_everything(&dir.path().join("data"), which == Which::Mainstem)?;
    println!("DumpLogSegments read {files} files that {which:?} left, without complaint");
    Ok(answers)
}

/// Runs a program, and says loudly when once was not enough. A client that now and then loses its place (see
/// `interop/README.md`) has a second attempt on Apache Kafka, which only tells whether it is right; on Mainstem it has none.
fn attempts(program: Program, which: Which, system: &mut System) -> Result<Vec<String>> {
    match converse(program, system, &[]) {
        Err(error) if program == Program::Platformatic && which == Which::Kafka => {
            println!("  SECOND ATTEMPT, after the first failed: {error:#}");
            converse(program, system, &["-again"])
        }
        done => done,
    }
}

/// Runs a program; restarts the node when it asks for that. Returns its `CHECK` lines.
fn converse(program: Program, system: &mut System, more: &[&str]) -> Result<Vec<String>> {
    let mut child = program
        .command(&system.bootstrap())?
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} did not start", program.name()))?;
    let deadline = Deadline::of(&child, PROGRAM);
    let mut input = child
        .stdin
        .take()
        .context("the program has a standard input")?;
    let output = child
        .stdout
        .take()
        .context("the program has a standard output")?;
    let mut lines = Vec::new();
    let mut restarted = false;
    for line in BufReader::new(output).lines() {
        let line = line?;
        if line == "RESTART" {
            system.restart()?;
            restarted = true;
            input.write_all(b"\n")?;
        } else if line.starts_with("CHECK ") {
            println!("  {line}");
            lines.push(line);
        }
    }
    let status = child.wait()?;
    if deadline.passed() {
        bail!(
            "{} was killed: it took more than {} s",
            program.name(),
            PROGRAM.as_secs()
        );
    }
    if !status.success() {
        bail!("the program failed: {status}");
    }
    if !restarted || lines.len() < 8 {
        bail!(
            "the program checked too little: {} lines, restarted: {restarted}",
            lines.len()
        );
    }
    Ok(lines)
}
