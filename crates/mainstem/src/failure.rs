//! How a command fails: one line that names the thing and the cause, one that says what to do, and an exit code.

use std::process::ExitCode;

use mainstem_broker::StartError;
use mainstem_client::ClientError;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer is no.
    No {
        message: String,
        hint: Option<String>,
    },
    /// The command makes no sense.
    Use {
        message: String,
        hint: Option<String>,
    },
    /// The cluster cannot be reached.
    Unreachable { message: String, hint: String },
    /// Ctrl-C.
    Interrupted,
    /// The reader of our output has gone: nothing is wrong.
    PipeClosed,
}

impl Failure {
    pub(crate) fn no(message: impl Into<String>) -> Self {
        Self::No {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::No {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Use {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    /// Something of the system failed.
    pub(crate) fn system(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::PipeClosed
        } else {
            Self::no(error.to_string())
        }
    }

    /// Says it, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (message, hint, code) = match self {
            Self::No { message, hint } => (message, hint, 1),
            Self::Use { message, hint } => (message, hint, 2),
            Self::Unreachable { message, hint } => (message, Some(hint), 3),
            Self::Interrupted => return ExitCode::from(130),
            Self::PipeClosed => return ExitCode::SUCCESS,
        };
        let label = if crate::output::colours(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        {
            "\x1b[1;31merror:\x1b[0m"
        } else {
            "error:"
        };
        eprintln!("{label} {message}");
        if let Some(hint) = hint {
            eprintln!("  {hint}");
        }
        ExitCode::from(code)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Connect { address, .. } => Self::Unreachable {
                message: error.to_string(),
                hint: format!("is a node running at {address}? start one: mainstem server"),
            },
            ClientError::Lost { .. } | ClientError::Timeout { .. } => {
                let hint = "the node may be overloaded or stopping; try again, or look at its log"
                    .to_owned();
                Self::Unreachable {
                    message: error.to_string(),
                    hint,
                }
            }
            _ => Self::No {
                message: error.to_string(),
                hint: crate::advice::advice(&error),
            },
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::system(error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let hint = match &error {
            StartError::Listen { cause, .. } if cause.kind() == std::io::ErrorKind::AddrInUse => {
                "another program listens there; choose another address: --listen HOST:PORT (and --http HOST:PORT)"
            }
            StartError::Listen { .. } => "choose another address: --listen HOST:PORT",
            StartError::DataDir(mainstem_broker::DataDirError::Dir(
                mainstem_broker::LogDirError::Locked { .. },
            )) => "stop the node that uses it, or choose another directory: --data-dir DIR",
            StartError::DataDir(mainstem_broker::DataDirError::OtherNode { .. }) => {
                "give this node the id that the directory names (-o node.id=N), or another directory: --data-dir DIR"
            }
            StartError::DataDir(_) => {
                "nothing was changed; check the directory, or choose another: --data-dir DIR"
            }
            StartError::Metadata(_) | StartError::Apply(_) => {
                "nothing was changed; keep a copy of the directory before you repair it"
            }
            StartError::Thread { .. } => "the system gives no more threads; raise its limit",
        };
        Self::with_hint(error.to_string(), hint)
    }
}

/// Log lines of the client, when asked for.
pub(crate) fn logging(verbose: bool) {
    if verbose {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(std::io::stderr)
            .init();
    }
}
