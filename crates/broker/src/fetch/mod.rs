//! Fetch: sessions, reading, waiting.

mod read;
mod session;

pub(crate) use read::{Found, Wanted, available, find, partition, read_all};
pub(crate) use session::{FetchSessions, Opened, Session, SessionError, TopicKey};
