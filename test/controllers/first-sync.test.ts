import { expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { MemberWorld } from "./member-world.ts";

const SERVICES = 60;

test("a change of what is there goes before services that wait for their first turn", async () => {
  await using world = new MemberWorld();
  const exporter = await world.member("a");
  for (let at = 0; at < SERVICES; at++) {
    const name = `svc-${at}`;
    await exporter.service({}, name);
    await exporter.slice(name, [`10.97.0.${at + 1}`], {
      metadata: { namespace: "shop", name, labels: { "kubernetes.io/service-name": name } },
    });
    await exporter.export({}, name);
  }
  await world.settle();
  const importer = await world.cluster("b", { slow: { createMs: 100 } });
  importer.start();
  const imports = async (): Promise<number> => (await importer.list(serviceImports())).length;
  const firstAddress = async (): Promise<string | undefined> =>
    (await importer.slices("svc-0"))[0]?.endpoints?.[0]?.addresses[0];
  while ((await firstAddress()) === undefined) await world.clock.advance(10);
  await exporter.patch(ENDPOINT_SLICES, "svc-0", {
    endpoints: [{ addresses: ["10.97.1.1"], conditions: { ready: true } }],
  });
  while ((await firstAddress()) !== "10.97.1.1") await world.clock.advance(10);
  expect(await imports()).toBeLessThan(SERVICES / 2);
  await world.expectNoChurn();
  expect(await imports()).toBe(SERVICES);
});
