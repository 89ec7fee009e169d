import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/**
 * One directory, two systems: see ../README.md. Usage: Swap BOOTSTRAP FIRST, where FIRST is `mainstem` or `kafka`. At `SWAP` on standard
 * output the system is stopped cleanly and the other one started on its directory; a line on standard input says that it serves.
 */
public class Swap {
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    static final String PLAIN = "swap-plain", COMPACT = "swap-compact", STAMPED = "swap-stamped", PACKED = "swap-packed";
    static final String CLASSIC = "swap-group", SIMPLE = "swap-simple", FINISHED = "swap-transactions", CLEANED = "swap-cleaned", NEW = "swap-new";
    static final int SHARE = 800, NODE = 1;
    /** Times of the records: long gone, but not retired. */
    static final long BEGAN = System.currentTimeMillis() - 3_600_000;
    static String boot;
    static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));
    static final Random RANDOM = new Random(4);
    static int number = 0;

    static void report(String step, Object... values) {
        StringBuilder text = new StringBuilder("CHECK " + step);
        for (int at = 0; at < values.length; at += 2) text.append(' ').append(values[at]).append('=').append(values[at + 1]);
        System.out.println(text);
    }

    static void must(boolean holds, String what) {
        if (!holds) throw new IllegalStateException(what);
    }

    static <T> T get(KafkaFuture<T> asked) throws Exception {
        return asked.get(30, TimeUnit.SECONDS);
    }

    static KafkaProducer<byte[], byte[]> producer(String codec, boolean idempotent) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", boot, "compression.type", codec, "linger.ms", "5",
            "enable.idempotence", idempotent, "acks", "all", "delivery.timeout.ms", "30000", "request.timeout.ms", "10000",
            "reconnect.backoff.max.ms", "200",
            "key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer"));
        config.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        return new KafkaProducer<>(config);
    }

    static KafkaConsumer<byte[], byte[]> consumer(String group, String protocol) {
        return consumer(group, protocol, "read_uncommitted");
    }

    static KafkaConsumer<byte[], byte[]> consumer(String group, String protocol, String isolation) {
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", boot, "auto.offset.reset", "earliest",
            "enable.auto.commit", "false", "max.poll.records", "500",
            "key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer",
            "value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer"));
        if (group != null) config.put("group.id", group);
        config.put("group.protocol", protocol);
        config.put("isolation.level", isolation);
        return new KafkaConsumer<>(config);
    }

    /** Sends records of every shape: with and without key, value, headers; of known times. */
    static void send(KafkaProducer<byte[], byte[]> producer, String topic, int count) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int at = 0; at < count; at++, number++) {
            byte[] value = new byte[300 + RANDOM.nextInt(400)];
            RANDOM.nextBytes(value);
            byte[] key = number % 11 == 0 && !topic.equals(COMPACT) ? null : ("key-" + number % 97).getBytes();
            var record = new ProducerRecord<>(topic, null, BEGAN + number * 10L, key, number % 13 == 0 ? null : value);
            if (number % 3 == 0) record.headers().add("n", ("" + number).getBytes()).add("none", null);
            sent.add(producer.send(record));
        }
        producer.flush();
        for (Future<RecordMetadata> future : sent) future.get(30, TimeUnit.SECONDS);
    }

    static NewTopic topic(String name, int partitions, String... configs) {
        Map<String, String> all = new HashMap<>();
        for (int at = 0; at < configs.length; at += 2) all.put(configs[at], configs[at + 1]);
        return new NewTopic(name, partitions, (short) 1).configs(all);
    }

    static void configure(Admin admin, ConfigResource.Type type, String name, String key, String value) throws Exception {
        var op = value == null ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET;
        var change = new AlterConfigOp(new ConfigEntry(key, value), op);
        get(admin.incrementalAlterConfigs(Map.of(new ConfigResource(type, name), List.of(change))).all());
    }

    /** A member of a group reads some records, commits and goes. */
    static int take(String group, String protocol, String topic, int wanted) {
        try (KafkaConsumer<byte[], byte[]> member = consumer(group, protocol)) {
            member.subscribe(List.of(topic));
            int seen = 0;
            long end = System.currentTimeMillis() + 30_000;
            while (seen < wanted) {
                must(System.currentTimeMillis() < end, group + " read " + seen + " of " + wanted);
                seen += member.poll(Duration.ofMillis(200)).count();
            }
            member.commitSync();
            return seen;
        }
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes, 0, 8);
    }

    static void add(MessageDigest digest, byte[] bytes) {
        digest.update(ByteBuffer.allocate(4).putInt(bytes == null ? -1 : bytes.length).array());
        if (bytes != null) digest.update(bytes);
    }

    /** Count and digest of every record of each partition. */
    static Map<TopicPartition, String> records(Map<TopicPartition, Long> starts, Map<TopicPartition, Long> ends, String isolation) throws Exception {
        Map<TopicPartition, MessageDigest> digests = new HashMap<>();
        Map<TopicPartition, Integer> counts = new HashMap<>();
        for (TopicPartition partition : starts.keySet()) digests.put(partition, MessageDigest.getInstance("SHA-256"));
        try (KafkaConsumer<byte[], byte[]> reader = consumer(null, "classic", isolation)) {
            reader.assign(starts.keySet());
            starts.forEach(reader::seek);
            Set<TopicPartition> left = new HashSet<>(starts.keySet());
            long until = System.currentTimeMillis() + 60_000;
            while (true) {
                left.removeIf(partition -> reader.position(partition) >= ends.get(partition));
                if (left.isEmpty()) break;
                must(System.currentTimeMillis() < until, "not read to the end: " + left);
                for (var record : reader.poll(Duration.ofMillis(100))) {
                    TopicPartition partition = new TopicPartition(record.topic(), record.partition());
                    MessageDigest digest = digests.get(partition);
                    counts.merge(partition, 1, Integer::sum);
                    digest.update(ByteBuffer.allocate(20).putLong(record.offset()).putLong(record.timestamp())
                        .putInt(record.leaderEpoch().orElse(-1)).array());
                    add(digest, record.timestampType().name.getBytes());
                    add(digest, record.key());
                    add(digest, record.value());
                    for (var header : record.headers()) {
                        add(digest, header.key().getBytes());
                        add(digest, header.value());
                    }
                }
            }
        }
        Map<TopicPartition, String> all = new HashMap<>();
        digests.forEach((partition, digest) -> all.put(partition, counts.getOrDefault(partition, 0) + " records " + hex(digest.digest())));
        return all;
    }

    static Map<TopicPartition, Long> offsets(Admin admin, Collection<TopicPartition> partitions, OffsetSpec of) throws Exception {
        return offsets(admin, partitions, of, IsolationLevel.READ_UNCOMMITTED);
    }

    static Map<TopicPartition, Long> offsets(Admin admin, Collection<TopicPartition> partitions, OffsetSpec of, IsolationLevel isolation)
            throws Exception {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        for (TopicPartition partition : partitions) asked.put(partition, of);
        Map<TopicPartition, Long> found = new HashMap<>();
        get(admin.listOffsets(asked, new ListOffsetsOptions(isolation)).all()).forEach((partition, at) -> found.put(partition, at.offset()));
        return found;
    }

    /** What was set, not what is left at its default. */
    static Map<String, String> set(Admin admin, ConfigResource.Type type, String name) throws Exception {
        var resource = new ConfigResource(type, name);
        Map<String, String> set = new TreeMap<>();
        for (ConfigEntry entry : get(admin.describeConfigs(List.of(resource)).all()).get(resource).entries()) {
            boolean own = switch (entry.source()) {
                case DYNAMIC_TOPIC_CONFIG -> type == ConfigResource.Type.TOPIC;
                case DYNAMIC_BROKER_CONFIG -> !name.isEmpty() && type == ConfigResource.Type.BROKER;
                case DYNAMIC_DEFAULT_BROKER_CONFIG -> name.isEmpty();
                case DYNAMIC_GROUP_CONFIG, DYNAMIC_CLIENT_METRICS_CONFIG -> true;
                default -> false;
            };
            if (own) set.put(entry.name(), entry.value());
        }
        return set;
    }

    /** All that the other system must find again, one thing a line. */
    static TreeMap<String, String> digest(Admin admin) throws Exception {
        TreeMap<String, String> all = new TreeMap<>();
        Set<String> names = get(admin.listTopics(new ListTopicsOptions().listInternal(true)).names());
        List<TopicPartition> partitions = new ArrayList<>();
        for (var topic : get(admin.describeTopics(names).allTopicNames()).values()) {
            all.put("topic " + topic.name(), topic.topicId() + " " + topic.partitions().size() + " partitions, internal " + topic.isInternal());
            all.put("config of topic " + topic.name(), set(admin, ConfigResource.Type.TOPIC, topic.name()).toString());
            for (var each : topic.partitions()) {
                must(each.leader() != null && each.leader().id() == NODE, topic.name() + "-" + each.partition() + " has no leader");
                if (!topic.isInternal()) partitions.add(new TopicPartition(topic.name(), each.partition()));
            }
        }
        all.put("config of all brokers", set(admin, ConfigResource.Type.BROKER, "").toString());
        all.put("config of the broker", set(admin, ConfigResource.Type.BROKER, "" + NODE).toString());
        var starts = offsets(admin, partitions, OffsetSpec.earliest());
        var ends = offsets(admin, partitions, OffsetSpec.latest());
        List<Map<TopicPartition, Long>> times = new ArrayList<>(List.of(offsets(admin, partitions, OffsetSpec.maxTimestamp())));
        for (long after : new long[] {0, 5_000, 20_000, 45_500, 70_000, 10_000_000_000L})
            times.add(offsets(admin, partitions, OffsetSpec.forTimestamp(BEGAN + after)));
        var producers = get(admin.describeProducers(partitions).all());
        var records = records(starts, ends, "read_uncommitted");
        var committed = records(starts, offsets(admin, partitions, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED), "read_committed");
        for (TopicPartition partition : partitions) {
            long start = starts.get(partition), end = ends.get(partition);
            all.put("offsets of " + partition, start + ".." + end + ", by time " + times.stream().map(found -> found.get(partition)).toList());
            all.put("records of " + partition, records.get(partition));
            all.put("committed records of " + partition, committed.get(partition));
            Set<String> active = new TreeSet<>();
            for (ProducerState state : producers.get(partition).activeProducers())
                active.add(state.producerId() + ":" + state.producerEpoch() + ":" + state.lastSequence() + ":" + state.lastTimestamp());
            all.put("producers of " + partition, active.toString());
        }
        Set<String> groups = new TreeSet<>();
        for (var group : get(admin.listGroups().all())) if (group.type().orElse(null) != org.apache.kafka.common.GroupType.SHARE) groups.add(group.groupId());
        for (String group : groups) {
            var offsets = get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
            Map<String, String> sorted = new TreeMap<>();
            offsets.forEach((partition, at) -> sorted.put(partition.toString(), at.offset() + "/" + at.leaderEpoch().orElse(-1) + "/" + at.metadata()));
            all.put("group " + group, sorted.toString());
        }
        return all;
    }

    static void compare(TreeMap<String, String> before, TreeMap<String, String> after) {
        Set<String> keys = new TreeSet<>(before.keySet());
        keys.addAll(after.keySet());
        int differences = 0;
        for (String key : keys) {
            if (Objects.equals(before.get(key), after.get(key))) continue;
            differences++;
            System.out.println("DIFFERENCE " + key + "\n  before: " + before.get(key) + "\n  after:  " + after.get(key));
        }
        must(differences == 0, differences + " things are not as they were");
    }

    static Set<Long> producerIds(Admin admin) throws Exception {
        Set<Long> ids = new TreeSet<>();
        List<TopicPartition> partitions = new ArrayList<>();
        for (var topic : get(admin.describeTopics(get(admin.listTopics().names())).allTopicNames()).values())
            for (var each : topic.partitions()) partitions.add(new TopicPartition(topic.name(), each.partition()));
        for (var states : get(admin.describeProducers(partitions).all()).values())
            for (ProducerState state : states.activeProducers()) ids.add(state.producerId());
        return ids;
    }

    static void seed(Admin admin) throws Exception {
        get(admin.createTopics(List.of(
            topic(PLAIN, 3, "segment.bytes", "1048576", "retention.ms", "86400000", "compression.type", "producer"),
            topic(COMPACT, 2, "cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.9"),
            topic(STAMPED, 1, "message.timestamp.type", "LogAppendTime", "retention.bytes", "1000000000"),
            topic(PACKED, 2, "compression.type", "zstd", "segment.bytes", "1048576"),
            topic("swap-gone", 2), topic("swap-empty", 5, "max.message.bytes", "100000"))).all());
        for (String codec : CODECS)
            for (boolean idempotent : new boolean[] {false, true})
                try (KafkaProducer<byte[], byte[]> producer = producer(codec, idempotent)) {
                    for (String name : List.of(PLAIN, PACKED)) send(producer, name, SHARE);
                    for (String name : List.of(COMPACT, STAMPED, "swap-gone")) send(producer, name, SHARE / 8);
                }
        take(CLASSIC, "classic", PLAIN, 500);
        try (KafkaConsumer<byte[], byte[]> simple = consumer(SIMPLE, "classic")) {
            simple.commitSync(Map.of(new TopicPartition(COMPACT, 1), new OffsetAndMetadata(7, Optional.of(0), "by hand"),
                new TopicPartition("swap-gone", 0), new OffsetAndMetadata(3)));
        }
        // Within the first segments: Kafka finds nothing by time behind a start that lies in a later one, until its retention ran.
        get(admin.deleteRecords(Map.of(new TopicPartition(PLAIN, 0), RecordsToDelete.beforeOffset(123),
            new TopicPartition(PACKED, 1), RecordsToDelete.beforeOffset(700))).all());
        configure(admin, ConfigResource.Type.TOPIC, STAMPED, "max.message.bytes", "900000");
        configure(admin, ConfigResource.Type.BROKER, "", "log.retention.ms", "700000000");
        configure(admin, ConfigResource.Type.BROKER, "" + NODE, "message.max.bytes", "2000000");
        get(admin.deleteTopics(List.of("swap-gone")).all());
        long end = System.currentTimeMillis() + 20_000;
        while (get(admin.listTopics().names()).contains("swap-gone")) must(System.currentTimeMillis() < end, "a deleted topic is listed");
        report("seed", "records", number);
    }

    /** What goes on after each swap. */
    static void goOn(Admin admin, KafkaProducer<byte[], byte[]> open, String system, int round) throws Exception {
        Set<Long> used = producerIds(admin);
        send(open, PLAIN, 100);
        must(used.equals(producerIds(admin)), "a producer that stayed got another id: " + used + " " + producerIds(admin));
        int fresh = 0;
        for (String codec : CODECS) {
            Set<Long> before = producerIds(admin);
            try (KafkaProducer<byte[], byte[]> producer = producer(codec, true)) {
                send(producer, PACKED, 200);
            }
            Set<Long> after = producerIds(admin);
            must(after.size() == before.size() + 1, "a new producer got an id that was there: " + before + " " + after);
            fresh++;
        }
        int before = committed(admin, CLASSIC);
        int seen = take(CLASSIC, "classic", PLAIN, 300);
        must(committed(admin, CLASSIC) == before + seen, "the group went on from " + before + " by " + seen + " to " + committed(admin, CLASSIC));
        get(admin.createTopics(List.of(topic("swap-round-" + round, 2, "retention.ms", "" + (100_000_000 + round)))).all());
        try (KafkaProducer<byte[], byte[]> producer = producer("lz4", false)) {
            send(producer, "swap-round-" + round, 100);
        }
        configure(admin, ConfigResource.Type.TOPIC, STAMPED, "max.message.bytes", "" + (900_000 + round));
        configure(admin, ConfigResource.Type.BROKER, "", "log.retention.ms", "" + (700_000_000 + round));
        get(admin.deleteRecords(Map.of(new TopicPartition(PLAIN, 1), RecordsToDelete.beforeOffset(100 * round + 50))).all());
        get(admin.createPartitions(Map.of("swap-empty", NewPartitions.increaseTo(5 + round))).all());
        if (get(admin.listTopics().names()).contains(CLEANED)) {
            // A group that began with the protocol that only Kafka serves goes on with the one that both do, and the other way round.
            before = committed(admin, NEW);
            seen = take(NEW, system.equals("kafka") ? "consumer" : "classic", PACKED, 100);
            must(committed(admin, NEW) == before + seen, NEW + " went on from " + before + " by " + seen + " to " + committed(admin, NEW));
        }
        report("go_on", "round", round, "new_ids", fresh, "group_read", seen);
    }

    static int committed(Admin admin, String group) throws Exception {
        int total = 0;
        for (var entry : get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata()).entrySet()) {
            total += (int) entry.getValue().offset();
        }
        return total;
    }

    /** A topic that Kafka compacts, several segments of it by the times of its records, and then leaves alone. */
    static void clean(Admin admin) throws Exception {
        get(admin.createTopics(List.of(topic(CLEANED, 1, "cleanup.policy", "compact", "segment.ms", "100", "min.cleanable.dirty.ratio", "0.01"))).all());
        try (KafkaProducer<byte[], byte[]> producer = producer("zstd", true)) {
            long now = System.currentTimeMillis();
            for (int turn = 0; turn < 4; turn++) {
                for (int at = 0; at < 300; at++) {
                    var record = new ProducerRecord<>(CLEANED, null, now + 200L * turn, ("key-" + at % (40 + turn)).getBytes(), ("v" + number++).getBytes());
                    producer.send(record);
                }
                producer.flush();
            }
        }
        TopicPartition only = new TopicPartition(CLEANED, 0);
        long end = System.currentTimeMillis() + 30_000;
        var starts = offsets(admin, List.of(only), OffsetSpec.earliest());
        var ends = offsets(admin, List.of(only), OffsetSpec.latest());
        while (Integer.parseInt(records(starts, ends, "read_uncommitted").get(only).split(" ")[0]) > 500) {
            must(System.currentTimeMillis() < end, "Kafka does not compact");
            Thread.sleep(300);
        }
        configure(admin, ConfigResource.Type.TOPIC, CLEANED, "cleanup.policy", "delete");
        // Its broker gives up what it is compacting when it has learned of that, not before it answers.
        var cleaned = new ConfigResource(ConfigResource.Type.TOPIC, CLEANED);
        while (!get(admin.describeConfigs(List.of(cleaned)).all()).get(cleaned).get("cleanup.policy").value().equals("delete")) {
            must(System.currentTimeMillis() < end, "Kafka does not stop compacting");
            Thread.sleep(20);
        }
    }

    /** What only Kafka serves, and Mainstem keeps. */
    @SuppressWarnings("removal")
    static void seedKafka(Admin admin) throws Exception {
        var levels = get(admin.describeFeatures().featureMetadata());
        Map<String, FeatureUpdate> updates = new HashMap<>();
        levels.supportedFeatures().forEach((name, range) -> {
            var now = levels.finalizedFeatures().get(name);
            boolean wanted = List.of("group.version", "share.version", "streams.version", "transaction.version").contains(name);
            if (wanted && (now == null || now.maxVersionLevel() < range.maxVersion()))
                updates.put(name, new FeatureUpdate(range.maxVersion(), FeatureUpdate.UpgradeType.UPGRADE));
        });
        if (!updates.isEmpty()) get(admin.updateFeatures(updates, new UpdateFeaturesOptions()).all());
        if (!get(admin.listTopics().names()).contains(FINISHED)) get(admin.createTopics(List.of(topic(FINISHED, 1))).all());
        Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", boot, "transactional.id", "swap", "linger.ms", "1",
            "key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer"));
        config.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(config)) {
            producer.initTransactions();
            for (int turn = 0; turn < 6; turn++) {
                producer.beginTransaction();
                send(producer, FINISHED, 30);
                Map<TopicPartition, OffsetAndMetadata> offset = Map.of(new TopicPartition(FINISHED, 0), new OffsetAndMetadata(100 + turn));
                producer.sendOffsetsToTransaction(offset, new ConsumerGroupMetadata("swap-transactional", -1, "", Optional.empty()));
                if (turn % 2 == 0) producer.commitTransaction(); else producer.abortTransaction();
            }
        }
        take(NEW, "consumer", PACKED, 400);
        clean(admin);
        configure(admin, ConfigResource.Type.GROUP, "swap-share", "share.auto.offset.reset", "earliest");
        config = new HashMap<>(Map.of("bootstrap.servers", boot, "group.id", "swap-share",
            "key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer",
            "value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer"));
        try (KafkaShareConsumer<byte[], byte[]> member = new KafkaShareConsumer<>(config)) {
            member.subscribe(List.of(STAMPED));
            long end = System.currentTimeMillis() + 30_000;
            for (int seen = 0; seen < 20; seen += member.poll(Duration.ofMillis(200)).count()) must(System.currentTimeMillis() < end, "the share group reads nothing");
            member.commitSync();
        }
        var quota = new org.apache.kafka.common.quota.ClientQuotaEntity(Map.of("client-id", "swap"));
        get(admin.alterClientQuotas(List.of(new org.apache.kafka.common.quota.ClientQuotaAlteration(quota,
            List.of(new org.apache.kafka.common.quota.ClientQuotaAlteration.Op("producer_byte_rate", 1e9))))).all());
        get(admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion("swap",
            new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret"))).all());
        configure(admin, ConfigResource.Type.CLIENT_METRICS, "swap-metrics", "interval.ms", "60000");
    }

    /** What only Kafka can tell. */
    static TreeMap<String, String> digestKafka(Admin admin) throws Exception {
        TreeMap<String, String> all = new TreeMap<>();
        all.put("features", new TreeMap<>(get(admin.describeFeatures().featureMetadata()).finalizedFeatures()).toString());
        all.put("quotas", get(admin.describeClientQuotas(org.apache.kafka.common.quota.ClientQuotaFilter.all()).entities()).toString());
        all.put("scram", get(admin.describeUserScramCredentials().all()).toString());
        all.put("config of group", set(admin, ConfigResource.Type.GROUP, "swap-share").toString());
        all.put("config of metrics", set(admin, ConfigResource.Type.CLIENT_METRICS, "swap-metrics").toString());
        for (var group : get(admin.listGroups().all())) if (!group.groupId().equals(NEW)) all.put("type of group " + group.groupId(), group.type() + " " + group.groupState());
        all.put("share group", get(admin.listShareGroupOffsets(Map.of("swap-share", new ListShareGroupOffsetsSpec())).partitionsToOffsetInfo("swap-share")).toString());
        all.put("share group members", get(admin.describeShareGroups(List.of("swap-share")).all()).toString());
        var transaction = get(admin.describeTransactions(List.of("swap")).all()).get("swap");
        all.put("transaction", transaction.state() + " " + transaction.producerId() + " " + transaction.producerEpoch());
        return all;
    }

    static void swap() throws Exception {
        System.out.println("SWAP");
        INPUT.readLine();
    }

    public static void main(String[] args) throws Exception {
        boot = args[0];
        List<String> systems = args[1].equals("kafka") ? List.of("kafka", "mainstem", "kafka") : List.of("mainstem", "kafka", "mainstem");
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", boot, "reconnect.backoff.max.ms", "200"));
             KafkaProducer<byte[], byte[]> open = producer("zstd", true)) {
            seed(admin);
            send(open, PLAIN, 100);
            TreeMap<String, String> kafka = null;
            for (int round = 0; ; round++) {
                if (systems.get(round).equals("kafka") && round < 2) {
                    seedKafka(admin);
                    kafka = digestKafka(admin);
                }
                if (round == 2) break;
                TreeMap<String, String> before = digest(admin);
                String next = systems.get(round + 1);
                swap();
                TreeMap<String, String> after = digest(admin);
                compare(before, after);
                report("same", "on", next, "things", before.size());
                if (next.equals("kafka") && kafka != null) {
                    TreeMap<String, String> again = digestKafka(admin);
                    compare(kafka, again);
                    report("kept", "on", next, "things", again.size());
                }
                goOn(admin, open, next, round + 1);
            }
        }
    }
}
