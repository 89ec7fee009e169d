// Judges the claims of Mainstem's codec with Apache Kafka's own code; `cargo xtask codegen --oracle` runs it.
//
// The file of claims is described in crates/protocol/tests/it/judge.rs. Every message is read, written again, turned into JSON and
// back, and written once more: all bytes must be equal to ours. What differs is printed, one line each; the last line counts.

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

public class CodecOracle {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message",
        "org.apache.kafka.common.metadata",
        "org.apache.kafka.coordinator.group.generated",
        "org.apache.kafka.coordinator.transaction.generated",
        "org.apache.kafka.coordinator.share.generated",
        "org.apache.kafka.raft.generated",
        "org.apache.kafka.server.log.remote.metadata.storage.generated",
    };

    // Their JSON drops the records, so these are only read and written.
    private static final Set<String> WITH_RECORDS =
        Set.of("ProduceRequest", "FetchResponse", "ShareFetchResponse", "FetchSnapshotResponse");

    private record Judge(Class<?> type, Method toJson, Method fromJson) { }

    private static final int LAXER_MAX = 5;

    private static int stricter = 0;
    private static int laxer = 0;

    private static final Map<String, Judge> JUDGES = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Map<String, Integer> agreed = new HashMap<>();
        Set<String> versions = new TreeSet<>();
        int differences = 0;
        try (BufferedReader lines = Files.newBufferedReader(Path.of(args[0]))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", -1);
                String difference = switch (words[0]) {
                    case "message" -> message(words[1], Short.parseShort(words[2]), words[3]);
                    case "damaged" -> damaged(words[1], Short.parseShort(words[2]), words[3], words[4]);
                    case "error" -> error(Short.parseShort(words[1]), words[2], words[3]);
                    case "api" -> api(words);
                    case "header" -> header(words);
                    default -> "unknown claim";
                };
                if (difference == null) {
                    agreed.merge(words[0], 1, Integer::sum);
                    if (words[0].equals("message")) {
                        versions.add(words[1] + " " + words[2]);
                    }
                } else {
                    differences++;
                    System.out.println("DIFFERS " + abbreviate(line) + ": " + abbreviate(difference));
                }
            }
        }
        int errors = Errors.values().length;
        int apis = ApiMessageType.values().length;
        System.out.println(differences + " differ; equal are " + agreed.getOrDefault("message", 0) + " values of "
            + versions.size() + " message versions, " + agreed.getOrDefault("error", 0) + " of " + errors + " error codes, "
            + agreed.getOrDefault("damaged", 0) + " damaged values (" + stricter + " refused by us alone, " + laxer + " accepted by us alone), "
            + agreed.getOrDefault("api", 0) + " of " + apis + " APIs, " + agreed.getOrDefault("header", 0) + " header versions");
        System.exit(differences == 0 && laxer <= LAXER_MAX && agreed.getOrDefault("error", 0) == errors ? 0 : 1);
    }

    private static String abbreviate(String text) {
        return text.length() <= 400 ? text : text.substring(0, 400) + "…";
    }

    private static Judge judge(String name) throws Exception {
        Judge known = JUDGES.get(name);
        if (known != null) {
            return known;
        }
        for (String folder : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                String className = folder + "." + name + suffix;
                try {
                    Class<?> type = Class.forName(className);
                    Class<?> converter = Class.forName(className + "JsonConverter");
                    Judge found = new Judge(
                        type,
                        converter.getMethod("write", type, short.class),
                        converter.getMethod("read", JsonNode.class, short.class));
                    JUDGES.put(name, found);
                    return found;
                } catch (ClassNotFoundException absent) {
                    // The next package.
                }
            }
        }
        throw new IllegalArgumentException("Apache Kafka has no message " + name);
    }

    private static String message(String name, short version, String hex) throws Exception {
        try {
            Judge judge = judge(name);
            ByteBufferAccessor readable = new ByteBufferAccessor(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
            Message message = (Message) judge.type.getDeclaredConstructor().newInstance();
            message.read(readable, version);
            if (readable.remaining() != 0) {
                return readable.remaining() + " bytes unread";
            }
            String written = write(message, version);
            if (!written.equals(hex)) {
                return "written as " + written;
            }
            if (!message.unknownTaggedFields().isEmpty()) {
                return "unknown tags " + message.unknownTaggedFields();
            }
            if (WITH_RECORDS.contains(name)) {
                return null;
            }
            JsonNode json = (JsonNode) judge.toJson.invoke(null, message, version);
            String again = write((Message) judge.fromJson.invoke(null, json, version), version);
            return again.equals(hex) ? null : "through JSON " + json + " written as " + again;
        } catch (InvocationTargetException error) {
            return String.valueOf(error.getCause());
        } catch (RuntimeException error) {
            return error.toString();
        }
    }

    // Damaged bytes: what Apache refuses is refused by us. The only known exception: a known tag that announces more bytes than its
    // value has. We skip them; Apache reads on inside them, and usually, not always, stumbles. A handful of such values is expected.
    // The reverse is no difference: a tag that announces too few bytes is refused by us alone.
    private static String damaged(String name, short version, String outcome, String hex) throws Exception {
        boolean accepted;
        try {
            Message message = (Message) judge(name).type.getDeclaredConstructor().newInstance();
            message.read(new ByteBufferAccessor(ByteBuffer.wrap(HexFormat.of().parseHex(hex))), version);
            accepted = true;
        } catch (RuntimeException error) {
            accepted = false;
            if (outcome.equals("accepted")) {
                laxer++;
                System.out.println("ACCEPTED " + name + " " + version + ", refused by Apache: " + error);
            }
        }
        if (accepted && outcome.equals("refused")) {
            stricter++;
        }
        return null;
    }

    private static String write(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        return HexFormat.of().formatHex(buffer.array(), 0, buffer.position());
    }

    private static String error(short code, String name, String retriable) {
        Errors error = Errors.forCode(code);
        boolean isRetriable = error.exception() instanceof RetriableException;
        String theirs = error.code() + " " + error.name() + " " + isRetriable;
        return theirs.equals(code + " " + name + " " + retriable) ? null : theirs;
    }

    private static String api(String[] words) {
        ApiMessageType api = ApiMessageType.fromApiKey(Short.parseShort(words[1]));
        String theirs = String.join(" ", "api", words[1], api.name, String.valueOf(api.lowestSupportedVersion()),
            String.valueOf(api.highestSupportedVersion(true)), String.valueOf(api.latestVersionUnstable()));
        return theirs.equals(String.join(" ", words)) ? null : theirs;
    }

    private static String header(String[] words) {
        ApiMessageType api = ApiMessageType.fromApiKey(Short.parseShort(words[1]));
        short version = Short.parseShort(words[2]);
        String theirs = api.requestHeaderVersion(version) + " " + api.responseHeaderVersion(version);
        return theirs.equals(words[3] + " " + words[4]) ? null : theirs;
    }
}
