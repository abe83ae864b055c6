import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NetService } from "./harness/net-service.ts";
import { NetWorld } from "./harness/net-world.ts";

/** Two clusters with an underlay between them and gateways besides; which of the two ways is used is pinned in a file. */
const directory = mkdtempSync(join(tmpdir(), "isthmus-switch-"));
const config = join(directory, "controllers.yaml");
let world: NetWorld;
let service: NetService;

beforeAll(async () => {
  pin("underlay");
  world = await NetWorld.start(
    { clusters: ["a", "b"], underlay: [["a", "b"]] },
    { backends: ["underlay", "vxlan"], controllersArgs: ["--config", config] },
  );
  service = new NetService(world, "shop");
  await service.deploy(["b"]);
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function pin(backend: string): void {
  writeFileSync(`${config}.new`, `pin: ["a=${backend}", "b=${backend}"]\n`);
  renameSync(`${config}.new`, config);
}

/** Until clients of `a` are offered addresses of this kind, all of them. */
async function offered(kind: RegExp): Promise<void> {
  await world.until(`addresses like ${kind}`, async () => {
    const backends = await service.backends("a");
    const isAll = backends.length === 2 && backends.every(({ address }) => kind.test(address));
    return isAll ? true : undefined;
  });
}

test("a switch from underlay to vxlan and back under load loses no open connection, and new ones go on", async () => {
  const [client] = world.cluster("a").clients;
  await offered(/^10\.2\./);
  const host = await service.clustersetIp("a");
  // The nodes' service rules follow the slices.
  await world.until("an answer", async () => {
    const answer = await client?.ask({ kind: "http", host, port: 80, path: "/" });
    return answer?.kind === "http" ? true : undefined;
  });
  const options = { host, port: 80, connections: 8, flows: 0, opens: true, everyMs: 20 };
  expect(await client?.ask({ kind: "load", options })).toEqual({ kind: "done" });
  pin("vxlan");
  await offered(/^242\./);
  pin("underlay");
  await offered(/^10\.2\./);
  const answer = await client?.ask({ kind: "end-load" });
  if (answer?.kind !== "load") throw new Error(JSON.stringify(answer));
  const { tcp, opens, silent } = answer.report;
  process.stdout.write(
    `switched twice: ${opens.failed} of ${opens.attempts} new connections refused, longest gaps ${tcp.longestGapMs.toFixed(0)} ms on open ones, ${opens.longestGapMs.toFixed(0)} ms between new ones\n`,
  );
  // Also those that a node's rules send to the way that was just left, or that gateways have not heard of yet.
  const lost = { open: tcp.lost, new: opens.failed, silent };
  expect({ connections: tcp.connections, lost }).toEqual({
    connections: 8,
    lost: { open: 0, new: 0, silent: 0 },
  });
});
