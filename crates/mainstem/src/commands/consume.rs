//! `mainstem consume`: prints records, alone or as a member of a group.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

use mainstem_client::{
    Cluster, Consumer, ConsumerOptions, GroupConsumer, GroupOptions, OffsetSpec, Record, Start,
};
use mainstem_protocol::Str;
use serde_json::{Value, json};

use super::{connect, existing_topic};
use crate::cli::{ConsumeOptions, Global};
use crate::failure::Failure;
use crate::when::rfc3339;

type Ends = BTreeMap<(Str, i32), i64>;

pub(crate) async fn run(global: &Global, options: &ConsumeOptions) -> Result<(), Failure> {
    let cluster = connect(global).await?;
    let topic = existing_topic(&cluster, &options.topic).await?;
    let name = Str::from(&options.topic);
    let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let partitions: Vec<i32> = match options.partition {
        Some(partition) if partition < 0 || partition >= count => {
            let message = format!("topic {name} has no partition {partition}");
            return Err(Failure::with_hint(
                message,
                format!("its partitions are 0 to {}", count - 1),
            ));
        }
        Some(partition) => vec![partition],
        None => (0..count).collect(),
    };
    let ends = match options.until_end {
        true => Some(ends(&cluster, &name, &partitions).await?),
        false => None,
    };
    let printer = Printer {
        json: global.json,
        left: options.max.unwrap_or(u64::MAX),
        out: BufWriter::new(std::io::stdout()),
    };
    match &options.group {
        Some(group) => in_group(cluster, options, (&name, group), ends, printer).await,
        None => alone(cluster, options, (&name, &partitions), ends, printer).await,
    }
}

async fn ends(cluster: &Cluster, topic: &Str, partitions: &[i32]) -> Result<Ends, Failure> {
    let mut ends = Ends::new();
    for partition in partitions {
        let end = cluster
            .offset(topic, *partition, OffsetSpec::Latest)
            .await?
            .map_or(0, |found| found.0);
        ends.insert((topic.clone(), *partition), end);
    }
    Ok(ends)
}

fn start(options: &ConsumeOptions) -> Start {
    match (options.offset, options.from_time) {
        (Some(offset), _) => Start::Offset(offset),
        (None, Some(time)) => Start::Time(time),
        // With --until-end the end of today is meant, so the beginning is where to start.
        (None, None) if options.from_beginning || options.until_end => Start::Earliest,
        (None, None) => Start::Latest,
    }
}

/// True when every partition that is read has reached what was its end.
fn reached(ends: Option<&Ends>, positions: &Ends) -> bool {
    ends.is_some_and(|ends| {
        positions
            .iter()
            .all(|(place, position)| ends.get(place).is_none_or(|end| position >= end))
    })
}

async fn alone(
    cluster: Cluster,
    options: &ConsumeOptions,
    (topic, partitions): (&Str, &[i32]),
    ends: Option<Ends>,
    mut printer: Printer,
) -> Result<(), Failure> {
    let mut consumer = Consumer::new(cluster, ConsumerOptions::default());
    for partition in partitions {
        consumer.assign(topic, *partition, start(options)).await?;
    }
    loop {
        if reached(ends.as_ref(), consumer.positions()) || printer.left == 0 {
            return Ok(printer.out.flush()?);
        }
        let records = match consumer.poll().await {
            Err(error) if error.is_retriable() => {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                continue;
            }
            polled => polled?,
        };
        printer.print(&records, ends.as_ref())?;
    }
}

async fn in_group(
    cluster: Cluster,
    options: &ConsumeOptions,
    (topic, group): (&Str, &str),
    ends: Option<Ends>,
    mut printer: Printer,
) -> Result<(), Failure> {
    let begin = if options.from_beginning || options.until_end {
        Start::Earliest
    } else {
        start(options)
    };
    let group_options = GroupOptions {
        start: begin,
        ..GroupOptions::new(group)
    };
    let mut consumer = GroupConsumer::new(cluster, group_options, vec![topic.clone()]);
    let mut printed = Ends::new();
    loop {
        let records = match consumer.poll().await {
            Err(error) if error.is_retriable() => {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                continue;
            }
            polled => polled?,
        };
        let count = printer.print(&records, ends.as_ref())?;
        for record in records.iter().take(count) {
            printed.insert((record.topic.clone(), record.partition), record.offset + 1);
        }
        if count > 0 {
            // What was printed is committed; it may be printed again after a crash, never lost.
            printer.out.flush()?;
            let mine = |place: &(Str, i32)| consumer.positions().contains_key(place);
            let done: Ends = printed
                .iter()
                .filter(|(place, _)| mine(place))
                .map(|(place, at)| (place.clone(), *at))
                .collect();
            if let Err(error) = consumer.commit_offsets(&done).await {
                tracing::warn!(%error, "the commit failed; the group rebalances");
            }
        }
        if printer.left == 0
            || (reached(ends.as_ref(), consumer.positions()) && !consumer.must_rejoin())
        {
            consumer.leave().await?;
            return Ok(printer.out.flush()?);
        }
    }
}

struct Printer {
    json: bool,
    left: u64,
    out: BufWriter<std::io::Stdout>,
}

/// Bytes as text; what is not UTF-8 is shown with replacement characters.
fn text(bytes: Option<&bytes::Bytes>) -> Value {
    bytes.map_or(Value::Null, |bytes| json!(String::from_utf8_lossy(bytes)))
}

impl Printer {
    /// Prints records up to the limit; returns how many.
    fn print(&mut self, records: &[Record], ends: Option<&Ends>) -> Result<usize, Failure> {
        let mut count = 0;
        for record in records {
            if self.left == 0 {
                break;
            }
            count += 1;
            let place = (record.topic.clone(), record.partition);
            if ends.is_some_and(|ends| ends.get(&place).is_some_and(|end| record.offset >= *end)) {
                continue; // came after the command began
            }
            self.left -= 1;
            self.print_one(record)?;
        }
        self.out.flush()?;
        Ok(count)
    }

    fn print_one(&mut self, record: &Record) -> std::io::Result<()> {
        if !self.json {
            self.out
                .write_all(record.value.as_deref().unwrap_or_default())?;
            return self.out.write_all(b"\n");
        }
        let headers: Vec<Value> = record
            .headers
            .iter()
            .map(|(key, value)| json!({"key": String::from_utf8_lossy(key), "value": text(value.as_ref())}))
            .collect();
        let object = json!({
            "topic": record.topic.as_str(),
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": rfc3339(record.timestamp),
            "key": text(record.key.as_ref()),
            "value": text(record.value.as_ref()),
            "headers": headers,
        });
        writeln!(self.out, "{object}")
    }
}
