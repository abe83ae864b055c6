import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SAMPLE_NAME } from "../../sandbox/demo/demo-scenario.ts";
import { SAMPLE } from "../../sandbox/demo/sample-service.ts";
import { excusedBy } from "../permissions/calls.ts";
import { WITH_SECRET } from "../permissions/proofs.ts";
import { type Outcome, runIsthmus } from "../system/run-isthmus.ts";
import { expectAnswerFrom } from "./two-clusters/answer-from.ts";
import { settledContents } from "./two-clusters/cluster-contents.ts";
import { expectOwnRights } from "./two-clusters/own-rights.ts";
import { startTwoClusters, whyNot } from "./two-clusters/start-two-clusters.ts";
import type { LineCluster, TwoClusters } from "./two-clusters/two-clusters.ts";

// The five lines of docs/install.md, typed as they stand there, and the way out again. Besides what a reader fills in, the lines say which
// image nodes pull, where they do not know the default one.

const stopping = new AbortController();
const { signal } = stopping;
const LIMIT_MS = 900_000;
const reason = whyNot();

describe.skipIf(reason !== "")(`five lines${reason}`, () => {
  let folder: string;
  let clusters: TwoClusters;
  let before: readonly Awaited<ReturnType<typeof settledContents>>[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "isthmus-lines-"));
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

  /** A line as it is typed, where kubectl reaches the cluster. */
  function type(line: string, { kubeconfig, context }: LineCluster): Promise<Outcome> {
    const [program, ...words] = line.split(" ");
    expect(program).toBe("isthmus");
    const where = context === undefined ? [] : ["--context", context];
    return runIsthmus([...words, "--kubeconfig", kubeconfig, ...where], signal);
  }

  function hubFlags({ hub, image }: TwoClusters): string {
    const { address, nodePort } = hub;
    return [
      ...(address === undefined ? [] : [`--address ${address}`]),
      ...(nodePort === undefined ? [] : [`--service-type NodePort --node-port ${nodePort}`]),
      ...(image === "isthmus" ? [] : [`--image ${image}`]),
      `--data-dir ${join(folder, "audit")}`,
    ].join(" ");
  }

  test("to the first answer of another cluster", { timeout: LIMIT_MS }, async () => {
    const { east, west, image, netImage } = clusters;
    const hub = await type(
      `isthmus install hub --apply --cluster east,west ${hubFlags(clusters)}`,
      east,
    );
    expect(hub).toMatchObject({ code: 0, problems: [] });
    const lines = hub.lines.slice(-2);
    const chosen = image === "isthmus" ? "" : ` --image ${image}`;
    expect(lines.map((line) => line.replace(/isthmus-join\.\S+/, "isthmus-join.…"))).toEqual(
      ["east", "west"].map(
        (id) => `isthmus install member --cluster-id ${id} isthmus-join.… --apply${chosen}`,
      ),
    );
    const overlay = netImage === undefined ? "" : ` --backends vxlan --net-image ${netImage}`;
    for (const [index, cluster] of [east, west].entries()) {
      const member = await type(`${lines[index]}${overlay}`, cluster);
      expect(member).toMatchObject({ code: 0, problems: [] });
    }
    await clusters.wireDns(west);
    const exported = await type(`isthmus export ${SAMPLE.name} -n ${SAMPLE.namespace}`, east);
    expect(exported).toMatchObject({ code: 0, lines: ["shop/web exported"] });
    await expectAnswerFrom(east, west, new URL(`http://${SAMPLE_NAME}/`), { ...clusters, signal });
  });

  test("all of it with no more than the shipped roles grant, and nothing refused (SEC-08)", async () => {
    const did = await expectOwnRights(clusters, "isthmus-system", signal);
    const withSecret = excusedBy("isthmus:controllers", WITH_SECRET);
    expect(withSecret).toHaveLength(2);
    expect([...(did.get("isthmus:controllers") ?? [])]).toEqual(
      expect.arrayContaining([...withSecret]),
    );
  });

  test("a hub with members is not taken away", async () => {
    const { code, problems } = await type("isthmus uninstall hub", clusters.east);
    expect({ code, problems }).toEqual({
      code: 1,
      problems: [expect.stringContaining("got east, west; nothing was removed")],
    });
  });

  test("the audit log holds who was let in by a join line", async () => {
    const argv = ["audit", "--data-dir", join(folder, "audit")];
    const { code, lines } = await runIsthmus(argv, signal);
    expect(code).toBe(0);
    const tokens = lines.map((line) => JSON.parse(line) as { kind: string; cluster: string });
    expect(tokens.map(({ kind, cluster }) => `${kind} ${cluster}`)).toEqual([
      "token-created east",
      "token-created west",
    ]);
  });

  test("and out again: objects are as before, but for the definitions", {
    timeout: LIMIT_MS,
  }, async () => {
    const { east, west } = clusters;
    const unexported = await type(`isthmus unexport ${SAMPLE.name} -n ${SAMPLE.namespace}`, east);
    expect(unexported).toMatchObject({ code: 0, lines: ["shop/web unexported"] });
    const members = { west, east };
    const receipts = await Promise.all(
      Object.values(members).map((cluster) => type("isthmus uninstall member", cluster)),
    );
    for (const [index, id] of Object.keys(members).entries()) {
      expect(receipts[index]).toMatchObject({ code: 0, problems: [] });
      expect(receipts[index]?.lines.join("\n")).toContain(`${id} left clusterset default`);
    }
    expect(await type("isthmus uninstall hub", east)).toMatchObject({ code: 0, problems: [] });
    expect(await contents()).toEqual(before);
  });
});
