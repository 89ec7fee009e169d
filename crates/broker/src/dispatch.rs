//! The table of APIs, and the way from a frame to a handler.
//!
//! The table is the only list: dispatch, ApiVersions and the page of what is served come from it. It names every API of the schema, with
//! its handler or with the reason why it has none.

use std::future::Future;
use std::time::Instant;

use mainstem_protocol::frame::{RequestHeader, encode_response};
use mainstem_protocol::{ApiKey, Chunks, DecodeError, Decoder, EncodeError, Request};

use crate::context::{RequestContext, Staged};
use crate::handlers;
use crate::limits::ANSWER_MEMORY_MAX;
use crate::memory::Charge;

/// Why a request is not answered: the connection is closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// No such API here.
    #[error("API key {key} is not served")]
    Api {
        /// As sent.
        key: i16,
    },
    /// No such version here.
    #[error("{api} version {version} is not served")]
    Version {
        /// The API.
        api: ApiKey,
        /// As sent.
        version: i16,
    },
    /// The bytes are not a request.
    #[error("{api} version {version}: {cause}")]
    Decode {
        /// The API.
        api: ApiKey,
        /// As sent.
        version: i16,
        /// What is wrong.
        cause: DecodeError,
    },
    /// The answer would take more than it may.
    #[error("the answer to {api} version {version} would be larger than {ANSWER_MEMORY_MAX} bytes")]
    Budget {
        /// The API.
        api: ApiKey,
        /// As sent.
        version: i16,
    },
    /// Our answer does not fit the version: a mistake of ours.
    #[error("the answer to {api} version {version}: {cause}")]
    Encode {
        /// The API.
        api: ApiKey,
        /// As sent.
        version: i16,
        /// What is wrong.
        cause: EncodeError,
    },
}

/// An API and its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiRange {
    /// The API.
    pub api: ApiKey,
    /// Lowest version told to clients.
    pub advertised_min: i16,
    /// Lowest version served.
    pub min: i16,
    /// Highest version served.
    pub max: i16,
}

/// The versions of an API: those of the schema, with Apache Kafka's own exceptions.
fn range(api: ApiKey) -> ApiRange {
    let mut range = ApiRange {
        api,
        advertised_min: api.min_version(),
        min: api.min_version(),
        max: api.max_version(),
    };
    if api == ApiKey::Produce {
        // librdkafka takes a minimum above 0 for "no support" (KAFKA-18659).
        range.advertised_min = 0;
    }
    if api.latest_version_unstable() {
        range.max -= 1;
    }
    range
}

type Answer = Result<Chunks, Refused>;

macro_rules! apis {
    (served { $($api:ident $handler:ident,)* } not_served { $($reason:literal: $($other:ident)*;)* }) => {
        const SERVED: &[ApiKey] = &[$(ApiKey::$api,)*];

        async fn route(cx: RequestContext, api: ApiKey, correlation_id: i32, decoder: Decoder, charge: &mut Charge) -> Result<Staged<Answer>, Refused> {
            match api {
                $(ApiKey::$api => run(cx, correlation_id, decoder, charge, handlers::$handler::handle).await,)*
                $($(ApiKey::$other)|* => Err(Refused::Api { key: api.code() }),)*
            }
        }

        /// Why an API of the schema is not served; nothing when it is.
        pub fn not_served(api: ApiKey) -> Option<&'static str> {
            match api {
                $(ApiKey::$api => None,)*
                $($(ApiKey::$other)|* => Some($reason),)*
            }
        }
    };
}

// Every API of the schema stands here once: the compiler refuses one that is missing, and one that comes twice.
apis! {
    served {
        Produce                      produce,
        Fetch                        fetch,
        ListOffsets                  list_offsets,
        Metadata                     metadata,
        OffsetCommit                 offset_commit,
        OffsetFetch                  offset_fetch,
        FindCoordinator              find_coordinator,
        JoinGroup                    join_group,
        Heartbeat                    heartbeat,
        LeaveGroup                   leave_group,
        SyncGroup                    sync_group,
        DescribeGroups               describe_groups,
        ListGroups                   list_groups,
        ApiVersions                  api_versions,
        CreateTopics                 create_topics,
        DeleteTopics                 delete_topics,
        DeleteRecords                delete_records,
        InitProducerId               init_producer_id,
        OffsetForLeaderEpoch         offset_for_leader_epoch,
        DescribeAcls                 describe_acls,
        CreateAcls                   create_acls,
        DeleteAcls                   delete_acls,
        DescribeConfigs              describe_configs,
        AlterConfigs                 alter_configs,
        AlterReplicaLogDirs          alter_replica_log_dirs,
        DescribeLogDirs              describe_log_dirs,
        CreatePartitions             create_partitions,
        DeleteGroups                 delete_groups,
        ElectLeaders                 elect_leaders,
        IncrementalAlterConfigs      incremental_alter_configs,
        AlterPartitionReassignments  alter_partition_reassignments,
        ListPartitionReassignments   list_partition_reassignments,
        OffsetDelete                 offset_delete,
        DescribeClientQuotas         describe_client_quotas,
        DescribeUserScramCredentials describe_user_scram_credentials,
        DescribeQuorum               describe_quorum,
        UpdateFeatures               update_features,
        DescribeCluster              describe_cluster,
        DescribeProducers            describe_producers,
        ListConfigResources          list_config_resources,
        DescribeTopicPartitions      describe_topic_partitions,
    }
    not_served {
        "removed from Kafka": LeaderAndIsr StopReplica UpdateMetadata ControlledShutdown;
        "Kafka without a telemetry plug-in does not offer it": GetTelemetrySubscriptions PushTelemetry;
        "transactions come later": AddPartitionsToTxn AddOffsetsToTxn EndTxn WriteTxnMarkers TxnOffsetCommit
            DescribeTransactions ListTransactions;
        "listeners are plain so far": SaslHandshake SaslAuthenticate;
        "authentication comes later": CreateDelegationToken RenewDelegationToken ExpireDelegationToken
            DescribeDelegationToken AlterUserScramCredentials;
        "quotas come later": AlterClientQuotas;
        "the consumer group protocol comes later": ConsumerGroupHeartbeat ConsumerGroupDescribe;
        "share groups come later": ShareGroupHeartbeat ShareGroupDescribe ShareFetch ShareAcknowledge
            DescribeShareGroupOffsets AlterShareGroupOffsets DeleteShareGroupOffsets InitializeShareGroupState
            ReadShareGroupState WriteShareGroupState DeleteShareGroupState ReadShareGroupStateSummary;
        "streams groups come later": StreamsGroupHeartbeat StreamsGroupDescribe
            StreamsGroupTopologyDescriptionUpdate;
        "one node has no use for it": Vote BeginQuorumEpoch EndQuorumEpoch AlterPartition Envelope FetchSnapshot
            BrokerRegistration BrokerHeartbeat UnregisterBroker AllocateProducerIds ControllerRegistration
            AssignReplicasToDirs AddRaftVoter RemoveRaftVoter UpdateRaftVoter UnregisterController;
    }
}

/// Every API that is served, with its versions, in the order of the keys.
pub fn api_ranges() -> impl Iterator<Item = ApiRange> {
    SERVED.iter().map(|api| range(*api))
}

/// Takes a request to its handler; what it is decoded into is charged. Errors close the connection.
pub(crate) async fn dispatch(
    mut cx: RequestContext,
    header: &RequestHeader,
    decoder: Decoder,
    charge: &mut Charge,
) -> Result<Staged<Answer>, Refused> {
    let api = header
        .api()
        .filter(|api| SERVED.contains(api))
        .ok_or(Refused::Api {
            key: header.api_key,
        })?;
    let versions = range(api);
    let version = header.api_version;
    if !(versions.min..=versions.max).contains(&version) {
        if api == ApiKey::ApiVersions {
            // A client that is newer than us learns what we speak, in the oldest form (KIP-511).
            cx.version = 0;
            let answer = handlers::api_versions::unsupported();
            return Ok(Staged::Ready(encode(
                api,
                0,
                header.correlation_id,
                &answer,
            )));
        }
        return Err(Refused::Version { api, version });
    }
    route(cx, api, header.correlation_id, decoder, charge).await
}

fn encode<M: mainstem_protocol::Message>(
    api: ApiKey,
    version: i16,
    correlation_id: i32,
    response: &M,
) -> Answer {
    encode_response(api, version, correlation_id, response).map_err(|cause| {
        tracing::error!(%api, version, %cause, "an answer cannot be written");
        Refused::Encode {
            api,
            version,
            cause,
        }
    })
}

async fn run<Q, F>(
    cx: RequestContext,
    correlation_id: i32,
    mut decoder: Decoder,
    charge: &mut Charge,
    handler: impl FnOnce(RequestContext, Q) -> F,
) -> Result<Staged<Answer>, Refused>
where
    Q: Request,
    Q::Response: Send + 'static,
    F: Future<Output = Staged<Q::Response>>,
{
    let began = Instant::now();
    let (api, version) = (Q::KEY, cx.version);
    let (node, counted, core) = (cx.node.clone(), cx.node.clone(), cx.core);
    let budget = decoder.budget_bytes();
    let request = Q::decode(&mut decoder, version).map_err(|cause| Refused::Decode {
        api,
        version,
        cause,
    })?;
    charge.add(budget - decoder.budget_bytes());
    let budget = cx.answer.clone();
    let answer = move |response: &Q::Response| {
        if budget.is_exceeded() {
            return Err(Refused::Budget { api, version });
        }
        let counters = node.metrics.core(core);
        let answer = encode(api, version, correlation_id, response);
        counters.errors_of(api, response);
        counters.handled(api, began.elapsed());
        answer
    };
    Ok(match handler(cx, request).await {
        Staged::Ready(response) => Staged::Ready(answer(&response)),
        Staged::Pending(future) => Staged::pending(async move { answer(&future.await) }),
        Staged::Silent => {
            counted.metrics.core(core).handled(api, began.elapsed());
            Staged::Silent
        }
        Staged::Close => Staged::Close,
    })
}

#[cfg(test)]
mod tests {
    //! The table against the schema.

    use super::*;

    #[test]
    fn what_is_served_stands_in_order_with_kafkas_versions() {
        assert!(SERVED.is_sorted());
        let produce = range(ApiKey::Produce);
        assert_eq!(
            (produce.advertised_min, produce.min, produce.max),
            (0, 3, 13)
        );
        assert_eq!(range(ApiKey::InitProducerId).max, 5);
    }
}
