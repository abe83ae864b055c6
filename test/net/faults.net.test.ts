import { afterAll, beforeAll, expect, test } from "vitest";
import { FAULTS, strikeUnderLoad, WATCH_MS } from "./harness/fault-scenarios.ts";
import { VxlanWorld } from "./harness/vxlan-world.ts";

/** Each fault once, under load; `node bench/net/faults.ts` measures them many times. There is no broker, throughout. */
let vxlan: VxlanWorld;

beforeAll(async () => {
  vxlan = await VxlanWorld.build({ clusters: ["a", "b"], nodesPerCluster: 3 });
  await vxlan.startBackend();
});
afterAll(() => vxlan?.[Symbol.asyncDispose]());

test.each(Object.entries(FAULTS))(
  "%s: every flow goes on, no connection is lost",
  async (_, fault) => {
    const scenario = fault(vxlan);
    try {
      const { tcp, udp, opens } = await strikeUnderLoad(vxlan, scenario);
      expect({ lost: tcp.lost, connections: tcp.connections }).toEqual({
        lost: 0,
        connections: 12,
      });
      // Whoever is still without an answer has a gap as long as the watch.
      for (const { longestGapMs } of [tcp, udp, opens])
        expect(longestGapMs).toBeLessThan(WATCH_MS - 500);
    } finally {
      await scenario.mend();
    }
  },
);
