//! Why a client's operation failed.

use mainstem_protocol::batch::BatchError;
use mainstem_protocol::{ApiKey, DecodeError, EncodeError, ErrorCode};

/// Why an operation failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// No connection to a broker.
    #[error("cannot reach {address}: {cause}")]
    Connect {
        /// Host and port.
        address: String,
        /// What the system said.
        cause: String,
    },
    /// A connection that was there is gone.
    #[error("the connection to {address} was lost: {cause}")]
    Lost {
        /// Host and port.
        address: String,
        /// What happened.
        cause: String,
    },
    /// No answer in time.
    #[error("{address} did not answer {api} in {seconds} s")]
    Timeout {
        /// Host and port.
        address: String,
        /// What was asked.
        api: ApiKey,
        /// How long was waited.
        seconds: u64,
    },
    /// The broker does not speak a version that we speak.
    #[error("{address} does not serve {api} in a version that this client knows")]
    Unsupported {
        /// Host and port.
        address: String,
        /// What was to be asked.
        api: ApiKey,
    },
    /// The broker refused.
    #[error("{what}: {message} [{code}]")]
    Refused {
        /// What was refused: a topic, a partition, a group.
        what: String,
        /// The broker's words, or ours.
        message: String,
        /// The code.
        code: ErrorCode,
    },
    /// An answer that cannot be read.
    #[error("the answer to {api} cannot be read: {cause}")]
    Decode {
        /// What was asked.
        api: ApiKey,
        /// What is wrong.
        cause: DecodeError,
    },
    /// A request that cannot be written.
    #[error("{api} cannot be written: {cause}")]
    Encode {
        /// What was to be asked.
        api: ApiKey,
        /// What is wrong.
        cause: EncodeError,
    },
    /// A batch that is damaged.
    #[error("{topic}-{partition}: {cause}")]
    Batch {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// What is wrong.
        cause: BatchError,
    },
}

impl ClientError {
    /// A refusal with the code's own name as its words.
    pub fn refused(what: impl Into<String>, code: ErrorCode, message: Option<&str>) -> Self {
        let message = message.filter(|message| !message.is_empty());
        let words = || code.name().to_lowercase().replace('_', " ");
        Self::Refused {
            what: what.into(),
            message: message.map_or_else(words, str::to_owned),
            code,
        }
    }

    /// The broker's code, if it refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// True when the same may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Lost { .. } | Self::Timeout { .. } => true,
            Self::Refused { code, .. } => code.is_retriable(),
            Self::Unsupported { .. }
            | Self::Decode { .. }
            | Self::Encode { .. }
            | Self::Batch { .. } => false,
        }
    }
}
