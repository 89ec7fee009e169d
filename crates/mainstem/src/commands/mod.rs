//! The commands, a file for each noun or everyday verb.

mod cluster;
mod config;
mod consume;
mod group;
mod log;
mod man;
mod produce;
pub(crate) mod server;
mod storage;
mod topic;

use mainstem_client::{Cluster, ClusterOptions};

use crate::address::check_bootstrap;
use crate::cli::{Command, Global};
use crate::failure::Failure;

/// Set by the completion scripts when they want proposals for a line.
pub(crate) const COMPLETE_VARIABLE: &str = "MAINSTEM_COMPLETE";

/// Runs a command that talks to a cluster.
pub(crate) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    match command {
        Command::Topic(command) => topic::run(global, command).await,
        Command::Produce(options) => produce::run(global, &options).await,
        Command::Consume(options) => consume::run(global, &options).await,
        Command::Group(command) => group::run(global, command).await,
        Command::Config(command) => config::run(global, command).await,
        Command::Cluster => cluster::run(global).await,
        Command::Storage(command) => storage::run(global, command),
        Command::Log(command) => log::run(global, command),
        Command::Man { dir } => man::run(global, &dir),
        Command::Completions { shell } => {
            let (var, name) = (COMPLETE_VARIABLE, "mainstem");
            let shells = clap_complete::env::Shells::builtins();
            let shell = shells.completer(&shell.to_string());
            let shell = shell.ok_or_else(|| Failure::no("this shell cannot complete"))?;
            let mut script = Vec::new();
            shell.write_registration(var, name, name, name, &mut script)?;
            crate::output::print(&String::from_utf8_lossy(&script))
        }
        Command::Server(options) => server::run(&options),
    }
}

/// Connects as the global options say.
async fn connect(global: &Global) -> Result<Cluster, Failure> {
    check_bootstrap(&global.bootstrap)?;
    let options = ClusterOptions {
        bootstrap: global.bootstrap.clone(),
        timeout: global.timeout,
        ..ClusterOptions::default()
    };
    Ok(Cluster::connect(options).await?)
}

/// The partitions that are meant: the one that is named, which must be there, or all.
fn chosen_partitions(topic: &str, count: i32, one: Option<i32>) -> Result<Vec<i32>, Failure> {
    match one {
        Some(partition) if partition < 0 || partition >= count => {
            let there = match count {
                1 => "its only partition is 0".to_owned(),
                _ => format!("its partitions are 0 to {}", count - 1),
            };
            Err(Failure::with_hint(
                format!("topic {topic} has no partition {partition}"),
                format!("{there}   ·   make more: mainstem topic alter {topic} --partitions N"),
            ))
        }
        Some(partition) => Ok(vec![partition]),
        None => Ok((0..count).collect()),
    }
}

/// A topic that must exist; a near name is offered if it does not.
async fn existing_topic(
    cluster: &Cluster,
    name: &str,
) -> Result<mainstem_client::TopicDetail, Failure> {
    let topics = cluster.topics().await?;
    if let Some(topic) = topics.iter().find(|topic| topic.name == name) {
        return Ok(topic.clone());
    }
    let near = crate::output::did_you_mean(name, topics.iter().map(|topic| topic.name.as_str()));
    let create = format!("create it: mainstem topic create {name}");
    let hint = match near {
        Some(near) => format!("did you mean \"{near}\"?   {create}"),
        None => create,
    };
    Err(Failure::with_hint(
        format!("topic \"{name}\" does not exist on {}", cluster.bootstrap()),
        hint,
    ))
}
