import { parseArgs } from "node:util";
import { Draw } from "../../runtime/random/draw.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { compareResponders, QUESTIONS_PER_ZONE } from "./compare-responders.ts";
import { checkFrames, checkPacket, mutate, readCorpus } from "./fuzz-packets.ts";

// `npm run fuzz:dns -- --minutes 10 [--packets 50]`: the DNS server against the naive one, its parser and its framing against mutated packets,
// with new seeds each time. Stops at the first failure and says how to repeat it; exits with 1 then.

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    // Mutated per zone: fewer leave more time for zones and questions.
    packets: { type: "string", default: "500" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const packetsPerZone = Number(values.packets);
const endMs = performance.now() + Number(values.minutes) * 60_000;
const corpus = [...readCorpus().values()];
const heapBefore = process.memoryUsage().heapUsed;
let zones = 0;
let packets = 0;
let problem: string | undefined;
let slowestMs = 0;

for (let seed = Number(values.seed); problem === undefined && performance.now() < endMs; seed++) {
  problem = compareResponders(seed);
  zones++;
  const draw = new Draw(seededRandom(seed));
  for (let count = 0; count < packetsPerZone && problem === undefined; count++, packets++) {
    const packet = mutate(corpus[draw.below(corpus.length)] ?? Buffer.alloc(0), corpus, draw);
    const startMs = performance.now();
    const broken = problemOf(() => checkPacket(packet) ?? checkFrames(packet, draw));
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    if (broken !== undefined) problem = `seed ${seed}: ${broken}: packet ${packet.toString("hex")}`;
  }
}

const heapMiB = (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20;
process.stdout.write(
  `${zones} zones, ${zones * QUESTIONS_PER_ZONE} questions, ${packets} packets; ` +
    `slowest packet ${slowestMs.toFixed(1)} ms, heap ${heapMiB > 0 ? "+" : ""}${heapMiB.toFixed(0)} MiB\n`,
);
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}

function problemOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    return String(error);
  }
}
