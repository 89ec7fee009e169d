//! Addresses as people write them: `HOST:PORT`, an IPv6 host in brackets.
//!
//! Must not know what is reached or served there. A wrong one is wrong use, so it is found before anything is done.

use std::net::{SocketAddr, ToSocketAddrs};

use crate::failure::Failure;

/// Splits `host:port`. Example: `[::1]:9092` is host `::1`, while `::1:9092` could be another address as well and is none.
fn split(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_wrong = inner.is_none() && host.contains([':', '[', ']', '/', ' ']);
    let port = port.parse().ok()?;
    (!is_wrong).then_some((inner.unwrap_or(host), port))
}

/// Splits `host:port`; the host may be empty, which means every address of this machine.
pub(crate) fn host_and_port(text: &str) -> Result<(String, u16), Failure> {
    let wrong = || {
        Failure::usage(
            format!("{text:?} is not HOST:PORT"),
            "for example 127.0.0.1:9092",
        )
    };
    let (host, port) = split(text).ok_or_else(wrong)?;
    Ok((host.to_owned(), port))
}

/// Makes sure that a node can be asked to listen there, as far as names go.
pub(crate) fn check_host(host: &str, port: u16) -> Result<(), Failure> {
    if host.is_empty() || (host, port).to_socket_addrs().is_ok() {
        return Ok(());
    }
    Err(Failure::usage(
        format!("no address is known for the host {host:?}"),
        "name an address of this machine: --listen 127.0.0.1:9092   ·   all of them: --listen 0.0.0.0:9092",
    ))
}

/// The socket address of `host:port`. Of several that a name has, that of IPv4 goes before: `localhost` is 127.0.0.1.
pub(crate) fn socket(text: &str) -> Result<SocketAddr, String> {
    let wrong = || format!("{text:?} is not HOST:PORT, for example 127.0.0.1:8080");
    let (host, port) = split(text).ok_or_else(wrong)?;
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let unknown = |_| format!("no address is known for the host {host:?}");
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(unknown)?.collect();
    let plain = found.iter().find(|address| address.is_ipv4());
    plain.or(found.first()).copied().ok_or_else(wrong)
}

/// Checks brokers to begin with: `host:port`, several with commas.
pub(crate) fn check_bootstrap(list: &str) -> Result<(), Failure> {
    for address in list.split(',').map(str::trim) {
        if !split(address).is_some_and(|(host, port)| !host.is_empty() && port > 0) {
            return Err(Failure::usage(
                format!("--bootstrap: {address:?} is not HOST:PORT"),
                "write HOST:PORT, for example 127.0.0.1:9092; several with commas",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    //! What is an address, and what is none.

    use super::*;

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            assert_eq!(split(text), expected, "{text}");
        };
        check("127.0.0.1:9092", Some(("127.0.0.1", 9092)));
        check("[::1]:1", Some(("::1", 1)));
        check(":9092", Some(("", 9092)));
        for wrong in [
            "127.0.0.1",
            "foo:bar:1",
            "::1:9092",
            "a:b",
            "a:70000",
            "http://a:1",
            "",
        ] {
            check(wrong, None);
        }
        assert_eq!(
            socket("localhost:8080").unwrap().to_string(),
            "127.0.0.1:8080"
        );
        assert!(socket("localhost").is_err());
        assert!(check_bootstrap("a:1, b:2").is_ok());
        assert!(check_bootstrap("a:1,b").is_err());
    }
}
