import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ENDPOINT_SLICES } from "../../../api/kube/endpoint-slice.ts";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { PODS } from "../../../api/kube/pod.ts";
import { ANNOTATION_TRACED_WRITE } from "../../../api/mcs/labels.ts";
import { serviceExports } from "../../../api/mcs/service-export.ts";
import { LOCAL_NETWORK } from "../../../api/network/member-network.ts";
import { parseProxyTraffic } from "../../../api/network/parse-network-objects.ts";
import type { PathReport } from "../../../api/network/path-report.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS } from "../../../api/network/resources.ts";
import { must } from "../../../api/result.ts";
import { serviceKey } from "../../../api/service-key.ts";
import { SecretIdentityStore } from "../../../broker/identity/member/secret-identity-store.ts";
import { MemoryStore } from "../../../broker/store/memory/memory-store.ts";
import { ClusterReader } from "../../../cli/cluster/cluster-reader.ts";
import { connectKube } from "../../../cli/cluster/connect-kube.ts";
import { installCrds } from "../../../cli/cluster/install-crds.ts";
import { SYSTEM_NAMESPACE } from "../../../cli/cluster/system-namespace.ts";
import { memberReport } from "../../../cli/status/member-report.ts";
import { readMember } from "../../../cli/status/read-member.ts";
import { statusText } from "../../../cli/status/status-text.ts";
import { spanOfHop } from "../../../cli/tracing/trace-propagation.ts";
import { ANNOTATION_ALLOW_CLIENTS } from "../../../connectivity/proxy/dial/export-policy.ts";
import type { TunnelIdentity } from "../../../connectivity/proxy/tunnel/tunnel-identity.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { startCollectorStub } from "../../../runtime/trace/collector-stub.ts";
import { freePorts } from "../../../sandbox/process/free-ports.ts";
import { ROOT } from "../../arch/source-files.ts";
import { eventually } from "../../eventually.ts";
import { callsIn, unlawful, unused } from "../../permissions/calls.ts";
import { startApiServer, type TestApiServer } from "../api-server.ts";
import { BrokerWorld } from "../broker-world.ts";
import { id, serveEcho, slice, TestAuthority } from "./proxy-world.ts";

const MINUTE_MS = 60_000;
const { signal } = new AbortController();
const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

/** An address of this machine that EndpointSlices may have; the loopback ones are refused. Packets to it do not leave. */
const HERE = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

if (HERE === undefined) throw new Error("this test needs an address besides those of loopback");
const here: string = HERE;

interface Member {
  readonly server: TestApiServer;
  readonly put: (resource: Resource, object: KubeObject) => Promise<void>;
  readonly patch: (resource: Resource, name: string, patch: object, more?: object) => Promise<void>;
  readonly reader: ClusterReader;
  readonly report: () => Promise<PathReport | undefined>;
  /** Until then it waits. */
  readonly join: () => Promise<void>;
  readonly start: (args: readonly string[]) => ChildProcess;
}

async function member(identity: TunnelIdentity, brokerAddress = "127.0.0.1:9"): Promise<Member> {
  const { cluster: name, keyPem, certPem, authorities } = identity;
  const server = await startApiServer();
  ends.push(() => server[Symbol.asyncDispose]());
  const kube = connectKube({ kubeconfig: server.kubeconfig }, {}, silentMeter);
  if (!kube.ok) throw new Error(kube.error);
  const { client } = kube.value;
  const installed = await installCrds(client, systemClock, signal);
  if (!installed.ok) throw new Error(installed.error);
  const material = { keyPem, certPem, caPem: authorities.join("\n"), brokerAddress };
  const secret = { namespace: "isthmus-system", name: "isthmus-identity" };
  const store = new SecretIdentityStore(secret, { client, clock: systemClock, signal });
  const isthmus = join(ROOT, "cli/isthmus.mjs");
  return {
    server,
    reader: new ClusterReader(client, signal),
    put: async (resource, object) => {
      const created = await client.create(resource, object, { signal });
      if (!created.ok) throw new Error(created.error.message);
    },
    patch: async (resource, name, patch, more = {}) => {
      const ref = { resource, namespace: "shop", name };
      const patched = await client.mergePatch(ref, patch, { signal, ...more });
      if (!patched.ok) throw new Error(patched.error.message);
    },
    report: async () => {
      const got = await client.get<PathReport>(
        { resource: PATH_REPORTS, name: `proxy-${name}-0` },
        { signal },
      );
      return got.ok ? got.value : undefined;
    },
    join: async () => {
      const metadata = { name: secret.namespace };
      await client.create(
        NAMESPACES,
        { apiVersion: "v1", kind: "Namespace", metadata },
        { signal },
      );
      must(await store.save(material));
    },
    start: (args) => {
      const flags = ["--kubeconfig", server.kubeconfig, "--identity-secret", secret.name];
      const own = ["--name", `${name}-0`, "--address", here, "--client-host", here];
      const started = spawn(process.execPath, [isthmus, "proxy", ...flags, ...own, ...args], {
        stdio: ["ignore", "inherit", "pipe"],
      });
      ends.push(() => void started.kill("SIGKILL"));
      return started;
    },
  };
}

function mcsSlice(port: number): KubeObject {
  const made = slice("east", "shop/db", { name: "sql", port }, [here]);
  return { ...made, metadata: { ...made.metadata, name: "db-east" } };
}

function peer(cluster: string, endpoints: readonly string[]): KubeObject {
  const object = {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "Peer",
    metadata: { name: cluster },
    spec: {
      cluster,
      podCidrs: [],
      serviceCidrs: [],
      globalPrefixes: [],
      nodePrefixes: [],
      backends: ["proxy"],
      responders: [],
      gateways: [],
      proxies: endpoints.map((endpoint) => ({ endpoint })),
    },
  };
  return object;
}

/** What controllers say of their own cluster. */
function network(cluster: string): KubeObject {
  const object = {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "MemberNetwork",
    metadata: { name: LOCAL_NETWORK },
    spec: {
      cluster,
      ...{ podCidrs: [], serviceCidrs: [], globalPrefixes: [], nodePrefixes: [] },
      ...{ nodeAddresses: {}, gateways: [], encryption: "none" },
    },
  };
  return object;
}

async function ask(port: number): Promise<string | undefined> {
  const socket = connect(port, here);
  socket.on("error", () => undefined);
  socket.end("to the pod and back");
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return chunks.length === 0 ? undefined : Buffer.concat(chunks).toString();
}

async function metricsOf(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

/**
 * A hub that renews west's certificate, and what lets it: until then it takes connections and says nothing. West's is due: it has
 * been issued 50 minutes ago for an hour.
 */
async function hub(): Promise<{
  readonly west: TunnelIdentity;
  readonly east: TunnelIdentity;
  readonly address: string;
  readonly open: () => void;
}> {
  const world = await BrokerWorld.create();
  ends.push(() => world[Symbol.asyncDispose]());
  const store = new MemoryStore("e1");
  must(
    await store.putMember({
      cluster: id("west"),
      incarnation: 1,
      joinedAtMs: 0,
      certificateSerial: "01",
    }),
  );
  const { listen } = await world.startBroker(store);
  const opened = Promise.withResolvers<void>();
  const pass = async (from: Socket): Promise<void> => {
    from.on("error", () => undefined);
    await opened.promise;
    const to = connect(listen.port, "127.0.0.1");
    to.on("error", () => undefined);
    to.on("close", () => from.destroy());
    from.on("close", () => to.destroy());
    from.pipe(to).pipe(from);
  };
  const gate = createServer({ pauseOnConnect: true }, (from) => void pass(from));
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  ends.push(() => gate.close());
  const before = new TestAuthority(await world.authorityBefore(50 * MINUTE_MS));
  return {
    west: await before.identity("west", { lifeMs: 60 * MINUTE_MS }),
    east: await new TestAuthority(world.authority).identity("east"),
    address: `127.0.0.1:${(gate.address() as AddressInfo).port}`,
    open: opened.resolve,
  };
}

test("two processes of isthmus proxy, each beside its cluster, carry what objects say, and report", async () => {
  const renewals = await hub();
  const [west, east] = await Promise.all([
    member(renewals.west, renewals.address),
    member(renewals.east),
  ]);
  const port = await serveEcho(ends, here);
  const [tunnels = 0, clients = 0, health = 0] = await freePorts(3, systemRandom);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  await west.put(NAMESPACES, namespace);
  await east.put(NAMESPACES, namespace);
  await east.put(serviceExports(), {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceExport",
    metadata: {
      namespace: "shop",
      name: "db",
      annotations: { [ANNOTATION_ALLOW_CLIENTS]: "west/bank" },
    },
  });
  await east.put(ENDPOINT_SLICES, mcsSlice(port));
  await west.put(ENDPOINT_SLICES, mcsSlice(clients));
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name: "client" } };
  const spec = { containers: [{ name: "client", image: "client" }] };
  await west.put(PODS, { ...pod, spec } as KubeObject);
  const status = { phase: "Running", podIPs: [{ ip: here }] };
  await west.patch(PODS, "client", { status }, { subresource: "status" });
  await west.put(PEERS, peer("east", [`127.0.0.1:${tunnels}`]));
  await east.put(PEERS, peer("west", []));
  const listen = ["--listen", `127.0.0.1:${tunnels}`, "--advertise", `127.0.0.1:${tunnels}`];
  const away = ["--health-listen", "127.0.0.1:0"];
  await east.join();
  east.start([...listen, ...away]);
  const collector = await startCollectorStub();
  ends.push(() => collector[Symbol.asyncDispose]());
  const dialling = west.start([
    ...["--listen", "none", "--health-listen", `127.0.0.1:${health}`, "--client-namespaces"],
    ...["--linger", "1s", "--otlp-endpoint", collector.endpoint],
  ]);
  let log = "";
  dialling.stderr?.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const tunnelsUp = (): number => log.match(/"msg":"tunnel up"/g)?.length ?? 0;
  const waiting = await eventually("a proxy that waits for its member", async () => {
    const ready = await fetch(`http://127.0.0.1:${health}/readyz`).catch(() => undefined);
    const text = await ready?.text();
    return text?.includes("no identity") === true ? text : undefined;
  });
  expect(waiting).toContain("in Secret isthmus-system/isthmus-identity");
  await west.join();
  const refused = await eventually("the log of a refusal", async () => {
    await ask(clients);
    const text = await metricsOf(health).catch(() => "");
    return text.includes('outcome="forbidden"') ? text : undefined;
  });
  expect(refused).toContain('peer="east"');
  // Its namespace is told by west, which watches Pods.
  const annotations = { [ANNOTATION_ALLOW_CLIENTS]: "west/shop" };
  await east.patch(serviceExports(), "db", { metadata: { annotations } });
  expect(await eventually("an answer", () => ask(clients))).toBe("to the pod and back");
  const open = connect(clients, here);
  ends.push(() => open.destroy());
  open.write("before");
  expect(String((await once(open, "data"))[0])).toBe("before");
  renewals.open();
  // As long as no controllers say that the cluster is a member (CLN-04).
  expect(await west.report()).toBeUndefined();
  await west.put(MEMBER_NETWORKS, network("west"));
  const report = await eventually("a report", async () => {
    const got = await west.report();
    return got?.spec.paths[0]?.rttMs === undefined ? undefined : got;
  });
  expect(report.spec).toMatchObject({ role: "proxy", endpoints: [], clientAddresses: [here] });
  expect(report.spec.paths).toEqual([
    expect.objectContaining({ peer: "east", backend: "proxy", state: "up" }),
  ]);
  const ready = await fetch(`http://127.0.0.1:${health}/readyz`);
  expect(ready.status).toBe(200);
  const metrics = await eventually("the connection's bytes", async () => {
    const text = await metricsOf(health);
    return /stream_bytes_total\{[^}]*service="shop\/db"[^}]*\} [1-9]/.test(text) ? text : undefined;
  });
  expect(metrics).toMatch(/isthmus_proxy_streams_total\{[^}]*service="shop\/db"[^}]*\} [1-9]/);
  expect(metrics).toMatch(/isthmus_proxy_tunnels_count\{peer="east"\} 2/);
  // Controllers say of which write a slice is; its trace goes on to the port that clients dial.
  const write = { cluster: id("east"), sequence: Date.now(), service: serviceKey("shop", "db") };
  const traced = { [ANNOTATION_TRACED_WRITE]: `${write.cluster}/${write.sequence}` };
  await west.patch(ENDPOINT_SLICES, "db-east", { metadata: { annotations: traced } });
  const span = await eventually("a span", async () => collector.spans[0]);
  const applied = spanOfHop({ ...write, hop: "applied", startMs: 0, endMs: 0 }, id("west"));
  expect(span).toMatchObject({
    ...{ name: "listening", traceId: applied.traceId, parentSpanId: applied.spanId },
    resource: { "service.name": "isthmus-proxy", "isthmus.cluster": "west" },
  });
  // Its certificate has been renewed meanwhile: two tunnels more, which show the new one, and what is open goes on.
  await eventually("new tunnels", async () => tunnelsUp() >= 4 || undefined);
  expect(await metricsOf(health)).toMatch(/certificate_renewals_total\{outcome="renewed"\} 1\n/);
  const closed = once(open, "close");
  open.end("after");
  expect(String((await once(open, "data"))[0])).toBe("after");
  await closed;
  const calls = callsIn(await metricsOf(health));
  const roles = ["isthmus:proxy", "isthmus:proxy-client-namespaces"];
  for (const role of roles) expect(unused("32-proxy-role.yaml", role, calls)).toEqual([]);
  const [own = [], more = []] = roles.map((role) => unlawful("32-proxy-role.yaml", role, calls));
  expect(own.filter((call) => more.includes(call))).toEqual([]);
  const exited = once(dialling, "exit");
  dialling.kill("SIGTERM");
  expect((await exited)[0]).toBe(0);
  // Before it went it said that nobody is to be sent there any more, and what it had carried.
  const last = await west.report();
  expect(last?.spec).toMatchObject({ clientAddresses: [], paths: [] });
  const traffic = last === undefined ? undefined : parseProxyTraffic(last);
  if (traffic?.ok !== true) throw new Error(traffic?.error);
  const line = { service: "shop/db", peer: "east", direction: "out", open: 0 };
  expect(traffic.value?.services).toEqual([expect.objectContaining(line)]);
  const [counts] = traffic.value?.services ?? [];
  expect(counts?.errors).toHaveProperty("forbidden");
  for (const what of ["connections", "bytesFromTunnel"] as const) {
    expect(counts?.[what], what).toBeGreaterThan(0);
  }
  const shown = await readMember(west.reader, {
    ...{ systemNamespace: SYSTEM_NAMESPACE, namespace: "shop" },
    nowMs: Date.parse(last?.spec.renewedAt ?? ""),
  });
  if (!shown.ok) throw new Error(shown.error.message);
  expect(statusText(memberReport({ ...shown.value, nowMs: 0 }))).toMatch(
    /^shop\/db +east +here +0 +[1-9].* ms .*forbidden/m,
  );
});
