// What the programs on Node share: how they report, wait, and judge what they have seen. See README.md.
import { createInterface } from 'node:readline';

export const report = (step, values) => console.log('CHECK', step, JSON.stringify(values));
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(what, holds, seconds = 90) {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause(50);
  }
}

// Has the node killed and started again.
export async function restart() {
  console.log('RESTART');
  await new Promise((done) => createInterface({ input: process.stdin }).once('line', done));
}

// Whether the numbers of every key and the offsets of every partition rise.
export function inOrder(seen) {
  const [last, at] = [new Map(), new Map()];
  return seen.every(([key, number, partition, offset]) => {
    const rises = number > (last.get(key) ?? -1) && offset > (at.get(partition) ?? -1);
    last.set(key, number);
    at.set(partition, offset);
    return rises;
  });
}

export const distinct = (seen) => new Set(seen.map(([, number]) => number)).size;

// The numbers from `first` to before `first + count`, in messages of 500.
export function* portions(first, count) {
  for (let at = first; at < first + count; at += 500) {
    yield Array.from({ length: Math.min(500, first + count - at) }, (_, index) => at + index);
  }
}

// Whether exactly the numbers from `first` to before `first + count` were seen.
export function areNext(seen, first, count) {
  const numbers = seen.map(([, number]) => number).sort((a, b) => a - b);
  return numbers.length === count && numbers.every((number, at) => number === first + at);
}

// Runs a program; what it throws is its failure, and nothing that still runs holds it up.
export const run = (main) =>
  main().then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
