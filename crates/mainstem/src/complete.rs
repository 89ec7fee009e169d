//! What a shell proposes for a word: names of topics and groups as the cluster knows them now, and those of properties.
//!
//! Invariant: a person waits at a prompt, so nobody is waited for long, and whatever goes wrong proposes nothing and says nothing.

use std::time::Duration;

use clap_complete::engine::CompletionCandidate;
use mainstem_broker::property_docs;
use mainstem_client::{ClientError, Cluster, ClusterOptions};

use crate::cli::{BOOTSTRAP, BOOTSTRAP_VARIABLE};

/// Longer than that nobody wants to wait for a proposal.
const ASK: Duration = Duration::from_secs(1);

/// Names of topics.
pub(crate) fn topics() -> Vec<CompletionCandidate> {
    asked(async |cluster| {
        let topics = cluster.topics().await?.into_iter();
        Ok(topics.map(|topic| topic.name).collect())
    })
}

/// Names of groups.
pub(crate) fn groups() -> Vec<CompletionCandidate> {
    asked(async |cluster| {
        let groups = cluster.groups().await?.into_iter();
        Ok(groups.map(|group| group.group).collect())
    })
}

/// Names of properties.
pub(crate) fn properties() -> Vec<CompletionCandidate> {
    named(property_docs().map(|doc| doc.name.to_owned()).collect())
}

/// Names of properties, ready for their values.
pub(crate) fn assignments() -> Vec<CompletionCandidate> {
    let names = property_docs().map(|doc| format!("{}=", doc.name));
    named(names.collect())
}

fn named(mut names: Vec<String>) -> Vec<CompletionCandidate> {
    names.sort();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn asked(
    ask: impl AsyncFnOnce(Cluster) -> Result<Vec<String>, ClientError>,
) -> Vec<CompletionCandidate> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return Vec::new();
    };
    let options = ClusterOptions {
        bootstrap: bootstrap(std::env::args()),
        timeout: ASK,
        ..ClusterOptions::default()
    };
    let names = async { ask(Cluster::connect(options).await?).await };
    let names = runtime.block_on(async { tokio::time::timeout(ASK, names).await });
    runtime.shutdown_background();
    match names {
        Ok(Ok(names)) => named(names),
        _ => Vec::new(),
    }
}

/// The brokers that the line names which is being completed, else those of the environment. Bash hands on a line in pieces:
/// `--bootstrap=a:1` are the words `--bootstrap`, `=`, `a`, `:` and `1`.
fn bootstrap(words: impl Iterator<Item = String>) -> String {
    let mut said = said(words);
    if said.is_empty() {
        said = std::env::var(BOOTSTRAP_VARIABLE).unwrap_or_default();
    }
    if said.is_empty() {
        said = BOOTSTRAP.to_owned();
    }
    said
}

/// The value of `--bootstrap`, whole or in pieces; empty when the line has none.
fn said(mut words: impl Iterator<Item = String>) -> String {
    let after = |word: String| Some(word.strip_prefix("--bootstrap")?.to_owned());
    let is_option = |rest: &String| rest.is_empty() || rest.starts_with('=');
    let Some(rest) = words.by_ref().filter_map(after).find(is_option) else {
        return String::new();
    };
    let mut words = words.skip_while(|word| word == "=").peekable();
    let mut said = match rest.strip_prefix('=') {
        Some(value) => value.to_owned(),
        None => words.next().unwrap_or_default(),
    };
    // Colons hold pieces together: there may be several brokers, and addresses of IPv6.
    let is_colon = |word: &String| word.starts_with(':') && word.trim_matches(':').is_empty();
    while let Some(colon) = words.next_if(is_colon) {
        said += &colon;
        said += &words.next().unwrap_or_default();
    }
    said
}

#[cfg(test)]
mod tests {
    //! Which brokers a line means.

    use super::*;

    #[test]
    fn a_line_names_its_brokers() {
        let check = |line: &str, expected: &str| {
            let words = line.split_whitespace().map(str::to_owned);
            assert_eq!(bootstrap(words), expected, "{line}");
        };
        check("mainstem -- mainstem --bootstrap a:1 topic", "a:1");
        check("mainstem -- mainstem --bootstrap a : 1 topic", "a:1");
        check("mainstem topic --bootstrap b:2", "b:2");
        check("mainstem -- mainstem --bootstrap=a:1 topic", "a:1");
        check("mainstem -- mainstem --bootstrap = a : 1 topic", "a:1");
        check("mainstem --bootstrap a : 1,b : 2 topic", "a:1,b:2");
        check("mainstem --bootstrap = [ :: 1] : 9092 topic", "[::1]:9092");
    }
}
