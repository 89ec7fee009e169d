//! `cargo xtask interop`: real clients on Mainstem and on Apache Kafka, which must give the same answers.
//!
//! Each family's program (`interop/`) does the same and prints `CHECK` lines. When it prints `RESTART` the node is killed with SIGKILL and
//! started again. What `tools` prints
//! is held to a transcript. Afterwards the node is stopped cleanly and Apache's DumpLogSegments reads every file it left. `swap` is no such family:
//! there the systems are exchanged on one directory.

mod dump;
mod families;
mod swap;
mod systems;
mod transcript;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use families::Family;
pub use families::{class_path, must, python};
pub use systems::{Profile, Settings, System, TempDir, Which, binary};
use transcript::Transcript;

/// Options of `cargo xtask interop`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only this family; all of them if not given.
    family: Option<Family>,
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

type Answers = Vec<(Family, Vec<String>)>;

/// Judges.
pub fn run(options: &Options) -> Result<()> {
    let mut families: Vec<Family> = match options.family {
        Some(family) => vec![family],
        None => Family::value_variants().to_vec(),
    };
    let swaps = families.contains(&Family::Swap) && options.against == Against::Both;
    families.retain(|family| *family != Family::Swap);
    if families.is_empty() {
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
            judge(Which::Mainstem, &families, options.profile)?,
        ));
    }
    if options.against != Against::Mainstem {
        judged.push((
            Which::Kafka,
            judge(Which::Kafka, &families, options.profile)?,
        ));
    }
    if let [(_, ours), (_, theirs)] = judged.as_slice() {
        compare(ours, theirs)?;
        println!(
            "the answers of Mainstem and Apache Kafka are the same for {} families",
            families.len()
        );
    }
    if swaps {
        swap::run(options.profile)?;
    }
    Ok(())
}

/// Writes the transcript of the tools anew.
fn update(options: &Options) -> Result<()> {
    if options.family != Some(Family::Tools) || options.against != Against::Both {
        bail!("--update takes the tools, and both systems");
    }
    let mut printed = Vec::new();
    for which in [Which::Mainstem, Which::Kafka] {
        let dir = TempDir::new("interop")?;
        let settings = Settings::of(options.profile);
        let mut system = System::start(which, dir.path().to_owned(), settings)?;
        printed.push(converse(Family::Tools, &mut system, &[])?);
        system.stop()?;
    }
    Transcript::read()?.update(&printed[0], &printed[1])
}

fn compare(ours: &Answers, theirs: &Answers) -> Result<()> {
    for ((family, ours), (_, theirs)) in ours.iter().zip(theirs) {
        if *family == Family::Tools {
            // Each was held to the transcript, which knows of differences.
            continue;
        }
        for (our, their) in ours.iter().zip(theirs) {
            if our != their {
                bail!("{family:?} sees a difference\n  mainstem: {our}\n  kafka:    {their}");
            }
        }
        if ours.len() != theirs.len() {
            bail!(
                "{family:?} printed {} lines on Mainstem, {} on Apache Kafka",
                ours.len(),
                theirs.len()
            );
        }
    }
    Ok(())
}

fn judge(which: Which, families: &[Family], profile: Profile) -> Result<Answers> {
    let dir = TempDir::new("interop")?;
    let mut system = System::start(which, dir.path().to_owned(), Settings::of(profile))?;
    let mut answers = Vec::new();
    for family in families {
        println!("{} on {which:?}", family.name());
        let lines = attempts(*family, which, &mut system)
            .with_context(|| format!("{} on {which:?}", family.name()))?;
        if *family == Family::Tools {
            Transcript::read()?.check(which, &lines)?;
        }
        answers.push((*family, lines));
    }
    system.stop()?;
    let files = dump::read_everything(&dir.path().join("data"), which == Which::Mainstem)?;
    println!("DumpLogSegments read {files} files that {which:?} left, without complaint");
    Ok(answers)
}

/// Runs a family's program, and says loudly when once was not enough. A client that now and then loses its place (see
/// `interop/README.md`) has a second attempt on Apache Kafka, which only tells whether the program is right; on Mainstem it has none.
fn attempts(family: Family, which: Which, system: &mut System) -> Result<Vec<String>> {
    match converse(family, system, &[]) {
        Err(error) if family == Family::Platformatic && which == Which::Kafka => {
            println!("  SECOND ATTEMPT, after the first failed: {error:#}");
            converse(family, system, &["-again"])
        }
        done => done,
    }
}

/// Runs a family's program; restarts the node when it asks for that. Returns its `CHECK` lines.
fn converse(family: Family, system: &mut System, more: &[&str]) -> Result<Vec<String>> {
    let mut child = family
        .command(&system.bootstrap())?
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} did not start", family.name()))?;
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
