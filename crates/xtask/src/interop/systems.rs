//! The two systems that are judged: how each starts, is killed, and stops.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::deadline::Deadline;
use super::programs::{class_path, telling_class_path};

/// What a system says, in its directory.
pub const LOG: &str = "log";
/// The properties of Apache Kafka, in its directory.
const PROPERTIES: &str = "server.properties";
/// How long a system may take to listen.
const START: Duration = Duration::from_secs(60);
/// How long a system may take to stop.
const STOP: Duration = Duration::from_secs(120);

/// A system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Ours.
    Mainstem,
    /// Apache's.
    Kafka,
}

/// A build of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Fast to build.
    Debug,
    /// As shipped.
    Release,
}

/// How a system is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The build of ours.
    pub profile: Profile,
    /// Java's options for its heap.
    pub heap: &'static [&'static str],
    /// Properties beside the usual ones.
    pub properties: Vec<(String, String)>,
    /// Both systems take everything from one file of properties, so that one can be exchanged for the other; Kafka tells what it does.
    pub exchangeable: bool,
    /// The quorum's voters stand in its log, not in the properties.
    pub logged_voters: bool,
    /// Levels of features that Kafka does not begin with by itself, `NAME=LEVEL`.
    pub features: &'static [&'static str],
}

impl Settings {
    /// What judging needs.
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            heap: &["-Xms256m", "-Xmx512m"],
            properties: Vec::new(),
            exchangeable: false,
            logged_voters: false,
            // Else it writes a least count of replicas down as if somebody had set it.
            features: &["eligible.leader.replicas.version=0"],
        }
    }
}

/// A directory that goes away with this value.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new directory.
    pub fn new(what: &str) -> Result<Self> {
        let name = format!("mainstem-{what}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A system that runs, with its data in `dir/data`.
#[derive(Debug)]
pub struct System {
    which: Which,
    dir: PathBuf,
    settings: Settings,
    port: u16,
    child: Child,
}

/// A port that is free now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The binary of the node, built if need be: once, so that no start of a node waits for that.
pub fn binary(profile: Profile) -> Result<PathBuf> {
    static BUILT: [OnceLock<PathBuf>; 2] = [const { OnceLock::new() }; 2];
    let built = &BUILT[usize::from(profile == Profile::Release)];
    if let Some(binary) = built.get() {
        return Ok(binary.clone());
    }
    let binary = build(profile)?;
    Ok(built.get_or_init(|| binary).clone())
}

fn build(profile: Profile) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build
        .args(["build", "--quiet", "--package", "mainstem"])
        .current_dir(crate::root());
    if profile == Profile::Release {
        build.arg("--release");
    }
    super::programs::must(&mut build)?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| crate::root().join("target"), PathBuf::from);
    let folder = if profile == Profile::Release {
        "release"
    } else {
        "debug"
    };
    Ok(target.join(folder).join("mainstem"))
}

fn spawn(which: Which, dir: &Path, settings: &Settings, port: u16) -> Result<Child> {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join(LOG))?;
    let mut command = match which {
        Which::Mainstem if settings.exchangeable => {
            let mut command = Command::new(binary(settings.profile)?);
            command.arg("server").arg("--config");
            command.arg(dir.join(PROPERTIES));
            command.args(["--http", "127.0.0.1:0"]);
            command
        }
        Which::Mainstem => {
            let mut command = Command::new(binary(settings.profile)?);
            command
                .arg("server")
                .arg("--data-dir")
                .arg(dir.join("data"));
            command.args([
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--http",
                "127.0.0.1:0",
            ]);
            for (key, value) in &settings.properties {
                command.arg("-o").arg(format!("{key}={value}"));
            }
            command
        }
        Which::Kafka => {
            let mut command = Command::new("java");
            command.args(settings.heap);
            let class_path = match settings.exchangeable {
                true => telling_class_path()?,
                false => class_path()?,
            };
            command.args(["-cp", &class_path, "kafka.Kafka"]);
            command.arg(dir.join(PROPERTIES));
            command
        }
    };
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok(child)
}

/// Writes the properties that Apache Kafka is started with.
fn write_properties(dir: &Path, port: u16, settings: &Settings) -> Result<()> {
    let controller = free_port()?;
    let voters = match settings.logged_voters {
        true => format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"),
        false => format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
    };
    let mut properties = format!(
        "process.roles=broker,controller\nnode.id=1\n{voters}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\ncontroller.listener.names=CONTROLLER\n\
         log.dirs={}\noffsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n",
        dir.join("data").display()
    );
    for (key, value) in &settings.properties {
        properties.push_str(&format!("{key}={value}\n"));
    }
    Ok(std::fs::write(dir.join(PROPERTIES), properties)?)
}

/// Apache Kafka needs a formatted directory.
fn format(dir: &Path, settings: &Settings) -> Result<()> {
    let tool = ["-cp", &class_path()?, "kafka.tools.StorageTool"].map(str::to_owned);
    let id = Command::new("java")
        .args(&tool)
        .arg("random-uuid")
        .output()?;
    let id = String::from_utf8(id.stdout)?.trim().to_owned();
    let mut format = Command::new("java");
    format
        .args(&tool)
        .args(["format", "-t", &id, "-c"])
        .arg(dir.join(PROPERTIES))
        .stdout(Stdio::null());
    if settings.logged_voters {
        format.arg("--standalone");
    }
    for feature in settings.features {
        format.args(["--feature", feature]);
    }
    super::programs::must(&mut format)
}

impl System {
    /// Starts a system on a new directory and waits until it listens.
    pub fn start(which: Which, dir: PathBuf, settings: Settings) -> Result<Self> {
        let port = free_port()?;
        if which == Which::Kafka || settings.exchangeable {
            write_properties(&dir, port, &settings)?;
        }
        if which == Which::Kafka {
            format(&dir, &settings)?;
        }
        Self::launch(which, dir, settings, port)
    }

    /// Starts Apache Kafka on a new directory that `mainstem storage format` made ready for it.
    pub fn start_on_formatted(dir: PathBuf, settings: Settings) -> Result<Self> {
        let port = free_port()?;
        write_properties(&dir, port, &settings)?;
        let mut format = Command::new(binary(settings.profile)?);
        format.args(["storage", "format", "--quiet", "--config"]);
        format.arg(dir.join(PROPERTIES)).stdout(Stdio::null());
        super::programs::must(&mut format)?;
        Self::launch(Which::Kafka, dir, settings, port)
    }

    fn launch(which: Which, dir: PathBuf, settings: Settings, port: u16) -> Result<Self> {
        let child = spawn(which, &dir, &settings, port)?;
        let mut system = Self {
            which,
            dir,
            settings,
            port,
            child,
        };
        system.wait_until_it_listens()?;
        Ok(system)
    }

    /// Where clients connect.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.dir.join(LOG)).unwrap_or_default();
                bail!("{:?} ended with {status}:\n{log}", self.which);
            }
            if Instant::now() > deadline {
                bail!(
                    "{:?} does not listen after {} s",
                    self.which,
                    START.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Kills it as `kill -9` does, and starts it again on its directory.
    pub fn restart(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(self.which, &self.dir, &self.settings, self.port)?;
        self.wait_until_it_listens()
    }

    /// Which one runs.
    pub fn which(&self) -> Which {
        self.which
    }

    /// Stops it cleanly.
    pub fn stop(mut self) -> Result<()> {
        self.terminate()
    }

    /// Starts the other system on the directory of this one, which was stopped.
    pub fn exchange(&mut self) -> Result<()> {
        self.which = match self.which {
            Which::Mainstem => Which::Kafka,
            Which::Kafka => Which::Mainstem,
        };
        self.child = spawn(self.which, &self.dir, &self.settings, self.port)?;
        self.wait_until_it_listens()
    }

    /// Stops it cleanly.
    pub fn terminate(&mut self) -> Result<()> {
        let deadline = Deadline::of(&self.child, STOP);
        let terminated = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        let status = self
            .child
            .wait()
            .context("waiting for the system to stop")?;
        if deadline.passed() {
            bail!("{:?} did not stop in {} s", self.which, STOP.as_secs());
        }
        // Java tells of a signal by 143.
        let clean = status.success() || status.code() == Some(143);
        if !terminated.success() || !clean {
            let log = std::fs::read_to_string(self.dir.join(LOG)).unwrap_or_default();
            bail!("{:?} did not stop cleanly: {status}\n{log}", self.which);
        }
        Ok(())
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
