//! `mainstem produce`: standard input becomes records.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use mainstem_client::{Producer, ProducerOptions};
use mainstem_protocol::Str;
use mainstem_protocol::compress::Codec;
use tokio::sync::mpsc;

use super::{chosen_partitions, connect};
use crate::cli::{CodecName, Global, ProduceOptions};
use crate::failure::Failure;
use crate::input::{KeyValue, each_record};
use crate::output::{counted, say, thousands};
use crate::when::now_ms;

/// Records that wait between the reader and the producer.
const WAITING_RECORDS: usize = 4_096;

fn producer_options(global: &Global, options: &ProduceOptions) -> ProducerOptions {
    let acks = match options.acks.as_str() {
        "0" => 0,
        "1" => 1,
        _ => -1,
    };
    let codec = match options.codec {
        CodecName::None => Codec::None,
        CodecName::Gzip => Codec::Gzip,
        CodecName::Snappy => Codec::Snappy,
        CodecName::Lz4 => Codec::Lz4,
        CodecName::Zstd => Codec::Zstd,
    };
    ProducerOptions {
        acks,
        codec,
        idempotent: acks == -1,
        delivery_timeout: global.timeout,
        ..ProducerOptions::default()
    }
}

pub(crate) async fn run(global: &Global, options: &ProduceOptions) -> Result<(), Failure> {
    let cluster = connect(global).await?;
    let topic = Str::from(&options.topic);
    let count = cluster.partition_count(&topic).await?;
    chosen_partitions(&options.topic, count, options.partition)?;
    let mut producer = Producer::new(cluster, producer_options(global, options)).await?;
    let began = Instant::now();
    let progress = progress(global);
    let (mut records, reader) = read_input(options);
    loop {
        let next = tokio::time::timeout(Duration::from_millis(20), records.recv()).await;
        match next {
            Ok(Some((key, value))) => {
                let record = (key.as_deref(), Some(value.as_slice()));
                producer
                    .send(&topic, options.partition, now_ms(), record, &[])
                    .await?;
                progress.inc(1);
            }
            Ok(None) => break,
            // Nothing came for a while: what is there goes, so that typing by hand is seen at once.
            Err(_) => producer.linger()?,
        }
    }
    let produced = producer.flush().await?;
    progress.finish_and_clear();
    let read = reader
        .await
        .map_err(|error| Failure::no(format!("reading failed: {error}")))?;
    read?;
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a rate for people"
    )]
    let rate = (produced.records as f64 / seconds) as i64;
    let count = i64::try_from(produced.records).unwrap_or(i64::MAX);
    let speed = if count > 1_000 {
        format!(" ({} a second)", thousands(rate))
    } else {
        String::new()
    };
    say(
        global,
        &format!(
            "{} sent to {}{speed}",
            counted(count, "record"),
            options.topic
        ),
    );
    Ok(())
}

/// Reads standard input on a thread of its own; records come through a bounded channel.
fn read_input(
    options: &ProduceOptions,
) -> (
    mpsc::Receiver<KeyValue>,
    tokio::task::JoinHandle<Result<(), Failure>>,
) {
    let (sender, receiver) = mpsc::channel(WAITING_RECORDS);
    let options = options.clone();
    let reader = tokio::task::spawn_blocking(move || {
        let input = std::io::BufReader::with_capacity(256 * 1024, std::io::stdin());
        each_record(&options, input, |record| {
            sender
                .blocking_send(record)
                .map_err(|_| Failure::no("the producer stopped"))
        })
    });
    (receiver, reader)
}

/// Shown on a terminal, once the work takes longer than a second.
fn progress(global: &Global) -> ProgressBar {
    if global.quiet || global.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {human_pos} records · {per_sec} · {elapsed}");
    let bar = ProgressBar::new_spinner();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar
}
