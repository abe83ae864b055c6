import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import {
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { LABEL_AUTO_EXPORT, LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { autoExportBinding } from "../../install/controllers-process.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { resourceOf } from "../../runtime/kube/policy/apply-manifests.ts";
import { SHIPPED_NAMES } from "../../runtime/kube/policy/render-cluster-policy.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { addressesIn, askDns } from "../../sandbox/clusterset/ask-dns.ts";
import { callsIn, granted, unlawful, unused } from "../permissions/calls.ts";
import { writeAccess } from "./harness/cluster-access.ts";
import { E2eClusterset, runsOnEmbedded } from "./harness/e2e-clusterset.ts";
import { ServiceFixture } from "./harness/service-fixture.ts";

const NO_RBAC = runsOnEmbedded() ? " (not run: the embedded API server knows no RBAC)" : "";

let set: E2eClusterset;
beforeAll(async () => {
  set = await E2eClusterset.start(2, {
    controllersArgs: ["--leader-elect", "--stale-after", "5s", "--auto-export"],
  });
  if (set.isEmbedded) return;
  const binding = autoExportBinding(SHIPPED_NAMES.namespace);
  await set.cluster(0).create(resourceOf(binding), binding);
});
afterAll(async () => {
  if (set !== undefined && !set.isEmbedded) {
    const binding = autoExportBinding(SHIPPED_NAMES.namespace);
    await set.cluster(0).remove(resourceOf(binding), undefined, binding.metadata.name);
  }
  await set?.stop();
});

/** What a process has asked for since its start. */
async function used(healthPort: number): Promise<ReadonlySet<string>> {
  const response = await fetch(`http://127.0.0.1:${healthPort}/metrics`);
  return callsIn(await response.text());
}

describe("what each process does is what its role grants (SEC-08)", () => {
  test("controllers and DNS, at their whole job", async () => {
    const [a, b] = [set.cluster(0), set.cluster(1)];
    const web = new ServiceFixture(await set.namespace(), "web", set.signal);
    const follow = (what: string, want: number): Promise<unknown> =>
      set.eventually(
        what,
        () => b.backends(web.namespace, web.name),
        (is) => is.length === want,
      );
    await web.deploy(a, ["10.1.240.1"]);
    await web.export(a);
    await follow("an endpoint", 1);
    await web.setAddresses(a, ["10.1.240.1", "10.1.240.2"]);
    await follow("another one", 2);
    await a.kube.mergePatch(
      { resource: SERVICES, namespace: web.namespace, name: web.name },
      { spec: { ports: [{ name: "http", port: 81, targetPort: 8080 }] } },
      { signal: set.signal },
    );
    await set.eventually(
      "the port to follow",
      () => b.import(web.namespace, web.name),
      (is) => is?.spec.ports[0]?.port === 81,
    );
    await web.deploy(b, ["10.2.240.1"], { ports: [{ name: "http", port: 82, targetPort: 8080 }] });
    await web.export(b);
    // Of its endpoints none is visible: another number for the same port. The conflict is worth an Event (EXP-25).
    await set.eventually(
      "a second exporter, in conflict",
      async () => (await a.export(web.namespace, web.name))?.status?.conditions,
      (is) => is?.some(({ type, status }) => type === "Conflict" && status === "True") === true,
    );
    await set.eventually(
      "the name to resolve",
      () => askDns({ port: b.processes.dnsPort, name: web.dnsName, type: "A" }, systemClock),
      (is) => addressesIn(is).length === 1,
    );
    await web.unexport(a);
    await web.unexport(b);
    await set.eventually(
      "the import to go",
      () => b.import(web.namespace, web.name),
      (is) => is === undefined,
    );
    const auto = new ServiceFixture(web.namespace, "auto", set.signal);
    await auto.deploy(a, ["10.1.240.3"]);
    const marked = (value: string | null): Promise<unknown> =>
      a.kube.mergePatch(
        { resource: SERVICES, namespace: auto.namespace, name: auto.name },
        { metadata: { labels: { [LABEL_AUTO_EXPORT]: value } } },
        { signal: set.signal },
      );
    for (const [value, isExported] of [
      ["true", true],
      [null, false],
    ] as const) {
      await marked(value);
      await set.eventually(
        "a Service to be exported by its label, and no longer without",
        () => a.export(auto.namespace, auto.name),
        (is) => (is !== undefined) === isExported,
      );
    }
    // Leases of the other member are kept from the first word of the broker on.
    const controllers = ["30-controllers-role.yaml", "isthmus:controllers"] as const;
    const did = await set.eventually(
      "controllers to have used all they were granted",
      async () => {
        const both = await Promise.all(
          [a, b].map(({ processes }) => used(processes.controllersHealthPort)),
        );
        return both.flatMap((one) => [...one]);
      },
      (is) => unused(...controllers, is).length === 0,
    );
    const autoExport = ["34-auto-export-role.yaml", "isthmus:auto-export"] as const;
    expect(unused(...autoExport, did)).toEqual([]);
    const byLabels = granted(...autoExport);
    expect(
      unlawful(
        ...controllers,
        did.filter((call) => !byLabels.has(call)),
      ),
    ).toEqual([]);
    const dns = ["31-dns-role.yaml", "isthmus:dns"] as const;
    const read = await used(b.processes.dnsHealthPort);
    expect(unused(...dns, read)).toEqual([]);
    expect(unlawful(...dns, read)).toEqual([]);
  });
});

describe.skipIf(runsOnEmbedded())(`an admin of one namespace${NO_RBAC}`, () => {
  let namespace: string;
  let tenant: KubeClient;
  beforeAll(async () => {
    const cluster = set.cluster(0);
    namespace = await set.namespace();
    // Kubernetes' own role, and one that holds everything, as many a tenant has.
    const manifests = `
apiVersion: v1
kind: ServiceAccount
metadata: { namespace: ${namespace}, name: tenant }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { namespace: ${namespace}, name: tenant }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin }
subjects: [{ kind: ServiceAccount, namespace: ${namespace}, name: tenant }]
---
apiVersion: v1
kind: ServiceAccount
metadata: { namespace: ${namespace}, name: owner }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { namespace: ${namespace}, name: owner }
rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { namespace: ${namespace}, name: owner }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: owner }
subjects: [{ kind: ServiceAccount, namespace: ${namespace}, name: owner }]
`;
    for (const text of manifests.split("---\n")) {
      const object = parse(text) as KubeObject;
      await cluster.create(resourceOf(object), object);
    }
    tenant = await clientOf("tenant");
  });

  async function clientOf(name: string): Promise<KubeClient> {
    const member = set.members[0];
    if (member === undefined) throw new Error("no member");
    const admin = new KubeConfig();
    admin.loadFromFile(member.kubeconfig);
    admin.setCurrentContext(member.context);
    const choice = { kubeconfig: join(set.directory, `${name}.yaml`), context: name };
    await writeAccess(admin, choice, namespace, name);
    const kube = connectKube(choice, process.env, silentMeter);
    if (!kube.ok) throw new Error(kube.error);
    return kube.value.client;
  }

  const imported = (name: string): KubeObject & { readonly spec: object } => ({
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceImport",
    metadata: { namespace, name },
    spec: { type: "Headless", ports: [] },
  });
  const forged = (): KubeObject & Record<string, unknown> => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name: "forged", labels: { [LABEL_SERVICE_NAME]: "victim" } },
    addressType: "IPv4",
    ports: [],
    endpoints: [{ addresses: ["10.1.241.66"] }],
  });

  test("exports, and sees both kinds (SEC-01)", async () => {
    const call = { signal: set.signal };
    const { group, version, kind } = serviceExports();
    const object = {
      apiVersion: `${group}/${version}`,
      kind,
      metadata: { namespace, name: "web" },
    };
    await set.eventually(
      "Kubernetes to have added our rules to its roles",
      () => tenant.create(serviceExports(), object, call),
      (is) => is.ok,
    );
    for (const resource of [serviceExports(), serviceImports()]) {
      expect(await tenant.list(resource, { namespace }, call)).toMatchObject({ ok: true });
    }
    const ref = { resource: serviceExports(), namespace, name: "web" };
    expect(await tenant.delete(ref, {}, call)).toMatchObject({ ok: true });
  });

  test.each(["tenant", "owner"])(
    "writes no import, changes none and forges no slice: %s (SEC-02, SEC-03)",
    async (name) => {
      const call = { signal: set.signal };
      const client = await clientOf(name);
      const refused = { ok: false, error: { kind: "forbidden" } };
      expect(await client.create(serviceImports(), imported("mine"), call)).toMatchObject(refused);

      const web = new ServiceFixture(namespace, `web-${name}`, set.signal);
      await web.deploy(set.cluster(0), ["10.1.241.1"]);
      await web.export(set.cluster(0));
      await set.eventually(
        "a slice",
        () => set.cluster(0).backends(namespace, web.name),
        (is) => is.length === 1,
      );
      const target = { resource: serviceImports(), namespace, name: web.name };
      for (const subresource of [undefined, "status"] as const) {
        const status = { clusters: [{ cluster: "forged" }] };
        const patch = subresource === undefined ? { spec: { ports: [] } } : { status };
        const options = subresource === undefined ? call : { ...call, subresource };
        expect(await client.mergePatch(target, patch, options)).toMatchObject(refused);
      }
      expect(await client.delete(target, {}, call)).toMatchObject(refused);

      const [slice] = await set.cluster(0).slices(namespace, web.name);
      const ours = { resource: ENDPOINT_SLICES, namespace, name: slice?.metadata.name ?? "" };
      const redirect = { endpoints: [{ addresses: ["10.1.241.66"] }] };
      expect(await client.mergePatch(ours, redirect, call)).toMatchObject(refused);
      expect(await client.mergePatch(ours, { metadata: { labels: null } }, call)).toMatchObject(
        refused,
      );
      expect(await client.delete(ours, {}, call)).toMatchObject(refused);
      expect(await client.create(ENDPOINT_SLICES, forged(), call)).toMatchObject(refused);
      // Kubernetes copies a Service's labels to the slices that it makes for it.
      const service: Service = {
        ...web.service(),
        metadata: { namespace, name: "forger", labels: { [LABEL_SERVICE_NAME]: web.name } },
      };
      expect(await client.create(SERVICES, service, call)).toMatchObject(refused);
    },
  );

  test("an ordinary slice is everybody's business, as ever", async () => {
    const owner = await clientOf("owner");
    const { labels: _, ...metadata } = forged().metadata;
    const created = await owner.create(
      ENDPOINT_SLICES,
      { ...forged(), metadata },
      { signal: set.signal },
    );
    expect(created).toMatchObject({ ok: true });
  });
});

describe.skipIf(runsOnEmbedded())(`the properties of a member${NO_RBAC}`, () => {
  test.each([CLUSTERSET_PROPERTY, CLUSTER_ID_PROPERTY])(
    "%s does not change, whoever asks (CID-03, CID-06)",
    async (name) => {
      const cluster = set.cluster(0);
      const target = { resource: clusterProperties(), name };
      const before = await cluster.kube.get<ClusterProperty>(target, { signal: set.signal });
      const changed = await cluster.kube.mergePatch(
        target,
        { spec: { value: "other" } },
        { signal: set.signal },
      );
      expect(changed).toMatchObject({
        ok: false,
        error: { kind: "forbidden", message: expect.stringContaining("must not change") },
      });
      expect(await cluster.kube.get(target, { signal: set.signal })).toEqual(before);
    },
  );
});
