import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/** kafka-clients: see ../README.md. Usage: Interop BOOTSTRAP */
public class Interop {
    static final String TOPIC = "interop-java", GROUP = "group-java";
    static final int COUNT = 20_000, PARTITIONS = 4;
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    static String boot;

    record Seen(String key, int number, int partition, long offset) {}

    static void report(String step, Object... values) {
        StringBuilder text = new StringBuilder("CHECK " + step);
        for (int at = 0; at < values.length; at += 2) text.append(' ').append(values[at]).append('=').append(values[at + 1]);
        System.out.println(text);
    }

    static void produce(int first, int count, String codec) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", boot, "compression.type", codec,
            "key.serializer", "org.apache.kafka.common.serialization.StringSerializer",
            "value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int number = first; number < first + count; number++)
                sent.add(producer.send(new ProducerRecord<>(TOPIC, "k" + number % 100, "v" + number)));
            for (Future<RecordMetadata> future : sent) future.get();
        }
    }

    static KafkaConsumer<String, String> consumer(String group) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", boot, "auto.offset.reset", "earliest",
            "enable.auto.commit", "false", "session.timeout.ms", "10000", "heartbeat.interval.ms", "500",
            "key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer",
            "value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer"));
        if (group != null) config.put("group.id", group);
        return new KafkaConsumer<>(config);
    }

    static void take(KafkaConsumer<String, String> member, List<Seen> seen) {
        for (ConsumerRecord<String, String> record : member.poll(Duration.ofMillis(200)))
            seen.add(new Seen(record.key(), Integer.parseInt(record.value().substring(1)), record.partition(), record.offset()));
    }

    static long distinct(List<Seen> seen) {
        return seen.stream().map(Seen::number).distinct().count();
    }

    static void drain(KafkaConsumer<String, String> member, List<Seen> seen, int wanted) {
        long end = System.currentTimeMillis() + 90_000;
        while (distinct(seen) < wanted) {
            if (System.currentTimeMillis() > end) throw new IllegalStateException(distinct(seen) + " of " + wanted + " records");
            take(member, seen);
        }
    }

    static void commit(KafkaConsumer<String, String> member) {
        for (int attempt = 0; ; attempt++) {
            try {
                member.commitSync();
                return;
            } catch (RebalanceInProgressException error) {
                if (attempt > 50) throw error;
                member.poll(Duration.ofMillis(100));
            }
        }
    }

    static boolean inOrder(List<Seen> seen) {
        Map<String, Integer> last = new HashMap<>();
        Map<Integer, Long> at = new HashMap<>();
        for (Seen one : seen) {
            if (last.getOrDefault(one.key, -1) >= one.number || at.getOrDefault(one.partition, -1L) >= one.offset) return false;
            last.put(one.key, one.number);
            at.put(one.partition, one.offset);
        }
        return true;
    }

    /** The error's name, or "none". */
    static String error(Future<?> asked) throws Exception {
        try {
            asked.get();
            return "none";
        } catch (java.util.concurrent.ExecutionException failed) {
            return failed.getCause().getClass().getSimpleName();
        }
    }

    /** What an administrator asks of a cluster of one node. */
    static void administrate(Admin admin) throws Exception {
        TopicPartition first = new TopicPartition(TOPIC, 0), none = new TopicPartition(TOPIC, 99);
        var pages = admin.describeTopics(List.of(TOPIC), new DescribeTopicsOptions().partitionSizeLimitPerResponse(1).includeAuthorizedOperations(true));
        var topic = pages.allTopicNames().get().get(TOPIC);
        report("pages", "partitions", topic.partitions().size(), "operations", new TreeSet<>(topic.authorizedOperations()));

        int node = admin.describeCluster().nodes().get().iterator().next().id();
        var directory = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node).values().iterator().next();
        long bytes = directory.replicaInfos().entrySet().stream().filter(entry -> entry.getKey().topic().equals(TOPIC))
            .mapToLong(entry -> entry.getValue().size()).sum();
        report("directory", "has_records", bytes > 0, "has_size", directory.totalBytes().getAsLong() > directory.usableBytes().getAsLong());

        var quorum = admin.describeMetadataQuorum().quorumInfo().get();
        report("quorum", "leader", quorum.leaderId() == node, "voters", quorum.voters().size(), "observers", quorum.observers().size());

        var producers = admin.describeProducers(List.of(first)).partitionResult(first).get().activeProducers();
        report("producers", "of_each_codec", producers.size() >= CODECS.size(), "epochs", producers.stream().mapToInt(ProducerState::producerEpoch).max().getAsInt());

        report("reassignments", "running", admin.listPartitionReassignments().reassignments().get().size(),
            "there", error(admin.alterPartitionReassignments(Map.of(first, Optional.of(new NewPartitionReassignment(List.of(node))))).all()),
            "elsewhere", error(admin.alterPartitionReassignments(Map.of(first, Optional.of(new NewPartitionReassignment(List.of(node + 1))))).all()),
            "cancel", error(admin.alterPartitionReassignments(Map.of(first, Optional.empty())).all()));
        var elected = admin.electLeaders(org.apache.kafka.common.ElectionType.PREFERRED, Set.of(first, none)).partitions().get();
        report("election", "first", elected.get(first).map(e -> e.getClass().getSimpleName()), "none", elected.get(none).map(e -> e.getClass().getSimpleName()));

        report("features", "level", admin.describeFeatures().featureMetadata().get().finalizedFeatures().get("metadata.version").maxVersionLevel(),
            "higher", error(admin.updateFeatures(Map.of("metadata.version", new FeatureUpdate((short) 99, FeatureUpdate.UpgradeType.UPGRADE)), new UpdateFeaturesOptions().validateOnly(true)).all()));
        report("resources", "topics", admin.listConfigResources(Set.of(org.apache.kafka.common.config.ConfigResource.Type.TOPIC), new ListConfigResourcesOptions()).all().get()
            .stream().anyMatch(resource -> resource.name().equals(TOPIC)));
        report("quotas", "set", admin.describeClientQuotas(org.apache.kafka.common.quota.ClientQuotaFilter.all()).entities().get().size());
        report("acls", "describe", error(admin.describeAcls(org.apache.kafka.common.acl.AclBindingFilter.ANY).values()));

        admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(10))).all().get();
        report("delete_records", "start", admin.listOffsets(Map.of(first, OffsetSpec.earliest())).all().get().get(first).offset(),
            "beyond", error(admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(1_000_000))).all()),
            "internal", error(admin.deleteRecords(Map.of(new TopicPartition("__consumer_offsets", 0), RecordsToDelete.beforeOffset(0))).all()));
    }

    /** Settings of a topic, of the node, and of all nodes. */
    static void configure(Admin admin) throws Exception {
        var topic = new org.apache.kafka.common.config.ConfigResource(org.apache.kafka.common.config.ConfigResource.Type.TOPIC, TOPIC);
        var all = new org.apache.kafka.common.config.ConfigResource(org.apache.kafka.common.config.ConfigResource.Type.BROKER, "");
        var set = new AlterConfigOp(new ConfigEntry("log.segment.bytes", "200000000"), AlterConfigOp.OpType.SET);
        admin.incrementalAlterConfigs(Map.of(all, List.of(set))).all().get();
        admin.incrementalAlterConfigs(Map.of(topic, List.of(new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND)))).all().get();
        long until = System.currentTimeMillis() + 20_000;
        Config config = null;
        while (System.currentTimeMillis() < until) {
            config = admin.describeConfigs(List.of(topic), new DescribeConfigsOptions().includeSynonyms(true)).all().get().get(topic);
            // Apache Kafka's broker follows its controller later, change by change.
            boolean followed = config.get("segment.bytes").value().equals("200000000") && !config.get("cleanup.policy").value().equals("delete");
            if (followed) break;
            Thread.sleep(50);
        }
        var segment = config.get("segment.bytes");
        report("configs", "policy", config.get("cleanup.policy").value(), "segment", segment.value(), "source", segment.source(),
            "synonyms", segment.synonyms().stream().map(synonym -> synonym.name() + ":" + synonym.source()).toList(), "entries", config.entries().size());
        var wrong = new AlterConfigOp(new ConfigEntry("retention.ms", "soon"), AlterConfigOp.OpType.SET);
        var unset = new AlterConfigOp(new ConfigEntry("log.segment.bytes", ""), AlterConfigOp.OpType.DELETE);
        admin.incrementalAlterConfigs(Map.of(all, List.of(unset))).all().get();
        report("wrong_config", "error", error(admin.incrementalAlterConfigs(Map.of(topic, List.of(wrong))).all()));
    }

    public static void main(String[] args) throws Exception {
        boot = args[0];
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", boot))) {
            admin.createTopics(List.of(new NewTopic(TOPIC, PARTITIONS, (short) 1))).all().get();
            report("create", "partitions", admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).partitions().size());

            int share = COUNT / CODECS.size();
            long start = 0;
            for (int at = 0; at < CODECS.size(); at++) {
                if (at == 3) {
                    Thread.sleep(50);
                    start = System.currentTimeMillis();
                }
                produce(at * share, share, CODECS.get(at));
            }
            report("produce", "records", COUNT, "codecs", CODECS);

            List<Seen> ordered = new ArrayList<>();
            try (KafkaConsumer<String, String> alone = consumer(GROUP + "-order")) {
                alone.subscribe(List.of(TOPIC));
                drain(alone, ordered, COUNT);
            }
            report("order", "records", ordered.size(), "in_order", inOrder(ordered));

            KafkaConsumer<String, String> one = consumer(GROUP), two = consumer(GROUP);
            one.subscribe(List.of(TOPIC));
            two.subscribe(List.of(TOPIC));
            List<Seen> seen = new ArrayList<>();
            long end = System.currentTimeMillis() + 60_000;
            while (System.currentTimeMillis() < end && !(one.assignment().size() == 2 && two.assignment().size() == 2)) {
                take(one, seen);
                take(two, seen);
            }
            report("share", "partitions", one.assignment().size() + "+" + two.assignment().size());
            commit(one);
            commit(two);
            one.close();
            // The one that stays takes over everything, and reads to the end.
            end = System.currentTimeMillis() + 90_000;
            while (two.assignment().size() < PARTITIONS || two.assignment().stream().mapToLong(two::position).sum() < COUNT) {
                if (System.currentTimeMillis() > end) throw new IllegalStateException("the member that stays reads " + two.assignment());
                take(two, seen);
            }
            report("read", "distinct", distinct(seen));
            commit(two);
            Set<TopicPartition> places = new TreeSet<>(Comparator.comparingInt(TopicPartition::partition));
            for (int partition = 0; partition < PARTITIONS; partition++) places.add(new TopicPartition(TOPIC, partition));
            report("commit", "total", two.committed(places).values().stream().filter(Objects::nonNull).mapToLong(OffsetAndMetadata::offset).sum());
            two.close();

            System.out.println("RESTART");
            input.readLine();

            try (KafkaConsumer<String, String> again = consumer(GROUP)) {
                again.subscribe(List.of(TOPIC));
                List<Seen> early = new ArrayList<>();
                long until = System.currentTimeMillis() + 8_000;
                while (System.currentTimeMillis() < until) take(again, early);
                report("continue", "again", early.size());
                produce(COUNT, 100, "zstd");
                List<Seen> fresh = new ArrayList<>();
                drain(again, fresh, 100);
                report("new", "records", fresh.stream().allMatch(one2 -> one2.number >= COUNT));
                commit(again);
            }

            try (KafkaConsumer<String, String> seeker = consumer(null)) {
                seeker.assign(places);
                Map<TopicPartition, Long> times = new HashMap<>();
                for (TopicPartition place : places) times.put(place, start);
                seeker.offsetsForTimes(times).forEach((place, found) -> {
                    if (found == null) seeker.seekToEnd(List.of(place));
                    else seeker.seek(place, found.offset());
                });
                List<Seen> later = new ArrayList<>();
                drain(seeker, later, 2 * share + 100);
                int first = 3 * share;
                report("seek", "records", later.size(), "not_before", later.stream().allMatch(one2 -> one2.number >= first));
            }

            administrate(admin);
            configure(admin);
            report("list", "topic", admin.listTopics().names().get().contains(TOPIC),
                "group", admin.listGroups().all().get().stream().anyMatch(group -> group.groupId().equals(GROUP)));
            var described = admin.describeConsumerGroups(List.of(GROUP)).all().get().get(GROUP);
            report("describe", "members", described.members().size(), "state", described.groupState());
            admin.deleteConsumerGroups(List.of(GROUP)).all().get();
            admin.deleteTopics(List.of(TOPIC)).all().get();
            long until = System.currentTimeMillis() + 20_000;
            while (admin.listTopics().names().get().contains(TOPIC) && System.currentTimeMillis() < until) Thread.sleep(100);
            report("delete", "topic", admin.listTopics().names().get().contains(TOPIC));
        }
    }
}
