// kafkajs: see ../README.md. Usage: interop.mjs BOOTSTRAP
import * as zstd from '@bokuweb/zstd-wasm';
import kafkajs from 'kafkajs';
import LZ4 from 'kafkajs-lz4';
import Snappy from 'kafkajs-snappy';
import { areNext, distinct, inOrder, pause, portions, report, restart, run, until } from './node.mjs';

const { CompressionTypes, CompressionCodecs, Kafka, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.Snappy] = Snappy;
CompressionCodecs[CompressionTypes.LZ4] = new LZ4().codec;
// Its own package for zstd has to be built natively; the frames are the same.
await zstd.init();
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }) => Buffer.from(zstd.compress(buffer, 3)),
  decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
});

const BOOT = process.argv[2];
const [TOPIC, GROUP, COUNT, PARTITIONS] = ['interop-kafkajs', 'group-kafkajs', 20_000, 4];
const CODECS = ['None', 'GZIP', 'Snappy', 'LZ4', 'ZSTD'];
const kafka = new Kafka({ brokers: [BOOT], logLevel: logLevel.NOTHING, retry: { retries: 12, initialRetryTime: 100 } });

async function produce(first, count, codec, idempotent = false) {
  const producer = kafka.producer({ idempotent });
  await producer.connect();
  for (const numbers of portions(first, count)) {
    const messages = numbers.map((number) => ({ key: `k${number % 100}`, value: `v${number}` }));
    await producer.send({ topic: TOPIC, messages, acks: -1, compression: CompressionTypes[codec] });
  }
  await producer.disconnect();
}

// A member of a group: what it has seen, which partitions it holds, where it stands in each.
async function member(groupId, seen, onBatch = () => {}) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 500, rebalanceTimeout: 10_000 });
  const self = { consumer, partitions: [], next: new Map() };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    self.partitions = payload.memberAssignment[TOPIC] ?? [];
  });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      for (const message of batch.messages) {
        seen.push([message.key.toString(), Number(message.value.toString().slice(1)), batch.partition, Number(message.offset)]);
        self.next.set(batch.partition, Number(message.offset) + 1);
        resolveOffset(message.offset);
      }
      await heartbeat();
      await onBatch();
    },
  });
  self.commit = () =>
    consumer.commitOffsets([...self.next].map(([partition, offset]) => ({ topic: TOPIC, partition, offset: String(offset) })));
  return self;
}

// Two members; one leaves with nothing committed of what it may still be reading; the other reads to the end and commits.
async function shareTheTopic(admin) {
  const seen = [];
  // Slow until both have their part, so that there is something left to share.
  let shared = false;
  const slowly = () => (shared ? undefined : pause(50));
  const [one, two] = await Promise.all([member(GROUP, seen, slowly), member(GROUP, seen, slowly)]);
  await until('two members of two', () => one.partitions.length === 2 && two.partitions.length === 2);
  report('share', { partitions: [one.partitions.length, two.partitions.length] });
  shared = true;
  await one.consumer.disconnect();
  await until('one member of four', () => two.partitions.length === PARTITIONS);
  const standing = () => [...two.next.values()].reduce((sum, offset) => sum + offset, 0);
  await until('the end', () => standing() === COUNT);
  report('read', { distinct: distinct(seen) });
  await two.commit();
  await two.consumer.disconnect();
  const [{ partitions }] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
  report('commit', { total: partitions.reduce((sum, { offset }) => sum + Number(offset), 0) });
}

async function seekByTime(admin, startMs, wanted, first) {
  const later = [];
  const consumer = kafka.consumer({ groupId: `${GROUP}-seek` });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => later.push(Number(message.value.toString().slice(1))),
  });
  const places = await admin.fetchTopicOffsetsByTimestamp(TOPIC, startMs);
  for (const { partition, offset } of places) consumer.seek({ topic: TOPIC, partition, offset });
  await until('what came since', () => later.length >= wanted);
  report('seek', { records: later.length, not_before: Math.min(...later) >= first });
  await consumer.disconnect();
}

async function main() {
  let admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1 }] });
  const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
  report('create', { partitions: topics[0].partitions.length });

  const share = COUNT / CODECS.length;
  let startMs;
  for (const [at, codec] of CODECS.entries()) {
    if (at === 3) {
      await pause(50);
      startMs = Date.now();
    }
    await produce(at * share, share, codec, at % 2 === 1);
  }
  report('produce', { records: COUNT, codecs: CODECS });

  const ordered = [];
  const alone = await member(`${GROUP}-order`, ordered);
  await until('every record', () => ordered.length >= COUNT);
  await alone.consumer.disconnect();
  report('order', { records: ordered.length, in_order: inOrder(ordered) });
  await shareTheTopic(admin);
  await admin.disconnect();

  await restart();

  const fresh = [];
  const again = await member(GROUP, fresh);
  await pause(8_000);
  report('continue', { again: fresh.length });
  await produce(COUNT, 100, 'GZIP');
  await until('what is new', () => fresh.length >= 100);
  report('new', { records: areNext(fresh, COUNT, 100) });
  await again.commit();
  admin = kafka.admin();
  await admin.connect();
  const { groups: [{ state, members }] } = await admin.describeGroups([GROUP]);
  report('describe', { state, members: members.length });
  await again.consumer.disconnect();
  await seekByTime(admin, startMs, 2 * share + 100, 3 * share);

  const { groups } = await admin.listGroups();
  const hasTopic = async () => (await admin.listTopics()).includes(TOPIC);
  report('list', { topic: await hasTopic(), group: groups.some(({ groupId }) => groupId === GROUP) });
  await admin.deleteGroups([GROUP]);
  await admin.deleteTopics({ topics: [TOPIC] });
  await until('the topic to go', async () => !(await hasTopic()), 20);
  const left = (await admin.listGroups()).groups;
  report('delete', { topic: await hasTopic(), group: left.some(({ groupId }) => groupId === GROUP) });
  await admin.disconnect();
}

run(main);
