import { describe, expect, test } from "vitest";
import type { KubeObject } from "../api/kube/object.ts";
import { VERBS } from "../cli/verb-table.ts";
import { DEFAULT_PORTS } from "../connectivity/proxy/listen/port-table.ts";
import { flagShape, readSettings } from "../runtime/config/settings.ts";
import { resourceOf } from "../runtime/kube/policy/apply-manifests.ts";
import { hubObjects } from "./hub-objects.ts";
import { hubSettings } from "./hub-settings.ts";
import { memberObjects } from "./member-objects.ts";
import { memberSettings } from "./member-settings.ts";
import { CLIENT_PORTS } from "./proxy-process.ts";
import {
  containerOf,
  findObject,
  NO_WATCH,
  namesOf,
  podOf,
  shippedTexts,
} from "./testing/find-objects.ts";

const TOKEN = "isthmus-join.a.b.c.hub:8443";
const EVERYTHING = {
  ...{ backends: ["underlay", "vxlan", "proxy"], encryption: "wireguard", pin: ["west=proxy"] },
  ...{ serviceCidrs: ["10.96.0.0/12"], globalPrefix: ["10.1.0.0/16=242.1.0.0/16"] },
  ...{ proxyAdvertise: ["a:7443"], proxyRelayFor: ["*"], proxyHttpProxy: "proxy:3128" },
  proxyHttpProxySecret: "who",
  ...{ autoExport: true, autoExportSelector: "team=shop", autoExportNamespaces: "open" },
  ...{ proxyClientNamespaces: true, brokers: ["b:8443"], cidrs: ["10.1.0.0/16"] },
};

function member(flags: Readonly<Record<string, unknown>> = {}) {
  const given = { clusterId: "east", ...flags };
  const settings = readSettings(memberSettings, { flags: given, file: undefined });
  if (!settings.ok) throw new Error(settings.error);
  const objects = memberObjects(settings.value, shippedTexts("member"), NO_WATCH);
  if (!objects.ok) throw new Error(objects.error);
  return objects.value;
}

function hub() {
  const settings = readSettings(hubSettings, { flags: {}, file: undefined });
  if (!settings.ok) throw new Error(settings.error);
  const objects = hubObjects(settings.value, shippedTexts("hub"), NO_WATCH);
  if (!objects.ok) throw new Error(objects.error);
  return objects.value;
}

test("a member is controllers and DNS beside what api/cluster-policy says", () => {
  const own = namesOf(member()).slice(
    namesOf(member()).indexOf("NetworkPolicy isthmus-controllers"),
  );
  expect(own).toEqual([
    "NetworkPolicy isthmus-controllers",
    "Deployment isthmus-controllers",
    "PodDisruptionBudget isthmus-controllers",
    "NetworkPolicy isthmus-dns",
    "Deployment isthmus-dns",
    "PodDisruptionBudget isthmus-dns",
    "Service isthmus-dns",
  ]);
  expect(namesOf(member())).toContain("Secret isthmus-identity");
});

test("the token is in a Secret and nowhere else; the controllers join with it", () => {
  const objects = member({ joinToken: TOKEN });
  expect(findObject(objects, "Secret", "isthmus-join")).toMatchObject({
    data: { token: Buffer.from(TOKEN).toString("base64") },
  });
  expect(JSON.stringify(objects)).not.toContain(TOKEN);
  expect(containerOf(objects, "isthmus-controllers").args).toEqual(
    expect.arrayContaining(["--join-token-file=/etc/isthmus/join/token", "--cluster-id=east"]),
  );
});

test("without DNS nothing but its service account and roles is left of it", () => {
  const names = namesOf(member({ dns: false }));
  expect(names).not.toContain("Deployment isthmus-dns");
  expect(names).not.toContain("Service isthmus-dns");
});

describe.each([
  { objects: hub(), name: "isthmus-broker" },
  { objects: member(), name: "isthmus-controllers" },
  { objects: member(), name: "isthmus-dns" },
  { objects: member(EVERYTHING), name: "isthmus-controllers" },
  { objects: member(EVERYTHING), name: "isthmus-proxy" },
])("$name", ({ objects, name }) => {
  test("runs as nobody, without powers, on a file system it may not write to", () => {
    expect(containerOf(objects, name).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(findObject(objects, "Deployment", name)).toMatchObject({
      spec: { template: { spec: { securityContext: { runAsNonRoot: true } } } },
    });
  });

  test("its words are a verb and flags that the verb has, with values that it takes", () =>
    isUnderstood(containerOf(objects, name).args));

  test("is an identity of api/cluster-policy", () => {
    expect(findObject(objects, "ServiceAccount", name)).toBeDefined();
  });
});

describe.each(["isthmus-gateway", "isthmus-node-agent"])("%s", (name) => {
  const running = member(EVERYTHING);
  const cleaning = member({ ...EVERYTHING, cleanNodes: true });

  test("programs the node's network, and has no power but that", () => {
    expect(podOf(running, name)).toMatchObject({ hostNetwork: true });
    expect(containerOf(running, name).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] },
    });
    expect(findObject(running, "ServiceAccount", name)).toBeDefined();
  });

  test("its words are a verb and flags that the verb has, cleaning too", async () => {
    await isUnderstood(containerOf(running, name).args);
    for (const { args } of podOf(cleaning, name).initContainers ?? []) {
      expect(args).toContain("--cleanup");
      await isUnderstood(args);
    }
  });

  test("what cleans looks where what runs has kept its notes, and ends by doing nothing", () => {
    const kept = containerOf(running, name).args.filter((arg) => /^--(state|proc)/.test(arg));
    expect(kept).toHaveLength(2);
    const { initContainers = [], containers } = podOf(cleaning, name);
    for (const { args, volumeMounts } of initContainers) {
      expect(args).toEqual(expect.arrayContaining([...kept]));
      expect(volumeMounts).toEqual(containerOf(running, name).volumeMounts);
    }
    expect(initContainers.at(-1)?.args[0]).toBe(name.replace("isthmus-", ""));
    expect(containers[0]).toMatchObject({ command: ["sleep", "infinity"] });
  });
});

test.each([
  { flags: {}, want: [] },
  { flags: { backends: ["underlay"] }, want: [] },
  { flags: { backends: ["vxlan"] }, want: ["isthmus-gateway", "isthmus-node-agent"] },
  {
    flags: { backends: ["proxy", "vxlan"], gateway: false },
    want: ["isthmus-node-agent", "isthmus-proxy"],
  },
  { flags: { proxy: true }, want: ["isthmus-proxy"] },
])("$flags brings $want", ({ flags, want }) => {
  const processes = ["isthmus-gateway", "isthmus-node-agent", "isthmus-proxy"];
  const found = member(flags).filter(
    ({ kind, metadata }) =>
      /^D(eployment|aemonSet)$/.test(kind) && processes.includes(metadata.name),
  );
  expect(found.map(({ metadata }) => metadata.name)).toEqual(want);
});

test("only where nodes are programmed the namespace admits pods that do", () => {
  const labels = (flags: object) => findObject(member({ ...flags }), "Namespace")?.metadata.labels;
  expect(labels({})).toBeUndefined();
  expect(labels({ backends: ["vxlan"] })).toEqual({
    "pod-security.kubernetes.io/enforce": "privileged",
  });
});

test("proxies are let in at the ports that controllers choose from", () => {
  const { first: port, last: endPort } = DEFAULT_PORTS;
  expect(CLIENT_PORTS.ports).toEqual(
    ["TCP", "UDP"].map((protocol) => ({ port, endPort, protocol })),
  );
});

test("what is watched is everything that shows metrics, at the port that it has for that", () => {
  const objects = member({ ...EVERYTHING, monitors: true, alerts: true, dashboards: true });
  expect(namesOf(objects).slice(-3)).toEqual([
    "PodMonitor isthmus-member",
    "PrometheusRule isthmus-member",
    "ConfigMap isthmus-member-dashboard",
  ]);
  const running = objects.filter(({ kind }) => /^D(eployment|aemonSet)$/.test(kind));
  const monitor = findObject(objects, "PodMonitor") as unknown as {
    readonly spec: {
      readonly selector: {
        readonly matchExpressions: readonly [{ readonly values: readonly string[] }];
      };
    };
  };
  const { values } = monitor.spec.selector.matchExpressions[0];
  expect(values.toSorted()).toEqual(running.map(({ metadata }) => metadata.name).toSorted());
  for (const { metadata } of running) {
    const { ports } = containerOf(objects, metadata.name);
    expect(ports.map(({ name }) => name)).toContain("health");
  }
  expect(findObject(member(), "PodMonitor")).toBeUndefined();
});

test("probes of pod networks are answered where backends are probed from pod to pod", () => {
  const over = (backend: string) => member({ backends: [backend] });
  for (const name of ["isthmus-controllers", "isthmus-dns"]) {
    expect(containerOf(over("underlay"), name).args).toContain("--probe-listen=:4796");
    expect(containerOf(over("vxlan"), name).args.join()).not.toContain("--probe-listen");
  }
  expect(namesOf(over("vxlan"))).not.toContain("Service isthmus-responders");
});

test("all pods that answer probes are endpoints of one Service, and their policies let probes in", () => {
  const objects = member({ backends: ["overlay-cni"] });
  const service = findObject(objects, "Service", "isthmus-responders") as KubeObject & {
    readonly spec: { readonly selector: object };
  };
  for (const name of ["isthmus-controllers", "isthmus-dns"]) {
    expect(findObject(objects, "Deployment", name)).toMatchObject({
      spec: { template: { metadata: { labels: service.spec.selector } } },
    });
    expect(findObject(objects, "NetworkPolicy", name)).toMatchObject({
      spec: {
        ingress: [{ ports: expect.arrayContaining([{ port: 4796, protocol: "UDP" }]) }, {}],
      },
    });
  }
});

/** Verb and flags as a process would read them, its variables filled in. */
async function isUnderstood([word = "", ...flags]: readonly string[]): Promise<void> {
  const verb = await VERBS.find(({ path }) => path.join(" ") === word)?.load();
  if (verb === undefined) throw new Error(`no verb ${word}`);
  const given = Object.fromEntries(
    flags.map((flag) => {
      const [, key = "", text] = /^--([a-z-]+)(?:=(.*))?$/.exec(flag) ?? [];
      const setting = key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const value = text?.replace("$(HOST_IP)", "10.0.0.1");
      const type = verb.settings.shape[setting];
      const isList = type !== undefined && flagShape(type).kind === "list";
      return [setting, value === undefined ? true : isList ? value.split(",") : value];
    }),
  );
  expect(readSettings(verb.settings, { flags: given, file: given })).toMatchObject({ ok: true });
}

test("every object is of a kind that can be applied, in its place", () => {
  for (const object of [...hub(), ...member({ ...EVERYTHING, joinToken: TOKEN })]) {
    expect(resourceOf(object).namespaced).toBe(object.metadata.namespace !== undefined);
  }
});

test("an id is needed, and a token must look like one", () => {
  const none = readSettings(memberSettings, { flags: {}, file: undefined });
  expect(none.ok ? "" : none.error).toContain("--cluster-id) is required");
  const odd = readSettings(memberSettings, {
    flags: { clusterId: "east", joinToken: "secret" },
    file: undefined,
  });
  expect(odd.ok ? "" : odd.error).toContain("isthmus token create");
});
