import { afterAll, beforeAll, expect, test } from "vitest";
import { FAULTS, strikeUnderLoad } from "./harness/fault-scenarios.ts";
import { HTTP } from "./harness/net-service.ts";
import { httpFrom, SILENCE_MS } from "./harness/talk.ts";
import { VxlanWorld } from "./harness/vxlan-world.ts";

/** Each fault once, under load; `node bench/net/faults.ts` measures them many times. There is no broker, throughout. */
let vxlan: VxlanWorld;
let turn = 0;

beforeAll(async () => {
  vxlan = await VxlanWorld.build({ clusters: ["a", "b"], nodesPerCluster: 3 });
  await vxlan.startBackend();
});
afterAll(() => vxlan?.[Symbol.asyncDispose]());

// First of all: its client is on a node that others reboot.
test("pods on a gateway that has lost the other cluster go by way of the other gateway, and directly again when it is back", async () => {
  const { clusterset } = vxlan.world;
  // Struck last, so that the first fault below strikes the one that has all flows.
  const node = vxlan.gatewayNodes("a").at(-1);
  const { plan, clients } = vxlan.world.cluster("a");
  const client = clients[plan.nodes.findIndex(({ name }) => name === node?.name)];
  const host = vxlan.server(vxlan.world.cluster("b").plan.nodes.at(-1)).globalAddresses[0] ?? "";
  const who = async (): Promise<string> => (await httpFrom(client, host, HTTP, SILENCE_MS)).cluster;
  const isAnswered = async (): Promise<true | undefined> =>
    (await who()) === "b" ? true : undefined;
  if (node === undefined) throw new Error("no gateway");
  await vxlan.allWell();
  expect(await who()).toBe("b");
  await clusterset.faults.lose([{ from: node, to: [vxlan.world.cluster("b").plan] }]);
  try {
    await vxlan.world.until("an answer over the other gateway", isAnswered);
  } finally {
    await clusterset.faults.lose([]);
  }
  await vxlan.allWell();
  await vxlan.world.until("an answer directly", isAnswered);
});

test.each(Object.entries(FAULTS))(
  "%s: every flow goes on, no connection is lost",
  async (_, fault) => {
    const scenario = fault(vxlan, turn++);
    try {
      const { tcp, udp, opens, silent } = await strikeUnderLoad(vxlan, scenario);
      const gaps = [tcp, udp, opens].map(({ longestGapMs }) => longestGapMs.toFixed(0));
      process.stdout.write(`longest gaps, open, UDP, new: ${gaps.join(", ")} ms\n`);
      expect({
        lost: tcp.lost,
        connections: tcp.connections,
        failed: opens.failed,
        silent,
      }).toEqual({ lost: 0, connections: 12, failed: 0, silent: 0 });
    } finally {
      await scenario.mend();
    }
  },
);
