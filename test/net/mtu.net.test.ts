import { describe, expect, onTestFinished, test } from "vitest";
import type { PodAnswer } from "../../sandbox/network/netns/pod/pod-message.ts";
import { HTTP } from "./harness/net-service.ts";
import { VxlanWorld } from "./harness/vxlan-world.ts";

const BYTES = 4_000_000;

async function transfers(
  vxlan: VxlanWorld,
  from: string,
  to: string,
  timeoutMs = 30_000,
): Promise<readonly PodAnswer[]> {
  const server = vxlan.server(vxlan.world.cluster(to).plan.nodes.at(-1));
  const client = vxlan.world.cluster(from).clients.at(-1);
  if (client === undefined) throw new Error(`no client in ${from}`);
  const answers = server.globalAddresses.map((host) =>
    client.ask({ kind: "tcp", host, port: HTTP, bytes: BYTES, timeoutMs }),
  );
  return Promise.all(answers);
}

const WHOLE = { kind: "tcp", bytes: BYTES, intact: true };

describe("large transfers between pods behind gateways, both ways at once", () => {
  test.each([1280, 1400, 1500, 9000])("links of %d bytes everywhere, pods' too", async (mtu) => {
    const vxlan = await VxlanWorld.build({ clusters: ["a", "b"], mtu, nodesPerCluster: 3 });
    onTestFinished(() => vxlan[Symbol.asyncDispose]());
    await vxlan.startBackend();
    expect(await transfers(vxlan, "a", "b")).toMatchObject([WHOLE]);
    expect(await transfers(vxlan, "b", "a")).toMatchObject([WHOLE]);
  });

  test("links of 1500 bytes, and less on the way between the clusters: once it is measured, nothing is stuck", async () => {
    const families = ["IPv4", "IPv6"] as const;
    const vxlan = await VxlanWorld.build({ clusters: ["a", "b"], families, nodesPerCluster: 3 });
    onTestFinished(() => vxlan[Symbol.asyncDispose]());
    await vxlan.startBackend();
    await vxlan.world.clusterset.faults.setMtu(vxlan.world.cluster("b").plan, 1400);
    for (const [from, to] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      await vxlan.world.until(
        `transfers from ${from} to ${to}`,
        async () => {
          const answers = await transfers(vxlan, from, to, 3_000);
          return answers.every((answer) => answer.kind === "tcp" && answer.intact)
            ? true
            : undefined;
        },
        90_000,
      );
    }
  });
});
