//! Sockets: accepting, and one task for each connection.

mod connection;
mod listener;
mod outgoing;
mod quotas;
mod warnings;

pub(crate) use listener::{Bound, accept, bind};
pub(crate) use quotas::{Connections, open_files_max, raise_descriptor_limit};
pub(crate) use warnings::Warnings;
