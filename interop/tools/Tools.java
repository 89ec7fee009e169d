// Apache Kafka's own command line tools, one after the other in one JVM, as transcript.txt beside this file says. Prints what each
// command printed, as CHECK lines; whether that is right is judged by `cargo xtask interop`.

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
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import java.util.regex.Matcher;
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

    /** What is done with the lines that a tool prints. */
    private static final class Rules {
        final List<Pattern> patterns = new ArrayList<>();
        final List<String> replacements = new ArrayList<>();
        final List<Pattern> dropped = new ArrayList<>();
        Pattern kept;
        Pattern summed;
        boolean sorted;

        void replace(String rule) {
            int at = rule.indexOf(" => ");
            // Nothing may stand for something, and then the space before it is gone as every space at the end of a line.
            String by = at < 0 ? "" : rule.substring(at + 4);
            patterns.add(Pattern.compile(at < 0 ? rule.replaceAll(" =>$", "") : rule.substring(0, at)));
            replacements.add(by);
        }

        String same(String line) {
            for (int at = 0; at < patterns.size(); at++) {
                line = patterns.get(at).matcher(line).replaceAll(replacements.get(at));
            }
            return line;
        }

        List<String> applied(List<String> lines) {
            List<String> all = new ArrayList<>();
            long sum = 0;
            for (String line : lines) {
                Matcher number = summed == null ? null : summed.matcher(line);
                if (number != null && number.find()) {
                    sum += Long.parseLong(number.group(1));
                } else if (dropped.stream().noneMatch(rule -> rule.matcher(line).find()) && (kept == null || kept.matcher(line).find())) {
                    all.add(same(line));
                }
            }
            if (summed != null) {
                all.add("sum " + sum);
            }
            if (sorted) {
                Collections.sort(all);
            }
            return all;
        }
    }

    /** A command that takes longer is told of. */
    private static final Duration SLOW = Duration.ofSeconds(3);
    private static final List<String> CHANGES = List.of("--create", "--alter", "--delete", "--execute");

    private static final Rules always = new Rules();
    private static Rules rules = new Rules();
    private static Running running;
    private static String bootstrap;
    private static Path folder;
    private static KafkaConsumer<String, String> member;

    public static void main(String[] arguments) throws Exception {
        bootstrap = arguments[0];
        Exit.setExitProcedure((status, message) -> { throw running.end(status); });
        Exit.setHaltProcedure((status, message) -> { throw running.end(status); });
        Exit.setShutdownHookAdder((name, hook) -> running.hooks.add(hook));
        folder = Files.createTempDirectory("tools");
        List<String> lines = Files.readAllLines(Path.of(arguments[1]));
        for (int at = 0; at < lines.size(); at++) {
            String line = lines.get(at);
            String input = line.startsWith("$ ") || line.startsWith("@ file ") ? input(lines, at + 1) : "";
            if (line.startsWith("$ ")) {
                command(line, input);
            } else if (line.startsWith("@ ")) {
                directive(line.substring(2), input);
            }
        }
        System.exit(0);
    }

    /** The lines of input that follow a command or the name of a file. */
    private static String input(List<String> lines, int from) {
        StringBuilder input = new StringBuilder();
        for (int at = from; at < lines.size() && lines.get(at).startsWith("< "); at++) {
            input.append(lines.get(at).substring(2).replace("\\t", "\t")).append('\n');
        }
        return input.toString();
    }

    private static void directive(String line, String input) throws Exception {
        String[] words = line.split(" ", 2);
        String rest = words.length > 1 ? words[1] : "";
        switch (words[0]) {
            case "always" -> always.replace(rest);
            case "never" -> always.dropped.add(Pattern.compile(rest));
            case "replace" -> rules.replace(rest);
            case "drop" -> rules.dropped.add(Pattern.compile(rest));
            case "keep" -> rules.kept = Pattern.compile(rest);
            case "sum" -> rules.summed = Pattern.compile(rest);
            case "sorted" -> rules.sorted = true;
            case "file" -> Files.writeString(folder.resolve(rest), input);
            case "join" -> join(rest.split(" "));
            case "leave" -> member.close();
            case "restart" -> {
                System.out.println("RESTART");
                System.in.read();
            }
            case "reason" -> { }
            default -> throw new IllegalArgumentException("the transcript has an unknown directive: " + line);
        }
    }

    /** A member that stays in a group while it is told of. */
    private static void join(String[] groupAndTopic) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("group.id", groupAndTopic[0]);
        properties.put("client.id", "tools-member");
        member = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
        member.subscribe(List.of(groupAndTopic[1]));
        while (member.assignment().isEmpty()) {
            member.poll(Duration.ofMillis(100));
        }
    }

    /** Words are parted by spaces; what stands between single quotes is one. {bootstrap} is the address, {NAME} is a file. */
    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        Matcher word = Pattern.compile("'([^']*)'|(\\S+)").matcher(line);
        while (word.find()) {
            String one = word.group(1) != null ? word.group(1) : word.group(2);
            words.add(one.equals("{bootstrap}") ? bootstrap : one.replaceAll("^\\{([a-z.]+)\\}$", folder + "/$1"));
        }
        return words;
    }

    private static void command(String line, String input) throws Exception {
        List<String> words = words(line.substring(2));
        String tool = words.remove(0);
        if (!words.contains(bootstrap)) {
            words.addAll(0, List.of("--bootstrap-server", bootstrap));
        }
        long start = System.nanoTime();
        List<String> lines = capture(input, tool, words);
        if (System.nanoTime() - start > SLOW.toNanos()) {
            System.err.println("slow: " + (System.nanoTime() - start) / 1_000_000 + " ms: " + line);
        }
        System.out.println("CHECK " + line);
        for (String printed : lines) {
            System.out.println("CHECK   " + printed);
        }
        rules = new Rules();
        if (CHANGES.stream().anyMatch(words::contains)) {
            // Apache Kafka answers when its controller has decided; its broker learns of it a little later, and describes what was before.
            Thread.sleep(300);
        }
    }

    private static List<String> capture(String input, String tool, List<String> arguments) throws Exception {
        PrintStream out = System.out;
        PrintStream err = System.err;
        InputStream in = System.in;
        running = new Running();
        try {
            System.setOut(running.stream);
            System.setErr(running.stream);
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            Object all = arguments.toArray(new String[0]);
            Class.forName("org.apache.kafka.tools." + tool).getMethod("main", String[].class).invoke(null, all);
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
        for (String line : running.printed.replace(folder + "/", "").split("\n")) {
            // Columns are as wide as their widest cell, which may be one that was replaced.
            String same = always.same(line).replaceAll(" {2,}", "  ").stripTrailing();
            if (!same.isBlank() && always.dropped.stream().noneMatch(rule -> rule.matcher(line).find())) {
                lines.add(same);
            }
        }
        lines = rules.applied(lines);
        lines.add("status " + running.status);
        return lines;
    }

    /** This tool sends in a thread of its own, and tells of the rest when the JVM ends. */
    private static void awaitRecords(List<String> arguments) throws InterruptedException {
        int count = Integer.parseInt(arguments.get(arguments.indexOf("--max-messages") + 1));
        while (running.captured.toString(StandardCharsets.UTF_8).split("producer_send_success", -1).length <= count) {
            Thread.sleep(20);
        }
        running.hooks.forEach(Runnable::run);
    }
}
