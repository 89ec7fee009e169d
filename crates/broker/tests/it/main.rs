//! The node as its peers see it: requests over real sockets, hostile bytes, restarts.

mod compatibility;
mod data_dir;
mod hostile;
mod serving;
mod wire;
