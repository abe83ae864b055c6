import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { apiVersionOf } from "../../api/kube/object.ts";
import { must } from "../../api/result.ts";
import { SAMPLE_NAME } from "../../sandbox/demo/demo-scenario.ts";
import { SAMPLE } from "../../sandbox/demo/sample-service.ts";
import { type ChartName, helm } from "../system/chart-objects.ts";
import { runCommand } from "../system/kubectl-command.ts";
import { runIsthmus } from "../system/run-isthmus.ts";
import { runOptions } from "./harness/run-options.ts";
import { expectAnswerFrom } from "./two-clusters/answer-from.ts";
import { settledContents } from "./two-clusters/cluster-contents.ts";
import { hubAddress } from "./two-clusters/hub-address.ts";
import { expectOwnRights } from "./two-clusters/own-rights.ts";
import { removeNamespace } from "./two-clusters/remove-namespace.ts";
import { startTwoClusters, whyNot } from "./two-clusters/start-two-clusters.ts";
import type { LineCluster, TwoClusters } from "./two-clusters/two-clusters.ts";

// The lines of docs/install.md for helm, typed on existing clusters with nodes, hooks and all. What the charts render is compared with what
// `isthmus install` applies in test/system/charts.test.ts, and that runs on embedded clusters in five-lines.test.ts.

const NAMESPACE = "isthmus-charts";
const LIMIT_MS = 900_000;
const stopping = new AbortController();
const { signal } = stopping;
const reason =
  runOptions() === undefined ? " (not run: nodes of embedded clusters run no hooks)" : whyNot();

describe.skipIf(reason !== "")(`the charts${reason}`, () => {
  let folder: string;
  let clusters: TwoClusters;
  let before: readonly Awaited<ReturnType<typeof settledContents>>[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "isthmus-charts-"));
    clusters = await startTwoClusters();
    before = await contents();
  }, LIMIT_MS);

  afterAll(async () => {
    stopping.abort();
    await clusters?.close();
    await rm(folder, { recursive: true, force: true });
  }, LIMIT_MS);

  const contents = () =>
    Promise.all([clusters.east, clusters.west].map(({ kube }) => settledContents(kube)));

  /** A line of helm, which waits for hooks. */
  async function release(
    cluster: LineCluster,
    verb: readonly string[],
    chart: ChartName,
    values: object,
  ): Promise<void> {
    const flags = ["--namespace", NAMESPACE, ...verb.slice(2), ...helmsWay(cluster)];
    const done = await helm(verb.slice(0, 2), chart, values, flags, LIMIT_MS);
    expect(done, `${verb.join(" ")} ${chart}`).toMatchObject({ code: 0 });
  }

  async function isthmus(
    cluster: LineCluster,
    ...words: readonly string[]
  ): Promise<readonly string[]> {
    const { kubeconfig, context = "" } = cluster;
    const where = ["--kubeconfig", kubeconfig, "--context", context];
    const { code, lines, problems } = await runIsthmus([...words, ...where], signal);
    expect({ words, code, problems }).toEqual({ words, code: 0, problems: [] });
    return lines;
  }

  test("to the first answer of another cluster", { timeout: LIMIT_MS }, async () => {
    const { east, west, hub, image, netImage } = clusters;
    await makeNamespaces();
    const exposed =
      hub.nodePort === undefined ? {} : { serviceType: "NodePort", nodePort: hub.nodePort };
    await release(east, ["install", "isthmus-broker", "--wait"], "isthmus-broker", {
      image,
      ...exposed,
    });
    const address = await hubAddress(clusters, NAMESPACE, signal);
    const overlay = netImage === undefined ? {} : { backends: ["vxlan"], netImage };
    for (const [clusterId, cluster] of [
      ["east", east],
      ["west", west],
    ] as const) {
      const place = ["--store", "kubernetes", "--store-namespace", NAMESPACE, "--data-dir", folder];
      const about = ["--cluster", clusterId, "--broker", address];
      const [joinToken] = await isthmus(east, "token", "create", ...place, ...about);
      const values = { image, clusterId, joinToken, ...overlay };
      await release(cluster, ["install", "isthmus", "--wait"], "isthmus", values);
      await isthmus(cluster, "wire-dns", "--apply", "--namespace", NAMESPACE);
    }
    await isthmus(east, "export", SAMPLE.name, "-n", SAMPLE.namespace);
    await expectAnswerFrom(east, west, new URL(`http://${SAMPLE_NAME}/`), { ...clusters, signal });
  });

  test("every process at its whole job has no more than its service account, and nothing is refused (SEC-08)", async () => {
    await expectOwnRights(clusters, NAMESPACE, signal);
  });

  test("out again in the order of the docs: objects are as before, but for the definitions", {
    timeout: LIMIT_MS,
  }, async () => {
    const { east, west, netImage } = clusters;
    await isthmus(east, "unexport", SAMPLE.name, "-n", SAMPLE.namespace);
    for (const cluster of [west, east]) {
      if (netImage !== undefined) await cleanNodes(cluster);
      await isthmus(cluster, "wire-dns", "--restore", "--namespace", NAMESPACE);
      await isthmus(cluster, "leave", "--identity-secret", `${NAMESPACE}/isthmus-identity`);
      await helmsOwn(cluster, "uninstall", "isthmus");
      await isthmus(cluster, "leave", "--local-only", "--identity-dir", folder);
    }
    await helmsOwn(east, "uninstall", "isthmus-broker");
    await removeNamespaces();
    expect(await contents()).toEqual(before);
  });

  async function cleanNodes(cluster: LineCluster): Promise<void> {
    await release(cluster, ["upgrade", "isthmus", "--reuse-values"], "isthmus", {
      cleanNodes: true,
    });
    for (const name of ["isthmus-gateway", "isthmus-node-agent"]) {
      const { kubeconfig, context = "" } = cluster;
      const where = ["--kubeconfig", kubeconfig, "--context", context, "-n", NAMESPACE];
      const argv = [...where, "rollout", "status", `daemonset/${name}`];
      expect(await runCommand("kubectl", argv, {}, LIMIT_MS)).toMatchObject({ code: 0 });
    }
  }

  async function helmsOwn(cluster: LineCluster, ...verb: readonly string[]): Promise<void> {
    const argv = [...verb, "--wait", "--namespace", NAMESPACE, ...helmsWay(cluster)];
    expect(await runCommand("helm", argv, {}, LIMIT_MS)).toMatchObject({ code: 0 });
  }

  async function makeNamespaces(): Promise<void> {
    const level = clusters.netImage === undefined ? "restricted" : "privileged";
    const labels = { "pod-security.kubernetes.io/enforce": level };
    const { kind } = NAMESPACES;
    const object = {
      apiVersion: apiVersionOf(NAMESPACES),
      kind,
      metadata: { name: NAMESPACE, labels },
    };
    for (const { kube } of [clusters.east, clusters.west]) {
      must(await kube.create(NAMESPACES, object, { signal }));
    }
  }

  /** With what the hub keeps, and the Lease of the controllers' election. */
  async function removeNamespaces(): Promise<void> {
    const waiting = { timeoutMs: clusters.patienceMs, signal };
    for (const { kube } of [clusters.east, clusters.west]) {
      await removeNamespace(kube, NAMESPACE, waiting);
    }
  }
});

function helmsWay({ kubeconfig, context = "" }: LineCluster): readonly string[] {
  return ["--kubeconfig", kubeconfig, "--kube-context", context];
}
