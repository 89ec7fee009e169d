//! A node in a process of its own, and commands that are run against it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::JoinHandle;

/// The binary that cargo built for this test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_mainstem");

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// The lines of standard output, in their order.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }
}

/// A node that runs; it is killed when the value goes away.
pub(crate) struct Node {
    child: Child,
    stderr: Option<BufReader<ChildStderr>>,
    pub(crate) address: String,
    /// What it said until it was ready.
    pub(crate) banner: String,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    /// Starts a node on a port that the system chooses, and waits until it says that it is ready.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_at(dir, "127.0.0.1:0")
    }

    /// Starts a node where clients of an earlier one still look for it.
    pub(crate) fn start_at(dir: &Path, listen: &str) -> Self {
        Self::start_with(dir, listen, &[])
    }

    /// Starts a node with properties of its own.
    pub(crate) fn start_with(dir: &Path, listen: &str, options: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.arg("server").arg("--data-dir").arg(dir);
        command.args(["--listen", listen, "--http", "127.0.0.1:0"]);
        command.args(["-o", "group.initial.rebalance.delay.ms=0"]);
        for option in options {
            command.args(["-o", option]);
        }
        Self::spawn(command)
    }

    /// Starts the node that a command describes.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("ready in ") || !banner.ends_with('\n') {
            let read = stderr.read_line(&mut banner).unwrap();
            assert!(read > 0, "the node did not start:\n{banner}");
        }
        let line = banner
            .lines()
            .find(|line| line.contains("kafka  "))
            .unwrap();
        let address = line.split_whitespace().nth(1).unwrap().to_owned();
        Self {
            child,
            stderr: Some(stderr),
            address,
            banner,
        }
    }

    /// Takes what the node says from now on off its hands: one that is provoked says a lot. The value is the whole of it, once it ended.
    pub(crate) fn listen(&mut self) -> JoinHandle<String> {
        let mut stderr = self
            .stderr
            .take()
            .expect("what the node says was not taken yet");
        std::thread::spawn(move || {
            let mut said = String::new();
            while stderr.read_line(&mut said).is_ok_and(|read| read > 0) {}
            said
        })
    }

    /// Most memory that the node ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.status("VmHWM:") * 1024
    }

    /// A number of `/proc/PID/status`.
    pub(crate) fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ctrl-C once; returns the exit code and what it said since it was ready.
    pub(crate) fn interrupt(mut self) -> (Option<i32>, String) {
        signal("INT", self.child.id());
        let mut said = String::new();
        let mut stderr = self
            .stderr
            .take()
            .expect("what the node says was not taken yet");
        while stderr.read_line(&mut said).unwrap() > 0 {}
        (self.child.wait().unwrap().code(), said)
    }

    /// A command against this node.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env("MAINSTEM_BOOTSTRAP", &self.address);
        command
    }

    /// Runs a command with `input` on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Done {
        run(self.command(arguments), input)
    }

    pub(crate) fn run(&self, arguments: &str) -> Done {
        self.run_with(&arguments.split_whitespace().collect::<Vec<_>>(), "")
    }

    /// Runs a command that must succeed.
    pub(crate) fn must(&self, arguments: &str) -> Done {
        let done = self.run(arguments);
        assert_eq!(done.code, Some(0), "{arguments}: {done:?}");
        done
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.to_string())
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Runs a command with `input` on its standard input, and waits for its end.
pub(crate) fn run(mut command: Command, input: &str) -> Done {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A command that refuses at once does not read; that is its good right.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).is_ok());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
