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
