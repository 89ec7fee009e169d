//! `mainstem cluster`: the nodes, and what the cluster stands at.

use std::io::{self, IsTerminal};

use mainstem_client::ClusterDetail;
use serde_json::json;

use super::connect;
use crate::cli::Global;
use crate::failure::Failure;
use crate::output::{Column, counted, print, rows, say};

/// Nodes as a table, features in words; with `--json` one object with everything.
pub(crate) async fn run(global: &Global) -> Result<(), Failure> {
    let cluster = connect(global).await?.describe().await?;
    if global.json {
        return print(&format!("{}\n", object(&cluster)));
    }
    let count = i64::try_from(cluster.nodes.len()).unwrap_or(i64::MAX);
    say(
        global,
        &format!(
            "cluster {} · {} · controller {} · {} APIs",
            cluster.id,
            counted(count, "node"),
            cluster.controller,
            cluster.apis
        ),
    );
    let columns = [
        Column("NODE", "node", true),
        Column("ADDRESS", "address", false),
        Column("RACK", "rack", false),
        Column("CONTROLLER", "controller", false),
    ];
    let nodes = cluster.nodes.iter().map(|node| {
        let controls = node.id == cluster.controller;
        vec![
            json!(node.id),
            json!(node.address),
            json!(node.rack),
            json!(if controls { "yes" } else { "no" }),
        ]
    });
    rows(global, &columns, &nodes.collect::<Vec<_>>())?;
    if io::stdout().is_terminal() {
        print("\n")?;
    }
    let columns = [
        Column("FEATURE", "feature", false),
        Column("LEVEL", "level", true),
        Column("LOWEST", "min", true),
        Column("HIGHEST", "max", true),
    ];
    let features = cluster.features.iter().map(|feature| {
        vec![
            json!(feature.name),
            json!(feature.level),
            json!(feature.min),
            json!(feature.max),
        ]
    });
    Ok(rows(global, &columns, &features.collect::<Vec<_>>())?)
}

fn object(cluster: &ClusterDetail) -> serde_json::Value {
    let nodes = cluster
        .nodes
        .iter()
        .map(|node| json!({"id": node.id, "address": node.address, "rack": node.rack}));
    let features = cluster.features.iter().map(|feature| {
        json!({"name": feature.name, "level": feature.level, "min": feature.min, "max": feature.max})
    });
    json!({
        "cluster": cluster.id,
        "controller": cluster.controller,
        "apis": cluster.apis,
        "nodes": nodes.collect::<Vec<_>>(),
        "features": features.collect::<Vec<_>>(),
    })
}
