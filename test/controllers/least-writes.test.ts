import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { MemberWorld } from "./member-world.ts";
import type { TestCluster } from "./test-cluster.ts";

let world: MemberWorld;

beforeEach(() => {
  world = new MemberWorld();
});

afterEach(async () => {
  await world.expectNoChurn();
  await world[Symbol.asyncDispose]();
});

/** What `change` makes the cluster's controllers write, as `verb resource`, sorted: what is known first comes first. */
async function writesOf(cluster: TestCluster, change: () => Promise<void>): Promise<string[]> {
  await world.settle();
  cluster.clearWrites();
  await change();
  await world.settle();
  const writes = cluster.writes.map(({ verb, path }) => {
    const [, resource = path, subresource = ""] =
      /namespaces\/[^/]+\/([^/?]+)(?:\/[^/?]+(\/status)?)?/.exec(path) ?? [];
    return `${verb} ${resource}${subresource}`;
  });
  return writes.toSorted();
}

describe.each([0, 40])(
  "with watch events %d ms late, a change costs the least writes (SCL-01, SCL-04)",
  (watchLagMs) => {
    test("a service comes, changes, gets another exporter, loses it, and goes", async () => {
      const a = await world.member("a");
      const b = await world.member("b");
      const importer = await world.member("c", { slow: { watchLagMs } });
      const writes = (change: () => Promise<void>): Promise<string[]> => writesOf(importer, change);
      expect(await writes(() => a.exported())).toEqual([
        "create endpointslices",
        "create serviceimports",
        "create services",
        "patch serviceimports",
        "patch serviceimports/status",
      ]);
      const ready = { conditions: { ready: false } };
      expect(
        await writes(() =>
          a.patch(ENDPOINT_SLICES, "web-1", {
            endpoints: [{ addresses: ["10.97.0.1"], ...ready }],
          }),
        ),
      ).toEqual(["patch endpointslices"]);
      expect(await writes(() => b.exported())).toEqual([
        "create endpointslices",
        "patch serviceimports/status",
      ]);
      expect(await writes(() => b.unexport())).toEqual([
        "delete endpointslices",
        "patch serviceimports/status",
      ]);
      expect(await writes(() => a.unexport())).toEqual([
        "delete endpointslices",
        "delete serviceimports",
        "delete services",
      ]);
    });

    test("an export's own member tells its conditions once for each that changes", async () => {
      const a = await world.member("a", { slow: { watchLagMs } });
      const writes = await writesOf(a, () => a.exported());
      expect(new Set(writes.filter((write) => write.startsWith("create"))).size).toBe(3);
      expect(writes.filter((write) => write.startsWith("create"))).toHaveLength(3);
      expect(writes.filter((write) => write === "patch serviceimports")).toHaveLength(1);
      expect(writes.filter((write) => write === "patch serviceimports/status")).toHaveLength(1);
      expect(a.log.messages).toEqual([]);
    });
  },
);
