import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NETWORK_SCENARIOS } from "./network-scenarios.ts";
import { recordScenario } from "./record-scenario.ts";
import { RECORDINGS } from "./recording.ts";
import { SCENARIOS } from "./scenarios.ts";

// `node test/golden/broker/record.ts VERSION` records what broker and member of today say to each other as a new version.

const [version = ""] = process.argv.slice(2);
const folder = join(RECORDINGS, version);
if (!/^v[0-9][a-z0-9-]*$/.test(version)) {
  throw new Error(`version must be v, a number and what tells it from others: got "${version}"`);
}
// What has been released is what members in the field say: it is never recorded again.
if (existsSync(folder)) throw new Error(`version must be new: ${folder} exists`);
const recordings = await Promise.all(
  [...SCENARIOS, ...NETWORK_SCENARIOS].map(
    async (scenario) => [scenario.name, await recordScenario(scenario)] as const,
  ),
);
mkdirSync(folder);
for (const [name, lines] of recordings) {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  writeFileSync(join(folder, `${name}.jsonl`), text, { flag: "wx" });
}
