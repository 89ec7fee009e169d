//! How many connections there are, and how many there may be.
//!
//! As in Apache Kafka: at `max.connections` the node accepts no more until one ends; a peer that has `max.connections.per.ip` open is
//! closed at once. An IPv4 address and its IPv6 form are one peer. The node also keeps below its limit of file descriptors, so that
//! connections never take those that files need.

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use mainstem_storage::disk::BudgetDisk;
use tokio::sync::Notify;

use super::warnings::Warnings;
use crate::config::Properties;
use crate::limits::{
    CONNECTIONS_MIN, DESCRIPTORS_KEPT, HTTP_CONNECTIONS_MAX, OPEN_FILES_MAX, OPEN_FILES_MIN,
};

/// How many there may be; may change while the node runs.
#[derive(Debug)]
struct Limits {
    max: usize,
    max_per_ip: usize,
    overrides: HashMap<IpAddr, usize>,
}

/// The open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ArcSwap<Limits>,
    /// As many as the descriptors allow.
    possible: usize,
    open: Mutex<Open>,
    ended: Notify,
    /// What is said of peers that are closed.
    pub(super) warnings: Warnings,
}

#[derive(Debug, Default)]
struct Open {
    count: usize,
    by_ip: HashMap<IpAddr, usize>,
}

/// One of them; counts until dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    connections: Arc<Connections>,
    ip: IpAddr,
}

impl Connections {
    /// Limits as configured; `descriptors` is how many files and sockets the process may have open.
    pub(crate) fn new(properties: &Properties, descriptors: u64) -> Self {
        let possible = usize::try_from(descriptors)
            .unwrap_or(usize::MAX)
            .saturating_sub(kept(descriptors))
            .max(CONNECTIONS_MIN);
        Self {
            limits: ArcSwap::from_pointee(Limits::of(properties, possible)),
            possible,
            open: Mutex::default(),
            ended: Notify::new(),
            warnings: Warnings::default(),
        }
    }

    /// Takes new limits. What is open stays open, as with Apache Kafka.
    pub(crate) fn configure(&self, properties: &Properties) {
        self.limits
            .store(Arc::new(Limits::of(properties, self.possible)));
        // There may be room now for who waits.
        self.ended.notify_waiters();
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.open().count
    }

    /// Waits until there may be one more.
    pub(crate) async fn room(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.count() < self.limits.load().max {
                return;
            }
            ended.await;
        }
    }

    /// Counts a connection; `None` when the peer has too many.
    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<OpenConnection> {
        let ip = ip.to_canonical();
        let limits = self.limits.load();
        let limit = *limits.overrides.get(&ip).unwrap_or(&limits.max_per_ip);
        let mut open = self.open();
        let of_ip = open.by_ip.entry(ip).or_default();
        if *of_ip >= limit {
            if *of_ip == 0 {
                open.by_ip.remove(&ip);
            }
            return None;
        }
        *of_ip += 1;
        open.count += 1;
        drop(open);
        Some(OpenConnection {
            connections: self.clone(),
            ip,
        })
    }
}

impl Limits {
    fn of(properties: &Properties, possible: usize) -> Self {
        let number = |name| usize::try_from(properties.number(name)).unwrap_or(0);
        let overrides = properties
            .text("max.connections.per.ip.overrides")
            .unwrap_or("");
        Self {
            max: number("max.connections").min(possible),
            max_per_ip: number("max.connections.per.ip"),
            overrides: overrides
                .split(',')
                .filter_map(one_override)
                .flatten()
                .collect(),
        }
    }
}

/// The addresses and the limit of one `host:limit`.
fn one_override(text: &str) -> Option<Vec<(IpAddr, usize)>> {
    let (host, limit) = text.trim().rsplit_once(':')?;
    let limit = limit.trim().parse().ok()?;
    let host = host.trim().trim_start_matches('[').trim_end_matches(']');
    match (host, 0).to_socket_addrs() {
        Ok(found) => Some(
            found
                .map(|found| (found.ip().to_canonical(), limit))
                .collect(),
        ),
        Err(error) => {
            tracing::warn!(host, %error, "max.connections.per.ip.overrides names a host that is not known");
            None
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.count -= 1;
        if let Some(of_ip) = open.by_ip.get_mut(&self.ip) {
            *of_ip -= 1;
            if *of_ip == 0 {
                open.by_ip.remove(&self.ip);
            }
        }
        drop(open);
        self.connections.ended.notify_waiters();
    }
}

/// How many of the descriptors are not for connections.
fn kept(descriptors: u64) -> usize {
    let files = BudgetDisk::descriptors(open_files_max(descriptors));
    DESCRIPTORS_KEPT + HTTP_CONNECTIONS_MAX + files
}

/// How many of the descriptors are for files of logs.
pub(crate) fn open_files_max(descriptors: u64) -> usize {
    let quarter = usize::try_from(descriptors / 4).unwrap_or(usize::MAX);
    quarter.clamp(OPEN_FILES_MIN, OPEN_FILES_MAX)
}

/// Lets the process have as many descriptors as the system allows it, and says how many those are.
pub(crate) fn raise_descriptor_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, wanted)
    {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    //! Counting, by peer and in all.

    use super::*;

    fn connections(options: &[&str], descriptors: u64) -> Arc<Connections> {
        let mut properties = Properties::default();
        for option in options {
            properties.set(option).unwrap();
        }
        Arc::new(Connections::new(&properties, descriptors))
    }

    #[test]
    fn a_peer_has_its_limit_under_every_form_of_its_address() {
        let options = [
            "max.connections.per.ip=2",
            "max.connections.per.ip.overrides=10.0.0.9:3, [::5]:1,10.0.0.8:0",
        ];
        let connections = connections(&options, 20_000);
        let enter = |ip: &str| connections.enter(ip.parse().unwrap());
        let first = enter("10.0.0.1").unwrap();
        let _second = enter("::ffff:10.0.0.1").unwrap();
        assert!(enter("10.0.0.1").is_none());
        let _other = enter("10.0.0.2").unwrap();
        drop(first);
        assert!(enter("10.0.0.1").is_some());
        let _three: Vec<_> = (0..3).map(|_| enter("10.0.0.9").unwrap()).collect();
        assert!(enter("10.0.0.9").is_none());
        assert!(enter("10.0.0.8").is_none());
        let _one = enter("::5").unwrap();
        assert!(enter("::5").is_none());
        assert_eq!(connections.count(), 6);
    }

    #[test]
    fn descriptors_bound_the_connections() {
        let max =
            |options: &[&str], descriptors| connections(options, descriptors).limits.load().max;
        let kept = 5_000 + 2_500 + DESCRIPTORS_KEPT + HTTP_CONNECTIONS_MAX;
        assert_eq!(max(&[], 20_000), 20_000 - kept);
        assert_eq!(max(&[], 10), CONNECTIONS_MIN);
        assert_eq!(max(&["max.connections=7"], 20_000), 7);
    }
}
