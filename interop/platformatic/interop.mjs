// @platformatic/kafka: see ../README.md. Usage: interop.mjs BOOTSTRAP [SUFFIX]
import { Admin, ConfigResourceTypes, Consumer, Producer, compressionsAlgorithms, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { areNext, distinct, inOrder, pause, portions, report, restart, run, until } from './node.mjs';

// A second attempt (see ../README.md) begins with names of its own.
const AGAIN = process.argv[3] ?? '';
const [TOPIC, GROUP, COUNT, PARTITIONS] = [`interop-platformatic${AGAIN}`, `group-platformatic${AGAIN}`, 20_000, 4];
// What this Node brings: zstd only from 22.15 on.
const CODECS = Object.keys(compressionsAlgorithms).filter((name) => compressionsAlgorithms[name].available);
const base = { bootstrapBrokers: [process.argv[2]], clientId: 'interop', retries: 12, retryDelay: 200, strict: true };

const every = Array.from({ length: PARTITIONS }, (_, partition) => partition);

async function produce(first, count, compression, idempotent = false) {
  const producer = new Producer({ ...base, serializers: stringSerializers, idempotent });
  const written = [];
  for (const numbers of portions(first, count)) {
    const messages = numbers.map((number) => ({ topic: TOPIC, key: `k${number % 100}`, value: `v${number}` }));
    const { offsets } = await producer.send({ messages, acks: -1, compression });
    written.push(...offsets);
  }
  await producer.close();
  return written;
}

// A member of a group: what it has seen, which partitions it holds, where it stands in each.
async function member(groupId, seen, options = {}, onMessage = () => {}) {
  const times = { sessionTimeout: 10_000, rebalanceTimeout: 10_000, heartbeatInterval: 500, maxWaitTime: 200 };
  const consumer = new Consumer({ ...base, ...times, groupId, deserializers: stringDeserializers, autocommit: false });
  const self = { consumer, next: new Map() };
  const stream = await consumer.consume({ topics: [TOPIC], mode: 'committed', fallbackMode: 'earliest', ...options });
  const reading = (async () => {
    for await (const { key, value, partition, offset } of stream) {
      seen.push([key, Number(value.slice(1)), partition, Number(offset)]);
      self.next.set(partition, offset + 1n);
      await onMessage();
    }
  })();
  reading.catch((error) => {
    console.error(error);
    process.exit(1);
  });
  self.holds = () => consumer.assignments?.find(({ topic }) => topic === TOPIC)?.partitions ?? [];
  self.commit = () =>
    consumer.commit({ offsets: [...self.next].map(([partition, offset]) => ({ topic: TOPIC, partition, offset, leaderEpoch: -1 })) });
  self.leave = () => consumer.close(true);
  return self;
}

// What the group has committed, by partition.
async function committed(admin) {
  const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [GROUP] });
  const partitions = topics.find(({ name }) => name === TOPIC)?.partitions ?? [];
  return new Map(partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]));
}

// Two members; one commits and leaves; the other reads the rest and commits.
async function shareTheTopic(admin) {
  const seen = [];
  // Slow until both have their part, so that there is something left to share.
  let shared = false;
  const slowly = () => (shared ? undefined : pause(20));
  const [one, two] = await Promise.all([member(GROUP, seen, {}, slowly), member(GROUP, seen, {}, slowly)]);
  await until('two members of two', () => one.holds().length === 2 && two.holds().length === 2);
  await until('records of both', () => one.next.size > 0 && two.next.size > 0);
  report('share', { partitions: [one.holds().length, two.holds().length] });
  const { members, state } = (await admin.describeGroups({ groups: [GROUP] })).get(GROUP);
  const held = [...members.values()].flatMap(({ assignments }) => assignments.get(TOPIC).partitions).sort();
  report('members', { state, members: members.size, held });
  await one.commit();
  await one.leave();
  await until('one member of four', () => two.holds().length === PARTITIONS);
  shared = true;
  const standing = () => [...two.next.values()].reduce((sum, offset) => sum + Number(offset), 0);
  await until('the end', () => standing() === COUNT);
  report('read', { distinct: distinct(seen) });
  await two.commit();
  await two.leave();
  report('commit', { total: [...(await committed(admin)).values()].reduce((sum, offset) => sum + Number(offset), 0) });
}

async function seekByTime(admin, startMs, wanted, first) {
  const partitions = every.map((partitionIndex) => ({ partitionIndex, timestamp: BigInt(startMs) }));
  const [found] = await admin.listOffsets({ topics: [{ name: TOPIC, partitions }] });
  const offsets = found.partitions.map(({ partitionIndex, offset }) => ({ topic: TOPIC, partition: partitionIndex, offset }));
  const later = [];
  const seeker = await member(`${GROUP}-seek`, later, { mode: 'manual', fallbackMode: undefined, offsets });
  await until('what came since', () => later.length >= wanted);
  await seeker.leave();
  report('seek', { records: later.length, not_before: Math.min(...later.map(([, number]) => number)) >= first });
}

async function describe(admin) {
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: TOPIC };
  const cleanup = async () => {
    const [{ configs }] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: ['cleanup.policy', 'retention.ms'] }] });
    return Object.fromEntries(configs.map(({ name, value }) => [name, value]).sort());
  };
  const before = await cleanup();
  await admin.incrementalAlterConfigs({
    resources: [{ ...resource, configs: [{ name: 'retention.ms', configOperation: 0, value: '86400000' }] }],
  });
  report('configs', { before, after: await cleanup() });
  const [{ results }] = await admin.describeLogDirs({ topics: [{ name: TOPIC, partitions: every }] });
  const sizes = results.flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions.map(({ partitionSize }) => partitionSize > 0n)));
  report('log-dirs', { directories: results.length, filled: sizes });
}

// Offsets of the group and the start of the log, moved by an administrator.
async function move(admin) {
  const topic = { name: TOPIC, partitionOffsets: [{ partition: 1, offset: 7n }] };
  await admin.alterConsumerGroupOffsets({ groupId: GROUP, topics: [topic] });
  const moved = Number((await committed(admin)).get(1));
  await admin.deleteConsumerGroupOffsets({ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [2] }] });
  report('offsets', { moved, left: [...(await committed(admin)).keys()].sort() });
  const [{ partitions }] = await admin.deleteRecords({ topics: [{ name: TOPIC, partitions: [{ partition: 0, offset: 10n }] }] });
  report('delete-records', { low: Number(partitions[0].lowWatermark) });
  await admin.createPartitions({ topics: [{ name: TOPIC, count: PARTITIONS + 2 }] });
  const { topics } = await admin.metadata({ topics: [TOPIC], forceUpdate: true });
  report('create-partitions', { partitions: topics.get(TOPIC).partitionsCount });
}

async function firstPart(admin) {
  const [{ partitions, replicas }] = await admin.createTopics({ topics: [TOPIC], partitions: PARTITIONS, replicas: 1 });
  report('create', { partitions, replicas });

  const share = COUNT / CODECS.length;
  let startMs;
  let batches = 0;
  for (const [at, codec] of CODECS.entries()) {
    if (at === 3) {
      await pause(50);
      startMs = Date.now();
    }
    batches += (await produce(at * share, share, codec, at % 2 === 1)).length;
  }
  report('produce', { records: COUNT, codecs: CODECS, batches });

  const ordered = [];
  const alone = await member(`${GROUP}-order`, ordered);
  await until('every record', () => ordered.length >= COUNT);
  await alone.leave();
  if (ordered.length !== COUNT) throw new Error(`read ${ordered.length} records, some of them again`);
  report('order', { records: ordered.length, in_order: inOrder(ordered) });
  await shareTheTopic(admin);
  return { startMs, share };
}

async function main() {
  let admin = new Admin(base);
  const { startMs, share } = await firstPart(admin);
  await admin.close();

  await restart();

  const fresh = [];
  const again = await member(GROUP, fresh);
  await pause(8_000);
  report('continue', { again: fresh.length });
  await produce(COUNT, 100, CODECS.at(-1));
  await until('what is new', () => fresh.length >= 100);
  report('new', { records: areNext(fresh, COUNT, 100) });
  await again.commit();
  admin = new Admin(base);
  const { state, protocol, members } = (await admin.describeGroups({ groups: [GROUP] })).get(GROUP);
  report('describe', { state, protocol, members: members.size });
  await again.leave();
  await seekByTime(admin, startMs, (CODECS.length - 3) * share + 100, 3 * share);
  await describe(admin);
  await move(admin);

  const hasTopic = async () => (await admin.listTopics()).includes(TOPIC);
  const groups = await admin.listGroups();
  report('list', { topic: await hasTopic(), group: groups.has(GROUP), state: groups.get(GROUP)?.state, type: groups.get(GROUP)?.groupType });
  await admin.deleteGroups({ groups: [GROUP] });
  await admin.deleteTopics({ topics: [TOPIC] });
  await until('the topic to go', async () => !(await hasTopic()), 20);
  report('delete', { topic: await hasTopic(), group: (await admin.listGroups()).has(GROUP) });
  await admin.close();
}

run(main);
