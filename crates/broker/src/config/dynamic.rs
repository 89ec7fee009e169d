//! Properties in effect: what was given at the start, and what was set over it while the node runs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use mainstem_metadata::{ConfigResource, Endpoint, MetadataImage};
use mainstem_protocol::Str;

use super::Properties;

/// Values of properties under their names.
type Values = BTreeMap<Str, Str>;

/// What was set for a broker, and for all brokers, while they run.
pub(crate) fn dynamic_configs(image: &MetadataImage, node_id: i32) -> [Option<&Arc<Values>>; 2] {
    let of = |name: String| {
        image.config(&ConfigResource {
            resource_type: ConfigResource::BROKER,
            name: Str::from(name),
        })
    };
    [of(node_id.to_string()), of(String::new())]
}

/// The properties with what was set while the node runs: for all brokers first, for this one over it.
pub(crate) fn effective(given: &Properties, image: &MetadataImage, node_id: i32) -> Properties {
    let mut properties = given.clone();
    let dynamic = dynamic_configs(image, node_id);
    for values in dynamic.into_iter().rev().flatten() {
        properties = properties.overlaid(values);
    }
    properties
}

/// What was given in another way than by a property is shown like one.
pub(crate) fn note_endpoints(
    properties: &mut Properties,
    dir: &str,
    bound: SocketAddr,
    told: &Endpoint,
) {
    let node_id = properties.number("node.id");
    properties.note("node.id", node_id.to_string());
    properties.note("process.roles", "broker,controller".to_owned());
    properties.note("log.dirs", dir.to_owned());
    properties.note("listeners", format!("PLAINTEXT://{bound}"));
    let told = format!("PLAINTEXT://{}:{}", told.host, told.port);
    properties.note("advertised.listeners", told);
}
