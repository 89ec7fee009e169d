"""kafka-python: see ../README.md. Usage: interop.py BOOTSTRAP"""
import json
import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

BOOT = sys.argv[1]
TOPIC, GROUP, COUNT, PARTITIONS = "interop-kafka-python", "group-kafka-python", 20_000, 4
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]


def report(step, **values):
    print("CHECK", step, json.dumps(values, sort_keys=True), flush=True)


def produce(first, count, codec):
    producer = KafkaProducer(bootstrap_servers=BOOT, compression_type=codec, acks="all", linger_ms=5)
    sent = [producer.send(TOPIC, key=f"k{number % 100}".encode(), value=f"v{number}".encode()) for number in range(first, first + count)]
    producer.flush(60)
    for future in sent:
        future.get(30)
    producer.close()


def consumer(group=GROUP, **extra):
    return KafkaConsumer(TOPIC, bootstrap_servers=BOOT, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, session_timeout_ms=10_000, heartbeat_interval_ms=500, **extra)


def take(member, seen, wait_ms=200):
    count = 0
    for records in member.poll(timeout_ms=wait_ms).values():
        for record in records:
            seen.append((record.key.decode(), int(record.value[1:]), record.partition, record.offset))
            count += 1
    return count


def drain(members, seen, wanted, seconds=90):
    end = time.time() + seconds
    while len(seen) < wanted:
        assert time.time() < end, f"{len(seen)} of {wanted} records"
        for member in members:
            take(member, seen)


def in_order(seen):
    last, at = {}, {}
    for key, number, partition, offset in seen:
        if last.get(key, -1) >= number or at.get(partition, -1) >= offset:
            return False
        last[key], at[partition] = number, offset
    return True


def configs(admin):
    wanted = ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"cleanup.policy": None, "retention.ms": None})
    [found] = admin.describe_configs([wanted], config_filter="all").values()
    return {key: entry["value"] for key, entry in found[TOPIC].items()}


def describe(admin):
    [topic] = admin.describe_topics([TOPIC])
    report("topic", name=topic["name"], partitions=len(topic["partitions"]), error=topic["error_code"])
    before = configs(admin)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"retention.ms": "86400000"})])
    report("configs", before=before, after=configs(admin))
    offsets = admin.list_group_offsets([GROUP])[GROUP]
    report("offsets", total=sum(place.offset for place in offsets.values()), partitions=len(offsets))


def describe_group(admin, step):
    found = admin.describe_groups([GROUP])[GROUP]
    report(step, state=found["group_state"], type=found["protocol_type"], members=len(found["members"]))


def main():
    admin = KafkaAdminClient(bootstrap_servers=BOOT)
    admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    producer = KafkaProducer(bootstrap_servers=BOOT)
    report("create", partitions=len(producer.partitions_for(TOPIC)))
    producer.close()

    share = COUNT // len(CODECS)
    start_ms = None
    for at, codec in enumerate(CODECS):
        if at == 3:
            time.sleep(0.05)
            start_ms = int(time.time() * 1000)
        produce(at * share, share, codec)
    report("produce", records=COUNT, codecs=[codec or "none" for codec in CODECS])

    alone = consumer(GROUP + "-order")
    ordered = []
    drain([alone], ordered, COUNT)
    report("order", records=len(ordered), in_order=in_order(ordered))
    alone.close()

    # Two members; each poll also drives the group, so both are polled in turn.
    one, two = consumer(max_poll_records=50), consumer(max_poll_records=50)
    seen = []
    end = time.time() + 60
    while time.time() < end:
        take(one, seen)
        take(two, seen)
        if len(one.assignment()) == 2 and len(two.assignment()) == 2:
            break
    report("share", partitions=sorted([len(one.assignment()), len(two.assignment())]))
    one.commit()
    two.commit()
    one.close()
    end = time.time() + 90
    # The one that stays takes over everything, and reads to the end.
    while len(two.assignment()) < PARTITIONS or sum(two.position(place) or 0 for place in two.assignment()) < COUNT:
        assert time.time() < end, len(seen)
        take(two, seen)
    report("read", distinct=len({number for _, number, _, _ in seen}))
    two.commit()
    report("commit", total=sum(two.committed(TopicPartition(TOPIC, partition)) or 0 for partition in range(PARTITIONS)))
    two.close()

    print("RESTART", flush=True)
    sys.stdin.readline()

    again = consumer()
    early = []
    end = time.time() + 8
    while time.time() < end:
        take(again, early)
    report("continue", again=len(early))
    produce(COUNT, 100, "zstd")
    fresh = []
    drain([again], fresh, 100)
    report("new", records=sorted(number for _, number, _, _ in fresh) == list(range(COUNT, COUNT + 100)))
    again.commit()
    describe_group(admin, "stable")
    again.close()
    describe_group(admin, "empty")

    seeker = KafkaConsumer(bootstrap_servers=BOOT, enable_auto_commit=False)
    places = [TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
    seeker.assign(places)
    for place, found in seeker.offsets_for_times({place: start_ms for place in places}).items():
        if found is None:
            seeker.seek_to_end(place)
        else:
            seeker.seek(place, found.offset)
    later = []
    drain([seeker], later, 2 * share + 100)
    report("seek", records=len(later), not_before=min(number for _, number, _, _ in later) >= 3 * share)
    topics = seeker.topics()
    seeker.close()

    describe(admin)
    report("list", topic=TOPIC in topics, group=GROUP in [found["group_id"] for found in admin.list_groups()])
    deleted = admin.delete_groups([GROUP])
    admin.delete_topics([TOPIC])
    end = time.time() + 20
    while TOPIC in admin.list_topics() and time.time() < end:
        time.sleep(0.1)
    report("delete", topic=TOPIC in admin.list_topics(), group=GROUP in [found["group_id"] for found in admin.list_groups()], answer=str(deleted))
    admin.close()


main()
