import { afterAll, beforeAll, expect, test } from "vitest";
import { FAULTS, strikeUnderLoad } from "./harness/fault-scenarios.ts";
import { VxlanWorld } from "./harness/vxlan-world.ts";

/** Each fault once, under load; `node bench/net/faults.ts` measures them many times. There is no broker, throughout. */
let vxlan: VxlanWorld;
let turn = 0;

beforeAll(async () => {
  vxlan = await VxlanWorld.build({ clusters: ["a", "b"], nodesPerCluster: 3 });
  await vxlan.startBackend();
});
afterAll(() => vxlan?.[Symbol.asyncDispose]());

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
