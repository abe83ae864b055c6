import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CONFIG_MAPS, type ConfigMap } from "../../api/kube/config-map.ts";
import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import { LEASES } from "../../api/kube/lease.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { apiVersionOf, type KubeObject, type Resource } from "../../api/kube/object.ts";
import { PODS } from "../../api/kube/pod.ts";
import { SECRETS, type Secret } from "../../api/kube/secret.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { PATH_REPORTS, SLICES } from "../../api/network/resources.ts";
import { must } from "../../api/result.ts";
import { recordObjects, SPACE_LABEL } from "../../broker/store/space/kubernetes/space-object.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import type { InstallRecord } from "../../cli/install/install-record.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { resourceOf } from "../../runtime/kube/policy/apply-manifests.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { builtinKinds } from "../../sandbox/apiserver/kinds/builtin-kinds.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { runCommand } from "./kubectl-command.ts";
import { type Outcome, runIsthmus } from "./run-isthmus.ts";
import { contentsOf } from "./server-contents.ts";
import { until } from "./until.ts";

// Against an API server on which nothing runs: what is stored, and what is gone afterwards.

const TOKEN = "isthmus-join.a.b.c.hub:8443";
const { signal } = new AbortController();

let server: TestApiServer;
let client: KubeClient;
beforeEach(async () => {
  server = await startApiServer();
  client = must(connectKube({ kubeconfig: server.kubeconfig }, {}, silentMeter)).client;
});
afterEach(() => server[Symbol.asyncDispose]());

async function isthmus(...argv: readonly string[]): Promise<Outcome> {
  return runIsthmus([...argv, "--kubeconfig", server.kubeconfig], signal);
}

const done = { code: 0, problems: [] };

/** Every object there is, but for definitions and Events. */
async function everything(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { group, plural, kind, namespaced, storageVersion: version } of builtinKinds()) {
    if (kind === "CustomResourceDefinition" || kind === "Event") continue;
    const resource: Resource = { group, version, plural, kind, namespaced };
    const page = must(await client.list<KubeObject>(resource, {}, { signal }));
    for (const { metadata } of page.items) {
      found.push(`${kind} ${metadata.namespace ?? ""}/${metadata.name}`);
    }
  }
  return found.toSorted();
}

const hubInstall = ["install", "hub", "--apply"];
const memberInstall = ["install", "member", "--cluster-id", "east", TOKEN];

test("hub and member go in, may be repeated, and leave nothing behind (but definitions, VER-07)", async () => {
  const before = await everything();
  // The namespace goes with the last of them, whoever made it.
  for (const argv of [[...memberInstall, "--apply"], hubInstall]) {
    expect(await isthmus(...argv)).toMatchObject(done);
    const once = await everything();
    expect(await isthmus(...argv)).toMatchObject(done);
    expect(await everything()).toEqual(once);
  }
  // It has never joined: there is nobody to tell.
  const member = await isthmus("uninstall", "member", "--local-only");
  expect(member).toMatchObject(done);
  expect(member.lines).toEqual(
    expect.arrayContaining([
      "removed Deployment isthmus-system/isthmus-controllers",
      "removed ValidatingAdmissionPolicy isthmus-service-imports",
      "left: ServiceExports that people wrote and custom resource definitions stay as they are",
    ]),
  );
  // The hub lives in the same namespace.
  expect(await everything()).toContain("Deployment isthmus-system/isthmus-broker");
  expect(await isthmus("uninstall", "hub")).toMatchObject(done);
  expect(await everything()).toEqual(before);
});

/** What processes leave that have run: none does here. */
async function leaveTraces(): Promise<void> {
  const labels = { [LABEL_MANAGED_BY]: MANAGED_BY };
  const lease = { namespace: "isthmus-system", name: "isthmus-controllers" };
  const spec = { renewedAt: "2026-01-01T00:00:00Z" };
  for (const [resource, metadata, fields] of [
    [LEASES, lease, {}],
    [PATH_REPORTS, { name: "proxy-1", labels }, { spec: { ...spec, role: "proxy" } }],
    [SLICES, { name: "team", labels }, { spec: { clusters: ["east"], namespaces: ["shop"] } }],
    [serviceExports(), { namespace: "default", name: "web", labels }, {}],
  ] as const) {
    const about = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata };
    must(await client.create(resource, { ...about, ...fields }, { signal }));
  }
}

test("a namespace that was there before stays, with what else is in it", async () => {
  const labels = { team: "net", "pod-security.kubernetes.io/enforce": "baseline" };
  await makeNamespace({ labels });
  const note = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace: "isthmus-system", name: "note" },
  };
  must(await client.create(CONFIG_MAPS, note, { signal }));
  const before = await contentsOf(client);
  expect(await isthmus(...memberInstall, "--apply", "--backends", "vxlan")).toMatchObject(done);
  // Pods in the nodes' network need it.
  expect(await labelsOfNamespace()).toMatchObject({
    ...{ team: "net", "pod-security.kubernetes.io/enforce": "privileged" },
  });
  await leaveTraces();
  const { lines, ...outcome } = await isthmus(
    "uninstall",
    "member",
    "--local-only",
    "--skip-nodes",
  );
  expect(outcome).toMatchObject(done);
  expect(lines.join("\n")).toContain("removed Lease isthmus-system/isthmus-controllers");
  expect(await contentsOf(client)).toEqual(before);
  for (const resource of [PATH_REPORTS, SLICES, serviceExports()]) {
    expect(must(await client.list(resource, {}, { signal })).items).toEqual([]);
  }
});

async function makeNamespace(more: object): Promise<void> {
  const metadata = { name: "isthmus-system", ...more };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata };
  must(await client.create(NAMESPACES, namespace, { signal }));
}

async function labelsOfNamespace(): Promise<Readonly<Record<string, string>>> {
  const target = { resource: NAMESPACES, name: "isthmus-system" };
  return must(await client.get(target, { signal })).metadata.labels ?? {};
}

test("what a member asks of its namespace stays while it is needed, and no longer", async () => {
  const level = "pod-security.kubernetes.io/enforce";
  await makeNamespace({});
  const member = [...memberInstall, "--apply"];
  expect(await isthmus(...member, "--backends", "vxlan")).toMatchObject(done);
  for (const argv of [hubInstall, ["upgrade"]]) {
    expect(await isthmus(...argv)).toMatchObject(done);
    expect(await labelsOfNamespace()).toMatchObject({ [level]: "privileged" });
  }
  expect(await isthmus(...member)).toMatchObject(done);
  expect(await labelsOfNamespace()).not.toHaveProperty(level);
});

test("what a broker writes while it ends goes too: records are removed when its pods are gone", async () => {
  await makeNamespace({});
  expect(await isthmus(...hubInstall)).toMatchObject(done);
  const namespace = "isthmus-system";
  const labels = { "app.kubernetes.io/name": "isthmus-broker" };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { namespace, name: "broker", labels } };
  const spec = { containers: [{ name: "broker", image: "isthmus" }] };
  must(await client.create(PODS, { ...pod, spec }, { signal }));
  const uninstalled = isthmus("uninstall", "hub");
  const deployment = { resource: DEPLOYMENTS, namespace, name: "isthmus-broker" };
  await until(async () => !(await client.get(deployment, { signal })).ok);
  const record = {
    ...{ apiVersion: apiVersionOf(recordObjects.resource), kind: recordObjects.resource.kind },
    metadata: { namespace, name: "late", labels: { [SPACE_LABEL]: "default" } },
    spec: { kind: "log", data: "" },
  };
  must(await client.create(recordObjects.resource, record, { signal }));
  const gone = { resource: PODS, namespace, name: "broker" };
  must(await client.delete(gone, {}, { signal, gracePeriodSeconds: 0 }));
  expect(await uninstalled).toMatchObject(done);
  const left = must(await client.list(recordObjects.resource, { namespace }, { signal })).items;
  expect(left).toEqual([]);
});

test("gateways and node agents clean their nodes before they go; until they have, nothing goes", async () => {
  const before = await everything();
  const vxlan = ["--backends", "vxlan,proxy"];
  expect(await isthmus(...memberInstall, "--apply", ...vxlan)).toMatchObject(done);
  const installed = await everything();
  expect(installed).toContain("DaemonSet isthmus-system/isthmus-gateway");
  const uninstall = ["uninstall", "member", "--local-only"];
  // Nobody runs DaemonSets here: no node is ever clean.
  const stuck = await isthmus(...uninstall, "--nodes-timeout", "0s");
  expect(stuck.code).toBe(1);
  expect(stuck.problems.join()).toContain("isthmus-gateway has cleaned 0 of an unknown number");
  expect(await everything()).toEqual(installed);
  for (const name of ["isthmus-gateway", "isthmus-node-agent"]) await runDaemonSet(name);
  const left = await isthmus(...uninstall);
  expect(left).toMatchObject(done);
  expect(left.lines).toContain("cleaned 3 nodes of what isthmus-node-agent put into them");
  expect(await everything()).toEqual(before);
});

/** What Kubernetes' own controller says once all pods of the newest kind are ready. */
async function runDaemonSet(name: string): Promise<void> {
  const metadata = { namespace: "isthmus-system", name };
  const resource = resourceOf({ apiVersion: "apps/v1", kind: "DaemonSet", metadata });
  const { metadata: found } = must(
    await client.get<KubeObject>({ resource, ...metadata }, { signal }),
  );
  const status = {
    observedGeneration: found.generation,
    desiredNumberScheduled: 3,
    updatedNumberScheduled: 3,
    numberReady: 3,
  };
  must(
    await client.mergePatch(
      { resource, ...metadata },
      { status },
      { signal, subresource: "status" },
    ),
  );
}

test("an upgrade names what it does not know of the install, refuses, and with --force keeps it for the way back", async () => {
  expect(
    await isthmus("install", "member", TOKEN, "--apply", "--cluster-id", "east"),
  ).toMatchObject({
    code: 0,
  });
  const target = {
    resource: CONFIG_MAPS,
    namespace: "isthmus-system",
    name: "isthmus-member-install",
  };
  const recorded = async (): Promise<InstallRecord> => {
    const { data } = must(await client.get<ConfigMap>(target, { signal }));
    return JSON.parse(data?.["record"] ?? "") as InstallRecord;
  };
  const record = await recorded();
  expect(record.chosen).toEqual(["clusterId"]);
  const newer = {
    settings: { ...record.settings, teleport: "west", warp: false },
    chosen: ["clusterId", "teleport"],
  };
  const text = JSON.stringify({ ...record, ...newer });
  must(await client.mergePatch(target, { data: { record: text } }, { signal }));
  const refused = await isthmus("upgrade", "--image", "isthmus:2");
  expect(refused).toMatchObject({ code: 1, lines: [] });
  expect(refused.problems.join()).toContain("teleport (member)");
  expect(refused.problems.join()).not.toContain("warp");
  expect((await recorded()).settings["image"]).toBe("isthmus");
  const forced = await isthmus("upgrade", "--image", "isthmus:2", "--force", "-o", "json");
  const told = JSON.parse(forced.lines.join("\n")) as { readonly steps: readonly object[] };
  expect(told.steps[0]).toMatchObject({
    what: "setting teleport of the member",
    did: "without effect",
    detail: expect.stringContaining('"west"'),
  });
  expect(await recorded()).toMatchObject({
    settings: { image: "isthmus:2", teleport: "west", warp: false },
    chosen: ["image", "clusterId", "teleport"],
  });
});

test("an upgrade keeps the settings, takes the new image and drops the spent token", async () => {
  expect(await isthmus(...memberInstall, "--apply", "--no-dns")).toMatchObject(done);
  const record = {
    resource: CONFIG_MAPS,
    namespace: "isthmus-system",
    name: "isthmus-member-install",
  };
  const stored = must(await client.get<ConfigMap>(record, { signal }));
  expect(JSON.stringify(stored)).not.toContain(TOKEN);
  const upgraded = await isthmus("upgrade", "--image", "isthmus:2");
  expect(upgraded).toMatchObject(done);
  expect(upgraded.lines).toContain("Secret isthmus-system/isthmus-join: removed");
  const objects = JSON.stringify(await deployments());
  expect(objects).toContain('"image":"isthmus:2"');
  expect(objects).toContain("--cluster-id=east");
  expect(objects).not.toContain("isthmus-dns");
  expect(await isthmus("upgrade", "--namespace", "elsewhere")).toEqual({
    code: 1,
    lines: [],
    problems: ["nothing was installed in namespace elsewhere"],
  });
});

test("an upgrade that fails half-way names the part and the step, and the same line again goes on from there", async () => {
  expect(await isthmus(...hubInstall)).toMatchObject(done);
  const record = {
    resource: CONFIG_MAPS,
    namespace: "isthmus-system",
    name: "isthmus-member-install",
  };
  const { namespace, name } = record;
  const about = { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name } };
  must(await client.create(CONFIG_MAPS, { ...about, data: { record: "{" } }, { signal }));
  const upgrade = ["upgrade", "--image", "isthmus:2", "--force"];
  const { code, lines, problems } = await isthmus(...upgrade);
  expect({ code, problems }).toEqual({
    code: 1,
    problems: [
      expect.stringMatching(/^cannot upgrade the member: .*isthmus-member-install/),
      "what was done stays: the same line again is safe, and goes on from there",
    ],
  });
  expect(lines).toContain("Deployment isthmus-system/isthmus-broker: applied");
  must(await client.delete(record, {}, { signal }));
  expect(await isthmus(...upgrade)).toMatchObject(done);
});

test("an upgrade takes the image of gateways and node agents too, and says when they stay behind", async () => {
  expect(await isthmus(...hubInstall)).toMatchObject(done);
  const gatewaysAlone = ["--gateway", "--no-controllers", "--no-dns", "--net-image", "net:1"];
  expect(await isthmus(...memberInstall, "--apply", ...gatewaysAlone)).toMatchObject(done);
  const images = async (): Promise<string> => JSON.stringify(await ofKind("DaemonSet"));
  const behind = await isthmus("upgrade", "--image", "isthmus:2");
  expect(behind).toMatchObject(done);
  expect(behind.lines).toContain(
    "gateways and node agents: image net:1 stays, and with it their version; --net-image names another",
  );
  expect(await images()).toContain('"image":"net:1"');
  const along = await isthmus("upgrade", "--image", "isthmus:3", "--net-image", "net:3");
  expect(along).toMatchObject(done);
  expect(along.lines.join()).not.toContain("stays");
  expect(await images()).toContain('"image":"net:3"');
  expect(await images()).not.toContain('"image":"net:1"');
  expect(JSON.stringify(await deployments())).toContain('"image":"isthmus:3"');
});

const deployments = (): Promise<readonly KubeObject[]> => ofKind("Deployment");

async function ofKind(kind: "Deployment" | "DaemonSet"): Promise<readonly KubeObject[]> {
  const resource = resourceOf({ apiVersion: "apps/v1", kind, metadata: { name: "" } });
  return must(await client.list<KubeObject>(resource, {}, { signal })).items;
}

test("an identity that is there stays when a member is installed again", async () => {
  expect(await isthmus(...memberInstall, "--apply")).toMatchObject(done);
  const target = { resource: SECRETS, namespace: "isthmus-system", name: "isthmus-identity" };
  const data = { "member-identity.json": "e30=" };
  must(await client.mergePatch(target, { data }, { signal }));
  expect(await isthmus(...memberInstall, "--apply")).toMatchObject(done);
  expect(must(await client.get<Secret>(target, { signal })).data).toEqual(data);
});

test("kubectl apply takes what is printed, which is what --apply installs", async () => {
  const printed = [];
  for (const argv of [["install", "hub"], memberInstall]) {
    const { code, lines } = await isthmus(...argv, "--print");
    expect(code).toBe(0);
    printed.push(...lines);
  }
  const file = join(server.folder, "all.yaml");
  await writeFile(file, printed.join("\n---\n"));
  // Debian's kubectl is too old to read this server's OpenAPI (sandbox/README.md).
  const apply = ["--kubeconfig", server.kubeconfig, "apply", "--validate=false", "-f", file];
  const { code: applied, out: output } = await runCommand("kubectl", apply, {});
  expect({ applied, output }).toMatchObject({ applied: 0 });
  expect(output).toContain("deployment.apps/isthmus-controllers created");
  expect(output).toContain("networkpolicy.networking.k8s.io/isthmus-broker created");
  const byKubectl = await everything();
  expect(await isthmus(...hubInstall)).toMatchObject(done);
  expect(await isthmus(...memberInstall, "--apply")).toMatchObject(done);
  const records = ["hub", "member"].map(
    (part) => `ConfigMap isthmus-system/isthmus-${part}-install`,
  );
  expect((await everything()).filter((one) => !records.includes(one))).toEqual(byKubectl);
});

test("a member that uninstalls without having joined is told how, and nothing changes", async () => {
  expect(await isthmus(...memberInstall, "--apply")).toMatchObject(done);
  const before = await everything();
  const { code, problems } = await isthmus("uninstall", "member");
  expect(code).toBe(1);
  expect(problems.join("\n")).toContain("--local-only");
  expect(await everything()).toEqual(before);
});

test.each([
  { argv: ["install", "hub"], want: "one of --print and --apply must be given" },
  { argv: ["install", "hub", "--print", "--namespace", "Bad_"], want: "must be a DNS label" },
  {
    argv: ["install", "member", "--cluster-id", "east", "x", "--print"],
    want: "isthmus token create",
  },
  { argv: ["uninstall", "hub"], want: "no hub was installed in namespace isthmus-system" },
  { argv: ["uninstall", "all"], want: "must be hub or member: got all" },
])("$argv is refused with the rule", async ({ argv, want }) => {
  const { code, problems } = await isthmus(...argv);
  expect(code).not.toBe(0);
  expect(problems.join("\n")).toContain(want);
});

test("export and unexport say what was so already, and that a Service is missing", async () => {
  expect((await isthmus("export", "web")).problems.join()).toContain("isthmus install member");
  expect(await isthmus(...memberInstall, "--apply")).toMatchObject(done);
  const first = await isthmus("export", "web", "-n", "default");
  expect(first).toEqual({
    code: 0,
    lines: ["default/web exported"],
    problems: ["there is no Service default/web yet: it is exported once there is"],
  });
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name: "web" },
    spec: { ports: [{ port: 80 }] },
  };
  must(await client.create(SERVICES, service, { signal }));
  expect(await isthmus("export", "web")).toEqual({
    ...done,
    lines: ["default/web was exported already"],
  });
  const target = { resource: serviceExports(), namespace: "default", name: "web" };
  expect(await client.get(target, { signal })).toMatchObject({ ok: true });
  expect(await isthmus("unexport", "web")).toEqual({ ...done, lines: ["default/web unexported"] });
  expect(await isthmus("unexport", "web")).toEqual({
    ...done,
    lines: ["default/web was not exported"],
  });
  expect(await isthmus("export", "Web")).toMatchObject({ code: 1 });
});
