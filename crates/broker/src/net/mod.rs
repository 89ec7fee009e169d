//! Sockets: accepting, and one task for each connection.

mod connection;
mod listener;

pub(crate) use listener::{Bound, accept, bind};
