import { argv, stdout } from "node:process";
import { parseClusterId } from "../../api/cluster-id.ts";
import { openFileStore } from "../../broker/store/file/open-file-store.ts";
import { parseRowKey } from "../../broker/wire/parse-row-key.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";

/** For the crash test: writes rows until it is killed and prints the number of each one that was acknowledged. */
async function writeUntilKilled(path: string, first: number): Promise<void> {
  const deps = { clock: systemClock, random: systemRandom, log: silentLogger, meter: silentMeter };
  const opened = await openFileStore({ path, compactBytes: 4096 }, deps);
  if (!opened.ok) throw new Error(opened.error.text);
  const cluster = parseClusterId("a");
  if (!cluster.ok) throw new Error(cluster.error);
  for (let at = first; ; at += 3) {
    const written = [at, at + 1, at + 2].map(async (sequence) => {
      const key = parseRowKey(`export/shop/s${sequence}`);
      if (!key.ok) throw new Error(key.error);
      const bytes = Buffer.alloc(200, sequence);
      const stored = await opened.value.append([
        { kind: "row", cluster: cluster.value, incarnation: 1, sequence, key: key.value, bytes },
      ]);
      if (!stored.ok) throw new Error(stored.error.text);
      stdout.write(`${sequence}\n`);
    });
    await Promise.all(written);
  }
}

const [, , path, first] = argv;
if (path === undefined || first === undefined) throw new Error("usage: crash-writer PATH FIRST");
await writeUntilKilled(path, Number(first));
