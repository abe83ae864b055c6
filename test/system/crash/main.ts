import { argv, stdout } from "node:process";
import { parseArgs } from "node:util";
import { crashRun } from "./crash-run.ts";
import type { StoreKind } from "./crash-world.ts";

// npm run crash -- [--minutes N] [--store file|kubernetes|etcd] [--seed N]: as broker-crash.test.ts, for longer.
const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    minutes: { type: "string", default: "2" },
    store: { type: "string", multiple: true, default: ["file", "kubernetes", "etcd"] },
    seed: { type: "string", default: "1" },
  },
});
let isGood = true;
for (const kind of values.store) {
  const say = (text: string): void => void stdout.write(`${kind}: ${text}\n`);
  const durationMs = 60_000 * Number(values.minutes);
  const options = { durationMs, seed: Number(values.seed), say };
  const { problems, ...counts } = await crashRun(kind as StoreKind, options);
  say(JSON.stringify(counts));
  for (const problem of problems) say(`PROBLEM ${problem}`);
  isGood &&= problems.length === 0;
}
process.exitCode = isGood ? 0 : 1;
