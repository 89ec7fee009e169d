"""kcat: see ../README.md. It has no admin: the topic is made by asking for it. Usage: interop.py BOOTSTRAP"""
import atexit
import json
import re
import signal
import subprocess
import sys
import threading
import time

BOOT = sys.argv[1]
TOPIC, GROUP, COUNT = "interop-kcat", "group-kcat", 20_000
# One partition is all that a topic gets which is made by asking for it, so that a group shares several topics.
SHARED, SHARED_GROUP, ROUND = [f"interop-kcat-{at}" for at in range(4)], "group-kcat-shared", 1_000
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def report(step, **values):
    print("CHECK", step, json.dumps(values, sort_keys=True), flush=True)


def kcat(*arguments, lines=None, seconds=60):
    text = None if lines is None else "".join(line + "\n" for line in lines)
    command = ["kcat", "-b", BOOT, "-q", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds, check=True).stdout


def produce(first, count, codec, topic=TOPIC):
    lines = [f"k{number % 100}:v{number}" for number in range(first, first + count)]
    kcat("-P", "-t", topic, "-K:", "-z", codec, "-X", "enable.idempotence=true", lines=lines)


def read(*arguments):
    """Key, number and offset of each record."""
    out = kcat("-f", "%k %s %o\n", *arguments)
    fields = [line.split() for line in out.splitlines()]
    return [(key, int(value[1:]), int(offset)) for key, value, offset in fields]


def consume(*arguments):
    return read("-C", "-t", TOPIC, "-e", *arguments)


def group(count):
    """Reads so many records as a member of the group, which commits as it leaves."""
    options = ["-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000", "-c", str(count)]
    return read(*options, "-G", GROUP, TOPIC)


def until(what, holds, seconds=60):
    end = time.time() + seconds
    while not holds():
        assert time.time() < end, f"waited in vain for {what}"
        time.sleep(0.05)


class Member:
    """A kcat that stays in the group: the topics it holds, and what it has read of each."""

    def __init__(self):
        options = ["-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000", "-X", "partition.assignment.strategy=roundrobin"]
        command = ["kcat", "-b", BOOT, "-u", "-f", "%t %s\n", *options, "-G", SHARED_GROUP, *SHARED]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.holds, self.seen = set(), {topic: [] for topic in SHARED}
        for follow in (self.told, self.read):
            threading.Thread(target=follow, daemon=True).start()

    def told(self):
        for line in self.process.stderr:
            if "assigned:" in line:
                self.holds = set(re.findall(r"(\S+) \[0\]", line.split("assigned:")[1]))
            elif "revoked" in line:
                self.holds = set()

    def read(self):
        for line in self.process.stdout:
            topic, value = line.split()
            self.seen[topic].append(int(value[1:]))

    def has_read(self, topics, last):
        return all(self.seen[topic][-1:] == [last] for topic in topics)

    def leave(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0, self.process.returncode


def share_topics():
    """Two members at once; one leaves; the other goes on where it stopped."""
    for topic in SHARED:
        produce(0, 1, "none", topic)
    one, two = Member(), Member()
    until("two members of two", lambda: len(one.holds) == 2 and len(two.holds) == 2 and one.holds.isdisjoint(two.holds))
    report("share", topics=[len(one.holds), len(two.holds)], all=sorted(one.holds | two.holds))
    for topic in SHARED:
        produce(1, ROUND, "lz4", topic)
    ours, theirs = set(one.holds), set(two.holds)
    until("the records of both", lambda: one.has_read(ours, ROUND) and two.has_read(theirs, ROUND))
    report("apart", foreign=sum(len(one.seen[topic]) > 1 for topic in theirs) + sum(len(two.seen[topic]) > 1 for topic in ours))
    one.leave()
    until("one member of four", lambda: len(two.holds) == 4)
    for topic in SHARED:
        produce(1 + ROUND, ROUND, "zstd", topic)
    until("what is new", lambda: two.has_read(SHARED, 2 * ROUND))
    wanted = list(range(1 + ROUND, 1 + 2 * ROUND))
    report("left", goes_on=[two.seen[topic] == wanted for topic in sorted(ours)], in_order=[two.seen[topic] == sorted(two.seen[topic]) for topic in SHARED])
    two.leave()


def continue_topics():
    """A new member reads what is new of every topic, and nothing again."""
    last = Member()
    until("one member of four", lambda: len(last.holds) == 4)
    for topic in SHARED:
        produce(1 + 2 * ROUND, 100, "gzip", topic)
    until("what is new", lambda: last.has_read(SHARED, 2 * ROUND + 100))
    report("all", records=[len(last.seen[topic]) for topic in SHARED], first=[last.seen[topic][0] for topic in SHARED])
    last.leave()


def main():
    share = COUNT // len(CODECS)
    start_ms = None
    for at, codec in enumerate(CODECS):
        if at == 3:
            time.sleep(0.05)
            start_ms = int(time.time() * 1000)
        produce(at * share, share, codec)
    report("produce", records=COUNT, codecs=CODECS)
    listed = json.loads(kcat("-L", "-J", "-t", TOPIC))["topics"][0]
    report("list", topic=listed["topic"], partitions=len(listed["partitions"]), leader=listed["partitions"][0]["leader"])

    everything = consume("-o", "beginning")
    numbers = [number for _, number, _ in everything]
    offsets = [offset for _, _, offset in everything]
    report("order", records=len(numbers), in_order=numbers == list(range(COUNT)) and offsets == list(range(COUNT)))
    report("offset", numbers=[number for _, number, _ in consume("-o", "12345", "-c", "3")])
    report("tail", numbers=[number for _, number, _ in consume("-o", "-2")])

    first = group(5_000)
    second = group(5_000)
    report("members", first=first[0][1], then=second[0][1], last=second[-1][1])

    share_topics()

    print("RESTART", flush=True)
    sys.stdin.readline()

    third = group(10_000)
    report("continue", first=third[0][1], last=third[-1][1])
    continue_topics()
    produce(COUNT, 100, "zstd")
    fresh = group(100)
    report("new", first=fresh[0][1], records=len(fresh))
    later = [number for _, number, _ in consume("-o", f"s@{start_ms}")]
    report("seek", records=len(later), first=later[0])
    found = kcat("-Q", "-t", f"{TOPIC}:0:{start_ms}")
    report("query", answer=found.split())
    report("end", offset=kcat("-Q", "-t", f"{TOPIC}:0:-1").split())


main()
