//! The programs that are run against a system, one for each client family and two more, and how each is made ready.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::codegen::{cache_dir, fetch, fetch_logger};

/// A program of `interop/`: that of a client family, unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// kafka-clients.
    Java,
    /// confluent-kafka.
    Librdkafka,
    /// kafka-python.
    KafkaPython,
    /// aiokafka.
    Aiokafka,
    /// franz-go.
    FranzGo,
    /// kafkajs.
    Kafkajs,
    /// @platformatic/kafka.
    Platformatic,
    /// kcat.
    Kcat,
    /// No family: kafka-clients while the systems are exchanged under it.
    Swap,
    /// No family: Apache Kafka's own command line tools.
    Tools,
}

/// Runs a command that must succeed.
pub fn must(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{command:?} did not start"))?;
    if status.success() {
        Ok(())
    } else {
        bail!("{command:?} failed: {status}")
    }
}

/// The class path of Apache Kafka.
pub fn class_path() -> Result<String> {
    Ok(format!("{}/*", fetch()?.display()))
}

/// The class path of Apache Kafka with a logger that tells what it does.
pub fn telling_class_path() -> Result<String> {
    let mut jars = vec![fetch_logger()?];
    for entry in std::fs::read_dir(fetch()?)? {
        let jar = entry?.path();
        let name = jar.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("slf4j-nop") {
            jars.push(jar);
        }
    }
    let jars: Vec<String> = jars.iter().map(|jar| jar.display().to_string()).collect();
    Ok(jars.join(":"))
}

/// A Python with the packages of `interop/requirements.txt`.
pub fn python() -> Result<PathBuf> {
    let wanted = std::fs::read_to_string(crate::root().join("interop/requirements.txt"))?;
    let venv = cache_dir()?.join("interop-python");
    let python = venv.join("bin/python");
    let mark = venv.join("requirements");
    if std::fs::read_to_string(&mark).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    must(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv),
    )?;
    let requirements = crate::root().join("interop/requirements.txt");
    must(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(requirements),
    )?;
    std::fs::write(mark, wanted)?;
    Ok(python)
}

impl Program {
    /// Its name, and that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Librdkafka => "librdkafka",
            Self::KafkaPython => "kafka-python",
            Self::Aiokafka => "aiokafka",
            Self::FranzGo => "franz-go",
            Self::Kafkajs => "kafkajs",
            Self::Platformatic => "platformatic",
            Self::Kcat => "kcat",
            Self::Swap => "swap",
            Self::Tools => "tools",
        }
    }

    fn folder(self) -> PathBuf {
        crate::root().join("interop").join(self.name())
    }

    /// The command that runs it.
    pub fn command(self, bootstrap: &str) -> Result<Command> {
        let mut command = match self {
            Self::Java => java(self, "Interop")?,
            Self::Swap => java(self, "Swap")?,
            Self::Tools => java(self, "Tools")?,
            Self::Librdkafka | Self::KafkaPython | Self::Aiokafka | Self::Kcat => {
                let mut command = Command::new(python()?);
                command.arg(self.folder().join("interop.py"));
                command
            }
            Self::FranzGo => {
                let built = cache_dir()?.join("interop-franz-go");
                must(
                    Command::new("go")
                        .arg("build")
                        .arg("-o")
                        .arg(&built)
                        .arg(".")
                        .current_dir(self.folder()),
                )?;
                Command::new(built)
            }
            Self::Kafkajs | Self::Platformatic => node(self)?,
        };
        command.arg(bootstrap);
        if self == Self::Tools {
            command.arg(super::transcript::path());
        }
        Ok(command)
    }
}

/// Node on a program, beside which npm has put its packages.
fn node(program: Program) -> Result<Command> {
    let place = cache_dir()?.join(format!("interop-{}", program.name()));
    std::fs::create_dir_all(&place)?;
    let mut stale = false;
    // The last is shared by all that run on Node.
    for file in [
        "package.json",
        "package-lock.json",
        "interop.mjs",
        "../node.mjs",
    ] {
        let from = program.folder().join(file);
        let to = place.join(from.file_name().unwrap_or_default());
        let wanted = std::fs::read(&from)?;
        if std::fs::read(&to).ok().as_ref() != Some(&wanted) {
            stale |= from
                .extension()
                .is_some_and(|extension| extension == "json");
            std::fs::write(to, wanted)?;
        }
    }
    if stale || !place.join("node_modules").exists() {
        must(
            Command::new("npm")
                .args(["ci", "--silent", "--no-audit", "--no-fund"])
                .current_dir(&place),
        )?;
    }
    let mut command = Command::new("node");
    command.arg(place.join("interop.mjs"));
    Ok(command)
}

/// Java on a program's class.
fn java(program: Program, class: &str) -> Result<Command> {
    let class_path = class_path()?;
    let classes = cache_dir()?.join(format!("interop-{}", program.name()));
    std::fs::create_dir_all(&classes)?;
    must(
        Command::new("javac")
            .arg("-cp")
            .arg(&class_path)
            .arg("-d")
            .arg(&classes)
            .arg(program.folder().join(format!("{class}.java"))),
    )?;
    let mut command = Command::new("java");
    command
        .arg("-Xmx256m")
        .arg("-cp")
        .arg(format!("{}:{class_path}", classes.display()))
        .arg(class);
    Ok(command)
}
