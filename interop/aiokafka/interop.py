"""aiokafka: see ../README.md. Usage: interop.py BOOTSTRAP"""
import asyncio
import json
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

BOOT = sys.argv[1]
TOPIC, GROUP, COUNT, PARTITIONS = "interop-aiokafka", "group-aiokafka", 20_000, 4
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]


def report(step, **values):
    print("CHECK", step, json.dumps(values, sort_keys=True), flush=True)


async def produce(first, count, codec, **extra):
    async with AIOKafkaProducer(bootstrap_servers=BOOT, compression_type=codec, linger_ms=5, **extra) as producer:
        sent = [await producer.send(TOPIC, key=f"k{number % 100}".encode(), value=f"v{number}".encode()) for number in range(first, first + count)]
        for future in sent:
            await future


async def consumer(group=GROUP, **extra):
    member = AIOKafkaConsumer(TOPIC, bootstrap_servers=BOOT, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, session_timeout_ms=10_000, heartbeat_interval_ms=500, **extra)
    await member.start()
    return member


async def take(member, seen, max_records=None):
    for records in (await member.getmany(timeout_ms=200, max_records=max_records)).values():
        seen.extend((record.key.decode(), int(record.value[1:]), record.partition, record.offset) for record in records)


async def drain(member, seen, wanted, seconds=90):
    end = time.time() + seconds
    while len(seen) < wanted:
        assert time.time() < end, f"{len(seen)} of {wanted} records"
        await take(member, seen)


def in_order(seen):
    last, at = {}, {}
    for key, number, partition, offset in seen:
        if last.get(key, -1) >= number or at.get(partition, -1) >= offset:
            return False
        last[key], at[partition] = number, offset
    return True


async def total_position(member):
    return sum([await member.position(place) for place in member.assignment()])


async def share_the_topic():
    """Two members read; one commits and leaves; the other reads the rest and commits."""
    one, two = await asyncio.gather(consumer(), consumer())
    seen = []
    end = time.time() + 60
    while time.time() < end and (len(one.assignment()), len(two.assignment())) != (2, 2):
        await asyncio.gather(take(one, seen, 50), take(two, seen, 50))
    report("share", partitions=sorted([len(one.assignment()), len(two.assignment())]))
    await one.commit()
    await two.commit()
    await one.stop()
    end = time.time() + 90
    while len(two.assignment()) < PARTITIONS or await total_position(two) < COUNT:
        assert time.time() < end, len(seen)
        await take(two, seen)
    report("read", distinct=len({number for _, number, _, _ in seen}))
    await two.commit()
    committed = [await two.committed(TopicPartition(TOPIC, partition)) for partition in range(PARTITIONS)]
    report("commit", total=sum(offset or 0 for offset in committed))
    await two.stop()


async def seek_by_time(start_ms, wanted, first):
    places = [TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=BOOT, enable_auto_commit=False) as seeker:
        seeker.assign(places)
        for place, found in (await seeker.offsets_for_times({place: start_ms for place in places})).items():
            if found is None:
                await seeker.seek_to_end(place)
            else:
                seeker.seek(place, found.offset)
        later = []
        await drain(seeker, later, wanted)
    report("seek", records=len(later), not_before=min(number for _, number, _, _ in later) >= first)


async def settings(admin):
    """What the topic's configuration says, and whether it is the topic's own."""
    wanted = ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"cleanup.policy": None, "retention.ms": None})
    [answer] = await admin.describe_configs([wanted], include_synonyms=True)
    [(error, _, _, name, entries)] = answer.resources
    assert (error, name) == (0, TOPIC), answer
    return {key: [value, source, [synonym[:2] for synonym in synonyms]] for key, value, _, source, _, synonyms in entries}


async def describe(admin):
    """All that its admin client describes."""
    cluster = await admin.describe_cluster()
    report("cluster", nodes=len(cluster["brokers"]), controller=cluster["controller_id"] == cluster["brokers"][0]["node_id"])
    [topic] = await admin.describe_topics([TOPIC])
    report("topic", name=topic["topic"], internal=topic["is_internal"], error=topic["error_code"], leaders=[place["leader"] for place in topic["partitions"]])
    before = await settings(admin)
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TOPIC, {"retention.ms": "86400000"})])
    report("configs", before=before, after=await settings(admin))
    broker = ConfigResource(ConfigResourceType.BROKER, str(cluster["controller_id"]), {"log.retention.hours": None})
    [answer] = await admin.describe_configs([broker])
    report("broker", configs=[entry[:3] for entry in answer.resources[0][4]])
    offsets = await admin.list_consumer_group_offsets(GROUP)
    report("offsets", total=sum(place.offset for place in offsets.values()), partitions=len(offsets), coordinator=await admin.find_coordinator(GROUP) == cluster["controller_id"])
    first = TopicPartition(TOPIC, 0)
    report("delete_records", low=list((await admin.delete_records({first: RecordsToDelete(10)})).values()))
    await admin.create_partitions({TOPIC: NewPartitions(PARTITIONS + 2)})
    [topic] = await admin.describe_topics([TOPIC])
    report("create_partitions", partitions=len(topic["partitions"]))


async def describe_group(admin, step):
    [answer] = await admin.describe_consumer_groups([GROUP])
    [(error, name, state, protocol_type, protocol, members, *_)] = answer.groups
    report(step, error=error, name=name, state=state, type=protocol_type, protocol=protocol, members=len(members))


async def main():
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOT)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    async with AIOKafkaProducer(bootstrap_servers=BOOT) as producer:
        report("create", partitions=len(await producer.partitions_for(TOPIC)))

    share = COUNT // len(CODECS)
    start_ms = None
    for at, codec in enumerate(CODECS):
        if at == 3:
            await asyncio.sleep(0.05)
            start_ms = int(time.time() * 1000)
        # Its own default (acks = 1), and idempotent.
        await produce(at * share, share, codec, **({"enable_idempotence": True} if at % 2 else {}))
    report("produce", records=COUNT, codecs=[codec or "none" for codec in CODECS])

    alone = await consumer(GROUP + "-order")
    ordered = []
    await drain(alone, ordered, COUNT)
    report("order", records=len(ordered), in_order=in_order(ordered))
    await alone.stop()
    await share_the_topic()
    await admin.close()

    print("RESTART", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    again = await consumer()
    early = []
    end = time.time() + 8
    while time.time() < end:
        await take(again, early)
    report("continue", again=len(early))
    await produce(COUNT, 100, "zstd")
    fresh = []
    await drain(again, fresh, 100)
    report("new", records=sorted(number for _, number, _, _ in fresh) == list(range(COUNT, COUNT + 100)))
    await again.commit()
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOT)
    await admin.start()
    await describe_group(admin, "stable")
    await again.stop()
    await describe_group(admin, "empty")
    await seek_by_time(start_ms, 2 * share + 100, 3 * share)

    await describe(admin)
    groups = [name for name, _ in await admin.list_consumer_groups()]
    report("list", topic=TOPIC in await admin.list_topics(), group=GROUP in groups)
    await admin.delete_topics([TOPIC])
    end = time.time() + 20
    while TOPIC in await admin.list_topics() and time.time() < end:
        await asyncio.sleep(0.1)
    report("delete", topic=TOPIC in await admin.list_topics())
    await admin.close()


asyncio.run(main())
