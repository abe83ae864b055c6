import { afterAll, beforeAll, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { E2eClusterset } from "./harness/e2e-clusterset.ts";
import { ServiceFixture } from "./harness/service-fixture.ts";

let set: E2eClusterset;
beforeAll(async () => {
  set = await E2eClusterset.start(2);
});
afterAll(async () => {
  await set?.stop();
});

test("every member follows exports, endpoints and ports as they come and go", async () => {
  const web = new ServiceFixture(await set.namespace(), "web", set.signal);
  const [a, b] = [set.cluster(0), set.cluster(1)];
  await web.deploy(a, ["10.1.210.1"]);
  await web.export(a);
  const follow = (what: string, want: string): Promise<unknown> =>
    set.eventually(
      what,
      () => b.backends(web.namespace, web.name),
      (is) => is.join() === want,
    );
  await follow("the first endpoint", `${a.id} 10.1.210.1`);

  await web.setAddresses(a, ["10.1.210.1", "10.1.210.2", "10.1.210.3"]);
  await follow("two more", [1, 2, 3].map((n) => `${a.id} 10.1.210.${n}`).join());
  await web.setAddresses(a, ["10.1.210.3"]);
  await follow("two gone", `${a.id} 10.1.210.3`);
  await a.create(ENDPOINT_SLICES, web.slice(["10.1.210.9"], "web-second"));
  await follow("a second slice", `${a.id} 10.1.210.3,${a.id} 10.1.210.9`);
  await a.remove(ENDPOINT_SLICES, web.namespace, "web-second");
  await follow("and its end", `${a.id} 10.1.210.3`);

  const ip = (await b.import(web.namespace, web.name))?.spec.ips;
  await a.kube.mergePatch(
    { resource: SERVICES, namespace: web.namespace, name: web.name },
    {
      spec: {
        ports: [
          { name: "http", port: 8000, targetPort: 8080 },
          { name: "extra", port: 90, targetPort: 9090 },
        ],
      },
    },
    { signal: set.signal },
  );
  const edited = await set.eventually(
    "the ports to follow",
    () => b.import(web.namespace, web.name),
    (found) => found?.spec.ports.map(({ port }) => port).join() === "8000,90",
  );
  // I5: editing ports keeps the address.
  expect(edited?.spec.ips).toEqual(ip);

  await web.unexport(a);
  await set.eventually(
    "the import to go",
    () => b.import(web.namespace, web.name),
    (found) => found === undefined,
  );
  await web.export(a);
  await follow("the export again", `${a.id} 10.1.210.3`);

  await a.remove(SERVICES, web.namespace, web.name);
  await set.eventually(
    "the import to go with the Service (EXP-07)",
    () => b.import(web.namespace, web.name),
    (found) => found === undefined,
  );
});

test("unexport in one cluster and export in the other at once never loses the import (section 17, 1)", async () => {
  const web = new ServiceFixture(await set.namespace(), "web", set.signal);
  const [a, b] = [set.cluster(0), set.cluster(1)];
  await web.deploy(a, ["10.1.211.1"]);
  await web.deploy(b, ["10.2.211.1"]);
  await web.export(a);
  for (let round = 0; round < 4; round++) {
    const [from, to, address] =
      round % 2 === 0 ? ([a, b, "10.2.211.1"] as const) : ([b, a, "10.1.211.1"] as const);
    await Promise.all([web.unexport(from), web.export(to)]);
    for (const cluster of [a, b]) {
      await set.eventually(
        `round ${round}: ${cluster.id} to hold ${to.id} only`,
        () => cluster.backends(web.namespace, web.name),
        (is) => is.join() === `${to.id} ${address}`,
      );
    }
  }
});

test("a namespace deleted and made anew in an importer is filled again (section 17, 2)", async () => {
  const [a, b] = [set.cluster(0), set.cluster(1)];
  const web = new ServiceFixture(await set.namespace(), "web", set.signal);
  await web.deploy(a, ["10.1.212.1"]);
  await web.export(a);
  const arrives = (): Promise<unknown> =>
    set.eventually(
      "the endpoints",
      () => b.backends(web.namespace, web.name),
      (is) => is.length === 1,
    );
  await arrives();
  await b.remove(
    { group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false },
    undefined,
    web.namespace,
  );
  await set.eventually(
    "the namespace to be gone",
    async () => {
      const created = await b.kube.create(
        { group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false },
        { apiVersion: "v1", kind: "Namespace", metadata: { name: web.namespace } },
        { signal: set.signal },
      );
      return created.ok;
    },
    (made) => made,
    60_000,
  );
  await arrives();
});
