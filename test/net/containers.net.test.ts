import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { NODES, type Node } from "../../api/kube/node.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { PATH_REPORTS } from "../../api/network/resources.ts";
import { must } from "../../api/result.ts";
import { Asker } from "../../bench/dns/ask.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { hubCrds, installCrds } from "../../cli/cluster/install-crds.ts";
import { ensureSystemNamespace } from "../../cli/cluster/system-namespace.ts";
import { shippedPolicy } from "../../cli/install/shipped-policy.ts";
import { shippedWatch } from "../../cli/install/shipped-watch.ts";
import { hubObjects } from "../../install/hub-objects.ts";
import { hubSettings } from "../../install/hub-settings.ts";
import { memberObjects } from "../../install/member-objects.ts";
import { memberSettings } from "../../install/member-settings.ts";
import { ROOT } from "../../packaging/bundle.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";
import { AUTHENTICATED, MASTERS } from "../../sandbox/apiserver/auth/user.ts";
import { type ApiServer, createApiServer } from "../../sandbox/apiserver/create-api-server.ts";
import { runCommands } from "../../sandbox/network/netns/run-commands.ts";
import { eventually } from "../eventually.ts";
import { runIsthmus } from "../system/run-isthmus.ts";
import { type ImageRoom, inImageRoom, isthmusInRoom, scriptInRoom } from "./harness/image-room.ts";
import { type ShippedContainer, shippedContainer } from "./harness/shipped-container.ts";

// Every process that the charts run, as they run it: from its bundle, as the user, with the powers, the arguments and the mounts that
// its pod has, on a root file system that nobody may write to. All of a clusterset of one.

/** Of the one node, and of every pod on it: here they share a network. */
const HOST = "10.0.0.1";
const LINK = "containers0";
const TOKEN = "of-every-service-account";
const ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";
const FIELDS = {
  "metadata.name": "pod-0",
  "status.podIPs": HOST,
  "status.hostIP": HOST,
  "spec.nodeName": "node-0",
};
const HEALTH = {
  "isthmus-broker": "127.0.0.1:8092",
  "isthmus-controllers": "127.0.0.1:8080",
  "isthmus-dns": "127.0.0.1:8081",
  "isthmus-proxy": "127.0.0.1:8085",
  "isthmus-gateway": `${HOST}:4793`,
  "isthmus-node-agent": `${HOST}:4792`,
} as const;
type Name = keyof typeof HEALTH;

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "isthmus-containers-"));
const app = join(folder, "app");
const running = new Map<Name, ChildProcess>();
let server: ApiServer;
let kube: KubeClient;
let kubeconfig: string;
let workloads: ReadonlyMap<string, KubeObject>;

beforeAll(async () => {
  execFileSync(process.execPath, [
    join(ROOT, "packaging/build.ts"),
    "--out",
    app,
    "--program",
    "isthmus",
  ]);
  const staticTokens = new Map([[TOKEN, { name: "pod", groups: [MASTERS, AUTHENTICATED] }]]);
  const options = { serviceCidrs: ["10.101.0.0/16"], staticTokens };
  server = must(await createApiServer(options, { clock, random, log }));
  await server.start();
  kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText([server.kubeconfigEntry("east")]));
  kube = must(connectKube({ kubeconfig }, {}, silentMeter)).client;
  must(await ensureSystemNamespace(kube, signal));
  must(await installCrds(kube, clock, signal));
  must(await installCrds(kube, clock, signal, hubCrds()));
  await runCommands([
    `ip link add ${LINK} type veth peer name ${LINK}p`,
    // Addresses that the kernel makes come when they like.
    `ip link set ${LINK} addrgenmode none`,
    `ip link set ${LINK}p addrgenmode none`,
    `ip link set ${LINK}p up`,
    `ip addr add ${HOST}/24 dev ${LINK}`,
    `ip link set ${LINK} up`,
  ]);
  const metadata = { name: "node-0" };
  const node = { apiVersion: "v1", kind: "Node", metadata, spec: { podCIDRs: ["10.1.0.0/24"] } };
  must(await kube.create(NODES, node as Node, { signal }));
  const addresses = [{ type: "InternalIP", address: HOST }];
  const status = { addresses, conditions: [{ type: "Ready", status: "True" }] };
  const ref = { resource: NODES, ...metadata };
  must(await kube.mergePatch(ref, { status }, { signal, subresource: "status" }));
  const hub = hubSettings.parse({});
  const member = memberSettings.parse({ clusterId: "east", backends: ["vxlan", "proxy"] });
  const objects = [
    ...must(hubObjects(hub, shippedPolicy("hub"), shippedWatch("hub"))),
    ...must(memberObjects(member, shippedPolicy("member"), shippedWatch("member"))),
  ];
  workloads = new Map(
    objects
      .filter(({ kind }) => kind === "Deployment" || kind === "DaemonSet")
      .map((each) => [each.metadata.name, each]),
  );
});

afterAll(async () => {
  for (const child of running.values()) child.kill("SIGKILL");
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
  await runCommands([`ip link del ${LINK}`]);
});

function containerOf(name: Name): ShippedContainer {
  const workload = workloads.get(name);
  if (workload === undefined) throw new Error(`the charts must run ${name}`);
  return shippedContainer(workload, FIELDS);
}

/** Puts what is mounted into folders of this machine. */
function roomOf(name: Name, { user, powers, mounts }: ShippedContainer): ImageRoom {
  const writable = new Map<string, string>();
  const readable = new Map<string, string>();
  const account = join(folder, "account");
  mkdirSync(account, { recursive: true });
  writeFileSync(join(account, "token"), TOKEN);
  writeFileSync(join(account, "ca.crt"), server.certificates.ca);
  writeFileSync(join(account, "namespace"), "isthmus-system");
  readable.set(ACCOUNT_DIR, account);
  for (const { path, hostPath, source, readOnly } of mounts) {
    // The kernel's settings are those of this room's network; nothing else of the machine is touched.
    const place = hostPath.startsWith("/proc/") ? hostPath : join(folder, name, source ?? path);
    mkdirSync(place, { recursive: true });
    if (!hostPath.startsWith("/proc/")) chmodSync(place, 0o777);
    (readOnly ? readable : writable).set(path, place);
  }
  return { app, user, powers, readable, writable };
}

function start(name: Name, more: readonly string[] = []): ChildProcess {
  const container = containerOf(name);
  const [program = "", ...args] = inImageRoom(
    roomOf(name, container),
    isthmusInRoom([...container.args, ...more]),
  );
  const { port } = new URL(server.kubeconfigEntry("east").server);
  const logFile = openSync(join(folder, `${name}.log`), "a");
  const child = spawn(program, args, {
    stdio: ["ignore", logFile, logFile],
    env: {
      PATH: process.env["PATH"],
      NODE_ENV: "production",
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: port,
      ...container.env,
    },
  });
  running.set(name, child);
  return child;
}

/** Of the kernel, as far as gateways and node agents write there. */
function nodeState(): Promise<string> {
  return runCommands(["ip -o link", "ip rule", "ip route show table all", "nft list ruleset"]);
}

async function ready(name: Name): Promise<void> {
  const logged = (): string => readFileSync(join(folder, `${name}.log`), "utf8");
  let said = "nothing";
  const asked = eventually(`${name} to be ready`, async () => {
    if (running.get(name)?.exitCode !== null) throw new Error(`${name} ended: ${logged()}`);
    const answer = await fetch(`http://${HEALTH[name]}/readyz`).catch(() => undefined);
    said = (await answer?.text()) ?? said;
    return answer?.ok === true ? true : undefined;
  });
  await asked.catch((cause: unknown) => {
    throw new Error(`${name} said ${said}; its log: ${logged().slice(-2_000)}`, { cause });
  });
}

test.each([
  ["isthmus-broker", 65_532, "0000000000000000"],
  ["isthmus-gateway", 0, "0000000000001000"],
] as const)("a room of %s is what its pod says", (name, user, powers) => {
  const room = roomOf(name, containerOf(name));
  const script = `
    const fs = require("fs");
    const tried = (path) => { try { fs.writeFileSync(path, "x"); return "written"; } catch (error) { return error.code; } };
    const status = fs.readFileSync("/proc/self/status", "utf8");
    console.log(JSON.stringify({
      user: process.getuid(), groups: process.getgroups(), powers: /CapEff:\\s+(\\w+)/.exec(status)[1],
      root: tried("/x"), app: tried("/app/x"), usr: tried("/usr/x"), dev: fs.existsSync("/dev/null"),
      settings: tried("/proc/sys/net/ipv4/ip_forward"),
      scratch: ${JSON.stringify([...room.writable.keys()])}.filter((path) => !path.startsWith("/host")).map((path) => tried(path + "/x")),
    }));`;
  const [program = "", ...args] = inImageRoom(room, scriptInRoom(script));
  const said: unknown = JSON.parse(execFileSync(program, args, { encoding: "utf8" }));
  expect(said).toEqual({
    ...{ user, groups: [user], powers, dev: true },
    ...{ root: "EROFS", app: "EROFS", usr: "EROFS", settings: "EROFS" },
    scratch: ["written"],
  });
});

test("broker, controllers, DNS server, proxy, gateway and node agent do their work there, and end when told", async () => {
  const before = await nodeState();
  // The DNS server has its port.
  start("isthmus-broker", ["--health-listen=:8092"]);
  for (const name of ["isthmus-dns", "isthmus-proxy", "isthmus-gateway"] as const) start(name);
  start("isthmus-node-agent");
  await ready("isthmus-broker");
  const words = ["token", "create", "--store", "kubernetes", "--cluster", "east"];
  const made = await runIsthmus(
    [...words, "--broker", "127.0.0.1:8443", "--kubeconfig", kubeconfig],
    signal,
  );
  expect(made).toMatchObject({ code: 0, problems: [] });
  const secret = join(folder, "isthmus-controllers", "isthmus-join");
  mkdirSync(secret, { recursive: true });
  writeFileSync(join(secret, "token"), made.lines[0] ?? "");
  start("isthmus-controllers");
  await Promise.all([...running.keys()].map(ready));

  // An export becomes an import with an address, and that a name.
  const shop = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  must(await kube.create(NAMESPACES, shop, { signal }));
  const metadata = { namespace: "shop", name: "web" };
  const service = { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: 80 }] } };
  must(await kube.create(SERVICES, service as Service, { signal }));
  const exported = { apiVersion: "multicluster.x-k8s.io/v1beta1", kind: "ServiceExport", metadata };
  must(await kube.create(serviceExports(), exported, { signal }));
  using asker = new Asker(5353);
  await eventually("an answer", async () => {
    const answer = await asker.ask("web.shop.svc.clusterset.local A");
    return answer?.includes("10.101.") === true ? answer : undefined;
  });
  const names = await eventually("reports of gateway and proxy", async () => {
    const { items } = must(await kube.list<KubeObject>(PATH_REPORTS, {}, { signal }));
    return items.length < 2 ? undefined : items.map((item) => item.metadata.name);
  });
  expect(names.toSorted()).toEqual(["gateway-node-0", "proxy-pod-0"]);

  const ended = await Promise.all(
    [...running].map(async ([name, child]) => {
      child.kill("SIGTERM");
      return [name, ...(await once(child, "exit"))];
    }),
  );
  expect(ended).toEqual([...running.keys()].map((name) => [name, 0, null]));
  // As before the processes that share this network, which other tests have too; by the same containers.
  expect(await nodeState()).not.toBe(before);
  for (const name of ["isthmus-gateway", "isthmus-node-agent"] as const) {
    const [code] = (await once(start(name, ["--cleanup"]), "exit")) as [number | null];
    expect([name, code]).toEqual([name, 0]);
  }
  expect(await nodeState()).toBe(before);
});
