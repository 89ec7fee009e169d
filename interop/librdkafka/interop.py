"""librdkafka (confluent-kafka): see ../README.md. Usage: interop.py BOOTSTRAP"""
import json
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

BOOT = sys.argv[1]
TOPIC, GROUP, COUNT, PARTITIONS = "interop-librdkafka", "group-librdkafka", 20_000, 4
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def report(step, **values):
    print("CHECK", step, json.dumps(values, sort_keys=True), flush=True)


def patient(action, seconds=30):
    """A fresh cluster may need a moment for its internal topics."""
    end = time.time() + seconds
    while True:
        try:
            return action()
        except KafkaException as error:
            if time.time() > end or not error.args[0].retriable() and error.args[0].name() not in ("_TRANSPORT", "COORDINATOR_NOT_AVAILABLE"):
                raise
            time.sleep(0.2)


def commit_what_was_read(member):
    """A member that was given partitions but has read nothing of them yet has nothing to commit: librdkafka calls that an error."""
    try:
        patient(lambda: member.commit(asynchronous=False))
    except KafkaException as error:
        if error.args[0].name() != "_NO_OFFSET":
            raise


def produce(first, count, codec):
    failed = []
    producer = Producer({"bootstrap.servers": BOOT, "compression.type": codec, "enable.idempotence": True, "linger.ms": 5})
    for number in range(first, first + count):
        while True:
            try:
                producer.produce(TOPIC, key=f"k{number % 100}", value=f"v{number}", on_delivery=lambda e, m: failed.append(str(e)) if e else None)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(60)
    assert left == 0 and not failed, (left, failed[:3])


def consumer(**extra):
    return Consumer({"bootstrap.servers": BOOT, "group.id": GROUP, "auto.offset.reset": "earliest", "enable.auto.commit": False, "session.timeout.ms": 10_000, **extra})


def drain(members, seen, wanted, seconds=90):
    end = time.time() + seconds
    while len({number for _, number, _, _ in seen}) < wanted:
        assert time.time() < end, f"{len(seen)} of {wanted} records"
        for member in members:
            for message in member.consume(500, 0.2):
                assert not message.error(), message.error()
                seen.append((message.key().decode(), int(message.value()[1:]), message.partition(), message.offset()))


def in_order(seen):
    last, at = {}, {}
    for key, number, partition, offset in seen:
        if last.get(key, -1) >= number or at.get(partition, -1) >= offset:
            return False
        last[key], at[partition] = number, offset
    return True


def main():
    admin = AdminClient({"bootstrap.servers": BOOT})
    admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])[TOPIC].result(30)
    report("create", partitions=len(admin.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions))

    share = COUNT // len(CODECS)
    start_ms = None
    for at, codec in enumerate(CODECS):
        if at == 3:
            time.sleep(0.05)
            start_ms = int(time.time() * 1000)
        produce(at * share, share, codec)
    report("produce", records=COUNT, codecs=CODECS)

    # Two members; the first to have read something leaves half-way.
    one, two = consumer(), consumer()
    for member in (one, two):
        member.subscribe([TOPIC])
    end = time.time() + 60
    seen = []
    while time.time() < end:
        for member in (one, two):
            for message in member.consume(100, 0.1):
                assert not message.error(), message.error()
                seen.append((message.key().decode(), int(message.value()[1:]), message.partition(), message.offset()))
        if len(one.assignment()) == 2 and len(two.assignment()) == 2:
            break
    both = sorted(len(member.assignment()) for member in (one, two))
    report("share", partitions=both)
    # Commit what was read so far, then one leaves and the other takes over.
    for member in (one, two):
        commit_what_was_read(member)
    one.close()
    # The one that stays takes over everything, and reads to the end.
    end = time.time() + 90
    while len(two.assignment()) < PARTITIONS or sum(max(place.offset, 0) for place in two.position(two.assignment())) < COUNT:
        assert time.time() < end, two.position(two.assignment())
        for message in two.consume(500, 0.2):
            assert not message.error(), message.error()
            seen.append((message.key().decode(), int(message.value()[1:]), message.partition(), message.offset()))
    distinct = {number for _, number, _, _ in seen}
    report("read", distinct=len(distinct))
    patient(lambda: two.commit(asynchronous=False))
    committed = two.committed([TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)], 10)
    report("commit", total=sum(max(place.offset, 0) for place in committed))
    two.close()

    alone = consumer(**{"group.id": GROUP + "-order"})
    alone.subscribe([TOPIC])
    ordered = []
    drain([alone], ordered, COUNT)
    alone.close()
    report("order", records=len(ordered), in_order=in_order(ordered))

    print("RESTART", flush=True)
    sys.stdin.readline()

    again = consumer()
    again.subscribe([TOPIC])
    early = [message for message in again.consume(10, 8) if not message.error()]
    report("continue", again=len(early))
    produce(COUNT, 100, "zstd")
    fresh = []
    drain([again], fresh, 100)
    report("new", records=sorted(number for _, number, _, _ in fresh) == list(range(COUNT, COUNT + 100)))
    patient(lambda: again.commit(asynchronous=False))
    again.close()

    seeker = consumer(**{"group.id": GROUP + "-seek"})
    places = seeker.offsets_for_times([TopicPartition(TOPIC, partition, start_ms) for partition in range(PARTITIONS)], 10)
    seeker.assign(places)
    later = []
    drain([seeker], later, 2 * share + 100)
    report("seek", records=len(later), not_before=min(number for _, number, _, _ in later) >= 3 * share)
    seeker.close()

    groups = {group.group_id for group in admin.list_consumer_groups().result(10).valid}
    report("list", topic=TOPIC in admin.list_topics(timeout=10).topics, group=GROUP in groups)
    described = admin.describe_consumer_groups([GROUP])[GROUP].result(10)
    report("describe", state=described.state.name, members=len(described.members))
    admin.delete_consumer_groups([GROUP])[GROUP].result(10)
    admin.delete_topics([TOPIC])[TOPIC].result(30)
    end = time.time() + 20
    while TOPIC in admin.list_topics(timeout=10).topics and time.time() < end:
        time.sleep(0.1)
    report("delete", topic=TOPIC in admin.list_topics(timeout=10).topics)


main()
