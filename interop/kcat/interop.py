"""kcat: see ../README.md. It has no admin: the topic is made by asking for it. Usage: interop.py BOOTSTRAP"""
import json
import subprocess
import sys
import time

BOOT = sys.argv[1]
TOPIC, GROUP, COUNT = "interop-kcat", "group-kcat", 20_000
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def report(step, **values):
    print("CHECK", step, json.dumps(values, sort_keys=True), flush=True)


def kcat(*arguments, lines=None, seconds=60):
    text = None if lines is None else "".join(line + "\n" for line in lines)
    command = ["kcat", "-b", BOOT, "-q", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds, check=True).stdout


def produce(first, count, codec):
    lines = [f"k{number % 100}:v{number}" for number in range(first, first + count)]
    kcat("-P", "-t", TOPIC, "-K:", "-z", codec, "-X", "enable.idempotence=true", lines=lines)


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

    print("RESTART", flush=True)
    sys.stdin.readline()

    third = group(10_000)
    report("continue", first=third[0][1], last=third[-1][1])
    produce(COUNT, 100, "zstd")
    fresh = group(100)
    report("new", first=fresh[0][1], records=len(fresh))
    later = [number for _, number, _ in consume("-o", f"s@{start_ms}")]
    report("seek", records=len(later), first=later[0])
    found = kcat("-Q", "-t", f"{TOPIC}:0:{start_ms}")
    report("query", answer=found.split())
    report("end", offset=kcat("-Q", "-t", f"{TOPIC}:0:-1").split())


main()
