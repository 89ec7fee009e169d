//! Rules on broker properties that bounds cannot say, in Apache Kafka's words.
//!
//! `queued.max.request.bytes` may be below `socket.request.max.bytes`, unlike Kafka's: it bounds more than requests here.

use super::{ConfigError, broker_config};

/// Families of group properties: `group.KIND.min.NAME` ≤ `group.KIND.NAME` ≤ `group.KIND.max.NAME`.
const FAMILIES: &[(&str, &str)] = &[
    ("consumer", "heartbeat.interval.ms"),
    ("consumer", "session.timeout.ms"),
    ("consumer", "assignment.interval.ms"),
    ("share", "heartbeat.interval.ms"),
    ("share", "session.timeout.ms"),
    ("share", "assignment.interval.ms"),
    ("share", "record.lock.duration.ms"),
    ("share", "delivery.count.limit"),
    ("share", "partition.max.record.locks"),
    ("streams", "heartbeat.interval.ms"),
    ("streams", "session.timeout.ms"),
    ("streams", "assignment.interval.ms"),
];

fn refuse(name: &str, value: i64, rule: String) -> Result<(), ConfigError> {
    Err(ConfigError::Rule {
        name: name.to_owned(),
        value: value.to_string(),
        rule,
    })
}

/// Checks a value by itself.
pub(super) fn check_alone(name: &str, value: &str) -> Result<(), ConfigError> {
    let Ok(number) = value.trim().parse::<i64>() else {
        return Ok(());
    };
    let rule = match name {
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours"
            if number == 0 || number < -1 =>
        {
            "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"
        }
        "log.roll.ms" if number < 1 => "log.roll.ms must be greater than or equal to 1",
        "log.roll.jitter.ms" if number < 0 => {
            "log.roll.jitter.ms must be greater than or equal to 0"
        }
        _ => return Ok(()),
    };
    refuse(name, number, rule.to_owned())
}

/// Checks broker properties against each other; `given` tells those that were given.
pub fn check_broker_together<'a>(
    given: &impl Fn(&str) -> Option<&'a str>,
) -> Result<(), ConfigError> {
    let number = |name: &str| -> i64 {
        let value = given(name).or_else(|| broker_config(name).and_then(|row| row.default));
        value
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(0)
    };
    for (kind, name) in FAMILIES {
        let of = |bound: &str| format!("group.{kind}.{bound}{name}");
        let (min, own, max) = (of("min."), of(""), of("max."));
        for (low, high, named) in [(&min, &max, &max), (&min, &own, &own), (&own, &max, &own)] {
            if number(low) > number(high) {
                let (words, other) = match named == high {
                    true => ("greater", low),
                    false => ("less", high),
                };
                let rule = format!("{named} must be {words} than or equal to {other}");
                return refuse(named, number(named), rule);
            }
        }
    }
    check_pairs(
        &number,
        given("max.connections.per.ip.overrides").unwrap_or(""),
    )
}

fn check_pairs(number: &impl Fn(&str) -> i64, overrides: &str) -> Result<(), ConfigError> {
    let (wait, socket) = ("replica.fetch.wait.max.ms", "replica.socket.timeout.ms");
    if number(wait) > number(socket) {
        let rule = format!(
            "{socket} should always be at least {wait} to prevent unnecessary socket timeouts"
        );
        return refuse(socket, number(socket), rule);
    }
    let lag = "replica.lag.time.max.ms";
    if number(wait) > number(lag) {
        let rule = format!(
            "{wait} should always be less than or equal to {lag} to prevent frequent changes in ISR"
        );
        return refuse(wait, number(wait), rule);
    }
    let (own, most) = (
        "group.streams.num.standby.replicas",
        "group.streams.max.standby.replicas",
    );
    if number(own) > number(most) {
        return refuse(
            own,
            number(own),
            format!("{own} must be less than or equal to {most}"),
        );
    }
    let per_ip = "max.connections.per.ip";
    if number(per_ip) == 0 && overrides.trim().is_empty() {
        let rule =
            format!("{per_ip} can be set to zero only if {per_ip}.overrides property is set.");
        return refuse(per_ip, 0, rule);
    }
    let (delay, idle) = (
        "connection.failed.authentication.delay.ms",
        "connections.max.idle.ms",
    );
    if number(idle) > 0 && number(delay) >= number(idle) {
        let (delayed, idles) = (number(delay), number(idle));
        let rule = format!(
            "{delay}={delayed} should always be less than {idle}={idles} to prevent failed authentication responses from timing out"
        );
        return refuse(idle, idles, rule);
    }
    Ok(())
}
