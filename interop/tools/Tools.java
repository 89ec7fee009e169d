// Apache Kafka's own command line tools, one after the other in one JVM. Every line that a tool prints becomes a CHECK line, so the
// outputs of Mainstem and Apache Kafka are compared line by line. What must differ (names of hosts, ids, times) is replaced, see REPLACED;
// what one of them cannot say yet is left out by name, see LEFT_OUT.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.utils.internals.Exit;

public class Tools {
    /** Thrown where a tool would end the JVM. Some catch it as they catch everything: only the first end of a tool counts. */
    private static final class Ended extends RuntimeException {
        Ended() {
            super(null, null, false, false);
        }
    }

    /** What the tool that runs has printed, and the status it ended with. */
    private static final class Running {
        final ByteArrayOutputStream captured = new ByteArrayOutputStream();
        final PrintStream stream = new PrintStream(captured, true, StandardCharsets.UTF_8);
        final List<Runnable> hooks = new ArrayList<>();
        Integer status;
        String printed;

        RuntimeException end(int status) {
            if (this.status == null) {
                this.status = status;
                printed = captured.toString(StandardCharsets.UTF_8);
            }
            return new Ended();
        }
    }

    private static Running running;

    /** What differs between any two runs, and what stands for it. */
    private static final Map<Pattern, String> REPLACED = new LinkedHashMap<>();

    static {
        replace("127\\.0\\.0\\.1:\\d+", "HOST:PORT");
        replace("localhost:\\d+", "HOST:PORT");
        replace("127\\.0\\.0\\.1 +\\d{4,5}", "HOST PORT");
        // Where leaders are elected outside the ISR with care, a feature that is not built here yet, the cluster's default is written down.
        replace("min\\.insync\\.replicas=1,(?=\\w)", "");
        replace("Configs: min\\.insync\\.replicas=1$", "Configs:");
        replace("DYNAMIC_DEFAULT_BROKER_CONFIG:min\\.insync\\.replicas=1, ", "");
        replace(".*\\{DYNAMIC_DEFAULT_BROKER_CONFIG:min\\.insync\\.replicas=1\\}.*", "");
        replace("TopicId: \\S+", "TopicId: ID");
        replace("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID");
        replace("CreateTime:\\d+", "CreateTime:T");
        replace("\"timestamp\":\\d+", "\"timestamp\":T");
        replace("console-consumer-\\d+", "console-consumer-N");
        replace("\"logDir\":\"[^\"]*\"", "\"logDir\":DIR");
        replace("\"size\":\\d+", "\"size\":N");
        replace("Cluster ID: \\S+", "Cluster ID: ID");
        replace("ClusterId: +\\S+", "ClusterId: ID");
        replace("\\d+ms\\b", "Nms");
        replace("target-throughput\":-?\\d+", "target-throughput\":N");
        replace("\"avg_throughput\":[0-9.E]+", "\"avg_throughput\":N");
    }

    /** What is not compared, and why. */
    private static final List<String> LEFT_OUT = List.of(
        "[WARNING]", // of deprecations, which go to the log in some versions
        "WARN ",
        "SLF4J");

    private static String bootstrap;

    private static void replace(String pattern, String by) {
        REPLACED.put(Pattern.compile(pattern), by);
    }

    private static String same(String line) {
        for (Map.Entry<Pattern, String> entry : REPLACED.entrySet()) {
            line = entry.getKey().matcher(line).replaceAll(entry.getValue());
        }
        // Columns are as wide as their widest cell, which may be one that was replaced.
        return line.replaceAll(" {2,}", "  ").stripTrailing();
    }

    /** How a tool's lines are compared. */
    private enum Order { AS_PRINTED, SORTED }

    private static List<String> capture(String input, String tool, String... arguments) throws Exception {
        PrintStream out = System.out;
        PrintStream err = System.err;
        InputStream in = System.in;
        running = new Running();
        try {
            System.setOut(running.stream);
            System.setErr(running.stream);
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            Class.forName("org.apache.kafka.tools." + tool).getMethod("main", String[].class).invoke(null, (Object) arguments);
            if (tool.equals("VerifiableProducer")) {
                awaitRecords(arguments);
            }
        } catch (InvocationTargetException error) {
            if (!(error.getCause() instanceof Ended)) {
                running.stream.println("thrown: " + error.getCause());
            }
        } finally {
            System.setOut(out);
            System.setErr(err);
            System.setIn(in);
        }
        running.end(0);
        List<String> lines = new ArrayList<>();
        for (String line : running.printed.split("\n")) {
            boolean isTrace = line.startsWith("\tat ") || line.startsWith("Caused by: ") || line.startsWith("\t... ");
            String same = same(line);
            if (!same.isBlank() && !isTrace && LEFT_OUT.stream().noneMatch(line::contains)) {
                lines.add(same);
            }
        }
        lines.add("status " + running.status);
        return lines;
    }

    /** This tool sends in a thread of its own, and tells of the rest when the JVM ends. */
    private static void awaitRecords(String[] arguments) throws InterruptedException {
        int count = Integer.parseInt(arguments[Arrays.asList(arguments).indexOf("--max-messages") + 1]);
        while (running.captured.toString(StandardCharsets.UTF_8).split("producer_send_success", -1).length <= count) {
            Thread.sleep(20);
        }
        running.hooks.forEach(Runnable::run);
    }

    private static void print(String tool, List<String> shown, List<String> lines) {
        System.out.println("CHECK $ " + tool + " " + same(String.join(" ", shown)));
        for (String line : lines) {
            System.out.println("CHECK   " + line);
        }
    }

    /** Runs a tool that finds its broker by --bootstrap-server. */
    private static void run(String tool, String... arguments) throws Exception {
        run(Order.AS_PRINTED, "", tool, arguments);
    }

    private static void sorted(String tool, String... arguments) throws Exception {
        run(Order.SORTED, "", tool, arguments);
    }

    private static void run(Order order, String input, String tool, String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of("--bootstrap-server", bootstrap));
        all.addAll(Arrays.asList(arguments));
        List<String> lines = capture(input, tool, all.toArray(new String[0]));
        if (order == Order.SORTED) {
            Collections.sort(lines);
        }
        print(tool, Arrays.asList(arguments), lines);
        if (CHANGES.stream().anyMatch(all::contains)) {
            // Apache Kafka answers when its controller has decided; its broker learns of it a little later, and describes what was before.
            Thread.sleep(400);
        }
    }

    private static final List<String> CHANGES = List.of("--create", "--alter", "--delete");

    public static void main(String[] arguments) throws Exception {
        bootstrap = arguments[0];
        Exit.setExitProcedure((status, message) -> { throw running.end(status); });
        Exit.setHaltProcedure((status, message) -> { throw running.end(status); });
        Exit.setShutdownHookAdder((name, hook) -> running.hooks.add(hook));
        Path folder = Files.createTempDirectory("tools");
        topics();
        records();
        System.out.println("RESTART");
        System.in.read();
        offsets();
        configs();
        groups(folder);
        administration(folder);
        verifiable();
        performance();
        deletion();
        System.exit(0);
    }

    private static void topics() throws Exception {
        String tool = "TopicCommand";
        run(tool, "--create", "--topic", "tools-a", "--partitions", "3", "--replication-factor", "1", "--config", "retention.ms=100000000");
        run(tool, "--create", "--topic", "tools-a");
        run(tool, "--create", "--topic", "tools-a", "--if-not-exists");
        run(tool, "--create", "--topic", "tools-b", "--config", "cleanup.policy=compact", "--config", "max.message.bytes=2000000");
        run(tool, "--create", "--topic", "tools-c", "--replica-assignment", "1,1");
        run(tool, "--create", "--topic", "tools-d", "--config", "nope=1");
        run(tool, "--create", "--topic", "tools-d", "--config", "retention.ms=soon");
        run(tool, "--create", "--topic", "tools d");
        run(tool, "--create", "--topic", "tools-d", "--partitions", "0");
        run(tool, "--create", "--topic", "tools-d", "--replication-factor", "2");
        run(tool, "--create", "--topic", "tools.a_b");
        run(tool, "--create", "--topic", "tools_a.b");
        run(tool, "--list", "--topic", "tools.*");
        run(tool, "--describe", "--topic", "tools-a");
        run(tool, "--describe", "--topic", "tools-nobody");
        run(tool, "--describe", "--topic", "tools-nobody", "--if-exists");
        run(tool, "--alter", "--topic", "tools-a", "--partitions", "5");
        run(tool, "--alter", "--topic", "tools-a", "--partitions", "2");
        run(tool, "--alter", "--topic", "tools-a", "--partitions", "5");
        run(tool, "--describe", "--topic", "tools-[ab]", "--topics-with-overrides");
        run(tool, "--describe", "--under-replicated-partitions");
        run(tool, "--describe", "--unavailable-partitions");
        run(tool, "--describe", "--under-min-isr-partitions");
        run(tool, "--describe", "--at-min-isr-partitions", "--topic", "tools-c");
        run(tool, "--delete", "--topic", "tools-nobody");
    }

    private static void records() throws Exception {
        String producer = "ConsoleProducer";
        StringBuilder keyed = new StringBuilder();
        for (int at = 0; at < 40; at++) {
            keyed.append("key-").append(at % 7).append(":value ").append(at).append('\n');
        }
        run(Order.AS_PRINTED, keyed.toString(), producer, "--topic", "tools-a", "--reader-property", "parse.key=true",
            "--reader-property", "key.separator=:", "--command-property", "enable.idempotence=true", "--compression-codec", "lz4");
        run(Order.AS_PRINTED, "h1:v1,h2:v2\tkey\tvalue\nNULL\tkey\tNULL\n", producer, "--topic", "tools-b", "--reader-property",
            "parse.key=true", "--reader-property", "parse.headers=true", "--reader-property", "null.marker=NULL");
        run(Order.AS_PRINTED, "no key here\n", producer, "--topic", "tools-b", "--reader-property", "parse.key=true");
        run(Order.AS_PRINTED, "a record without a key\n", producer, "--topic", "tools-b");
        for (String value : List.of("earlier", "later")) {
            run(Order.AS_PRINTED, value + "\n", producer, "--topic", "tools.a_b");
        }
        String consumer = "consumer.ConsoleConsumer";
        String[] shown = {"--formatter-property", "print.key=true", "--formatter-property", "print.partition=true",
            "--formatter-property", "print.offset=true", "--formatter-property", "print.headers=true",
            "--formatter-property", "print.timestamp=true", "--timeout-ms", "20000"};
        run(Order.SORTED, "", consumer, with(shown, "--topic", "tools-a", "--from-beginning", "--max-messages", "40"));
        run(Order.AS_PRINTED, "", consumer, with(shown, "--topic", "tools-b", "--from-beginning", "--max-messages", "2"));
        run(Order.AS_PRINTED, "", consumer, with(shown, "--topic", "tools-a", "--partition", "0", "--offset", "2", "--max-messages", "1"));
        run(Order.SORTED, "", consumer, "--topic", "tools-a", "--group", "tools-g", "--from-beginning", "--max-messages", "40", "--timeout-ms", "20000");
        run(Order.AS_PRINTED, "", consumer, "--topic", "tools-a", "--group", "tools-g", "--timeout-ms", "2000");
    }

    private static String[] with(String[] more, String... first) {
        List<String> all = new ArrayList<>(Arrays.asList(first));
        all.addAll(Arrays.asList(more));
        return all.toArray(new String[0]);
    }

    private static void offsets() throws Exception {
        String tool = "GetOffsetShell";
        for (String time : List.of("latest", "earliest", "earliest-local", "latest-tiered", "0", "99999999999999")) {
            run(tool, "--topic", "tools-a", "--time", time);
        }
        run(tool, "--topic", "tools.a_b", "--time", "max-timestamp");
        run(tool, "--topic-partitions", "tools-a:1-3,tools-b:0");
        run(tool, "--topic", "tools-nobody");
        run(tool, "--topic", "tools-[ab]", "--partitions", "0", "--exclude-internal-topics");
    }

    private static void configs() throws Exception {
        String tool = "ConfigCommand";
        String[] topic = {"--entity-type", "topics", "--entity-name", "tools-a"};
        run(tool, with(topic, "--describe"));
        sorted(tool, with(topic, "--describe", "--all"));
        run(tool, with(topic, "--alter", "--add-config", "retention.ms=200000000,segment.bytes=10000000"));
        run(tool, with(topic, "--describe"));
        run(tool, with(topic, "--alter", "--delete-config", "segment.bytes"));
        run(tool, with(topic, "--alter", "--delete-config", "never.heard.of"));
        run(tool, with(topic, "--alter", "--add-config", "retention.ms=soon"));
        run(tool, with(topic, "--alter", "--add-config", "never.heard.of=1"));
        run(tool, with(topic, "--alter", "--add-config", "cleanup.policy=[compact,delete]"));
        run(tool, with(topic, "--describe"));
        run(tool, "--describe", "--entity-type", "topics", "--entity-name", "tools-nobody");
        String[] broker = {"--entity-type", "brokers", "--entity-name", "1"};
        run(tool, with(broker, "--describe"));
        run(tool, with(broker, "--alter", "--add-config", "log.cleaner.threads=2,max.connections.per.ip=1000"));
        sorted(tool, with(broker, "--describe"));
        run(tool, with(broker, "--alter", "--add-config", "log.dirs=/nowhere"));
        run(tool, with(broker, "--alter", "--add-config", "log.cleaner.threads=many"));
        run(tool, with(broker, "--alter", "--delete-config", "log.cleaner.threads,max.connections.per.ip"));
        run(tool, with(broker, "--describe"));
        run(tool, "--entity-type", "brokers", "--entity-default", "--alter", "--add-config", "log.retention.ms=300000000");
        run(tool, "--entity-type", "brokers", "--entity-default", "--describe");
        run(tool, with(topic, "--describe"));
        run(tool, "--entity-type", "brokers", "--entity-default", "--alter", "--delete-config", "log.retention.ms");
        run(tool, "--entity-type", "brokers", "--entity-name", "7", "--describe");
        run(tool, "--entity-type", "broker-loggers", "--entity-name", "7", "--describe");
    }

    private static void groups(Path folder) throws Exception {
        String tool = "consumer.group.ConsumerGroupCommand";
        String[] group = {"--group", "tools-g"};
        run(tool, with(group, "--describe"));
        run(tool, with(group, "--describe", "--offsets", "--verbose"));
        run(tool, with(group, "--describe", "--state"));
        run(tool, with(group, "--describe", "--members", "--verbose"));
        run(tool, "--group", "tools-nobody", "--describe");
        member(tool, group);
        String[] reset = with(group, "--reset-offsets", "--topic", "tools-a");
        run(tool, with(reset, "--to-earliest", "--dry-run"));
        run(tool, with(reset, "--to-earliest", "--execute"));
        run(tool, with(reset, "--shift-by", "2", "--execute"));
        run(tool, with(reset, "--shift-by", "-100", "--dry-run"));
        run(tool, with(reset, "--to-offset", "3", "--dry-run"));
        run(tool, with(reset, "--to-latest", "--dry-run"));
        run(tool, with(reset, "--to-datetime", "2020-01-01T00:00:00.000", "--dry-run"));
        run(tool, with(reset, "--by-duration", "PT0H", "--dry-run"));
        run(tool, with(reset, "--to-current", "--export", "--dry-run"));
        run(tool, with(group, "--reset-offsets", "--topic", "tools-a:1,2", "--to-latest", "--execute"));
        Path file = folder.resolve("offsets.csv");
        Files.writeString(file, "\"tools-a\",0,1\n\"tools-a\",1,2\n");
        run(Order.AS_PRINTED, "", tool, replacing(file, with(group, "--reset-offsets", "--from-file", file.toString(), "--execute")));
        run(tool, with(group, "--delete-offsets", "--topic", "tools-a:0"));
        run(tool, with(group, "--delete-offsets", "--topic", "tools-nobody"));
        run(tool, with(group, "--describe"));
        run(tool, "--validate-regex", "tools-.*");
        for (String state : List.of("Empty", "Stable", "Nonsense")) {
            List<String> lines = capture("", tool, "--bootstrap-server", bootstrap, "--list", "--state", state);
            lines.removeIf(line -> line.contains("Empty") && !line.contains("tools-"));
            Collections.sort(lines);
            print(tool, List.of("--list", "--state", state), lines);
        }
        List<String> lines = capture("", "GroupsCommand", "--bootstrap-server", bootstrap, "--list");
        lines.removeIf(line -> !line.contains("tools-") && !line.contains("GROUP"));
        Collections.sort(lines);
        print("GroupsCommand", List.of("--list"), lines);
        run(tool, "--group", "tools-nobody", "--delete");
        run(tool, with(group, "--delete"));
        run(tool, with(group, "--describe"));
    }

    /** The folder is another one each time. */
    private static String[] replacing(Path file, String[] arguments) {
        replace(Pattern.quote(file.toString()), "FILE");
        return arguments;
    }

    /** What is told of a group while a member is in it, and what cannot be done then. */
    private static void member(String tool, String[] group) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("group.id", "tools-g");
        properties.put("client.id", "tools-member");
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("tools-a"));
            while (consumer.assignment().isEmpty()) {
                consumer.poll(Duration.ofMillis(100));
            }
            run(tool, with(group, "--describe"));
            run(tool, with(group, "--describe", "--state", "--verbose"));
            run(tool, with(group, "--describe", "--members"));
            run(tool, with(group, "--describe", "--members", "--verbose"));
            run(tool, with(group, "--reset-offsets", "--to-earliest", "--all-topics", "--execute"));
            run(tool, with(group, "--delete"));
            run(tool, with(group, "--delete-offsets", "--topic", "tools-a"));
        }
    }

    private static void administration(Path folder) throws Exception {
        Path file = folder.resolve("delete.json");
        Files.writeString(file, "{\"partitions\": [{\"topic\": \"tools-a\", \"partition\": 0, \"offset\": 3},"
            + "{\"topic\": \"tools-a\", \"partition\": 1, \"offset\": -1}, {\"topic\": \"tools-a\", \"partition\": 2, \"offset\": 9999}],"
            + "\"version\": 1}");
        run(Order.SORTED, "", "DeleteRecordsCommand", replacing(file, new String[] {"--offset-json-file", file.toString()}));
        run("GetOffsetShell", "--topic", "tools-a", "--time", "earliest");
        run("LogDirsCommand", "--describe", "--topic-list", "tools-c");
        run("LogDirsCommand", "--describe", "--topic-list", "tools-nobody");
        run("LogDirsCommand", "--describe", "--broker-list", "1,7");
        run("LeaderElectionCommand", "--election-type", "preferred", "--topic", "tools-a", "--partition", "0");
        run("LeaderElectionCommand", "--election-type", "unclean", "--topic", "tools-a", "--partition", "0");
        run("LeaderElectionCommand", "--election-type", "preferred", "--topic", "tools-nobody", "--partition", "0");
        run("reassign.ReassignPartitionsCommand", "--list");
        run("AclCommand", "--list");
        run("TransactionsCommand", "describe-producers", "--topic", "tools-c", "--partition", "0");
        print("ClusterTool", List.of("cluster-id"), capture("", "ClusterTool", "cluster-id", "--bootstrap-server", bootstrap));
        print("ClusterTool", List.of("list-endpoints"), capture("", "ClusterTool", "list-endpoints", "--bootstrap-server", bootstrap));
        quorum();
        versions();
    }

    /** Offsets, epochs and ids are each system's own; what is compared is what is told. */
    private static void quorum() throws Exception {
        for (String what : List.of("--status", "--replication")) {
            List<String> lines = capture("", "MetadataQuorumCommand", "--bootstrap-server", bootstrap, "describe", what);
            lines.replaceAll(line -> line.startsWith("status") ? line : line.replaceAll("-?\\d{2,}|\\b\\d\\b", "N")
                .replaceAll("\\b[A-Za-z0-9_-]{22}\\b", "ID").replaceAll("\\[\\{.*", "VOTERS"));
            print("MetadataQuorumCommand", List.of("describe", what), lines);
        }
        List<String> features = capture("", "FeatureCommand", "--bootstrap-server", bootstrap, "describe");
        // Of features that are not built here yet only Apache Kafka tells.
        features.removeIf(line -> line.startsWith("Feature: ") && !line.contains("metadata.version"));
        features.replaceAll(line -> line.replaceAll("Epoch: \\d+", "Epoch: N"));
        print("FeatureCommand", List.of("describe"), features);
    }

    /** APIs that are not built here yet, or not up to Kafka's last version. */
    private static final List<String> OTHER_VERSIONS = List.of("AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn", "WriteTxnMarkers",
        "TxnOffsetCommit", "DescribeTransactions", "ListTransactions", "SaslHandshake", "SaslAuthenticate", "CreateDelegationToken",
        "RenewDelegationToken", "ExpireDelegationToken", "DescribeDelegationToken", "AlterUserScramCredentials", "AlterClientQuotas",
        "ConsumerGroup", "ShareGroup", "ShareFetch", "ShareAcknowledge", "StreamsGroup", "Unregister", "AddRaftVoter",
        "RemoveRaftVoter", "UpdateRaftVoter", "InitProducerId");

    private static void versions() throws Exception {
        List<String> lines = capture("", "BrokerApiVersionsCommand", "--bootstrap-server", bootstrap);
        lines.removeIf(line -> OTHER_VERSIONS.stream().anyMatch(line::contains) || line.contains("UNSUPPORTED"));
        // The last of Kafka's lines has no comma, and is another than the last of ours.
        lines.replaceAll(line -> line.replaceAll(",$", ""));
        print("BrokerApiVersionsCommand", List.of(), lines);
    }

    private static void verifiable() throws Exception {
        List<String> produced = capture("", "VerifiableProducer", "--bootstrap-server", bootstrap, "--topic", "tools-c", "--max-messages",
            "100", "--acks", "-1", "--value-prefix", "7");
        produced.replaceAll(line -> line.replaceAll("\"(partition|offset)\":\\d+", "\"$1\":N"));
        Collections.sort(produced);
        print("VerifiableProducer", List.of("tools-c"), produced);
        List<String> consumed = capture("", "VerifiableConsumer", "--bootstrap-server", bootstrap, "--topic", "tools-c", "--group-id",
            "tools-v", "--max-messages", "100", "--reset-policy", "earliest");
        // How many records one poll brings is not promised; how many there are is.
        int count = 0;
        List<String> events = new ArrayList<>();
        for (String line : consumed) {
            java.util.regex.Matcher records = Pattern.compile("\"name\":\"records_consumed\",\"count\":(\\d+)").matcher(line);
            if (records.find()) {
                count += Integer.parseInt(records.group(1));
            } else if (!line.contains("offsets_committed")) {
                events.add(line);
            }
        }
        events.add(count + " records");
        print("VerifiableConsumer", List.of("tools-c"), events);
    }

    private static void performance() throws Exception {
        List<String> sent = capture("", "ProducerPerformance", "--topic", "tools-c", "--num-records", "5000", "--record-size", "100",
            "--throughput", "-1", "--bootstrap-server", bootstrap);
        sent.replaceAll(line -> line.replaceAll("sent,.*", "sent"));
        sent.removeIf(line -> line.contains("records sent") && !line.startsWith("5000"));
        print("ProducerPerformance", List.of("tools-c"), sent);
        List<String> taken = capture("", "ConsumerPerformance", "--topic", "tools-c", "--num-records", "5000", "--bootstrap-server", bootstrap,
            "--group", "tools-p");
        // Start, end, MB, MB/s, records: only their names and that there were enough.
        taken.replaceAll(line -> line.matches("\\d{4}-.*") ? (Double.parseDouble(line.split(", ")[4]) >= 5000) + "" : line);
        print("ConsumerPerformance", List.of("tools-c"), taken);
        List<String> latency = capture("", "EndToEndLatency", "--bootstrap-server", bootstrap, "--topic", "tools-c", "--num-records", "20",
            "--producer-acks", "all", "--record-size", "50");
        latency.replaceAll(line -> line.replaceAll("[0-9]+[.,][0-9]+|\\b\\d+\\b(?= ms)", "N").replaceAll("= \\d+", "= N"));
        latency.replaceAll(line -> line.replaceAll("^\\d+\\s+N", "COUNT N"));
        print("EndToEndLatency", List.of("tools-c"), latency);
    }

    private static void deletion() throws Exception {
        run("TopicCommand", "--delete", "--topic", "tools[-_.][abc].*");
        run("TopicCommand", "--list", "--topic", "tools.*");
        for (String group : List.of("tools-v", "tools-p")) {
            run("consumer.group.ConsumerGroupCommand", "--delete", "--group", group);
        }
    }
}
