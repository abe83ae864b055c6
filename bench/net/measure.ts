import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runCommands } from "../../sandbox/network/netns/run-commands.ts";
import { VxlanWorld } from "../../test/net/harness/vxlan-world.ts";
import { print, printTable, ratio } from "../dns/report.ts";
import { cardOffloads } from "./card-offloads.ts";
import { buildHandmade } from "./handmade-vxlan.ts";
import { buildHandmadeWireguard } from "./handmade-wireguard.ts";
import { ManyExports } from "./many-exports.ts";
import {
  MEASURED_PORTS,
  measurePath,
  medianFigures,
  type PathFigures,
  serveMeasurements,
} from "./measure-path.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
    gateways: { type: "string", default: "1,2,4" },
    endpoints: { type: "string", default: "100,1000,10000" },
    wireguard: { type: "boolean", default: false },
    cards: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const counts = values.endpoints.split(",").filter((text) => text !== "");
const encryption = values.wireguard ? "wireguard" : "none";
const HAND = values.wireguard ? "by hand, WireGuard" : "by hand";

const directory = mkdtempSync(join(tmpdir(), "isthmus-bench-net-"));
const rr = join(directory, "rr");
const source = fileURLToPath(new URL("./rr.c", import.meta.url));
execFileSync("cc", ["-std=gnu17", "-O2", "-Wall", "-Wextra", source, "-o", rr], {
  stdio: "inherit",
});

/** What is measured in turn. */
interface Turn {
  readonly path: string;
  readonly client: string;
  readonly address: string;
  /** What must be so before. */
  readonly prepare?: () => Promise<void>;
}

interface MeasuredRow {
  readonly path: string;
  readonly gateways: string;
  readonly figures: PathFigures;
  /** What it is compared with. */
  readonly of?: PathFigures;
}

const rows: MeasuredRow[] = [];
try {
  print(
    `${rounds} rounds of ${seconds} s each, medians; load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  for (const gateways of values.gateways.split(",").map(Number)) await measureWith(gateways);
  const times = (ours: number, theirs: number | undefined): string =>
    theirs === undefined ? "" : ratio(ours, theirs);
  printTable(
    rows.map(({ path, gateways, figures, of }) => ({
      path,
      gateways,
      "Gbit/s, 1 stream": figures.stream,
      "by hand": times(figures.stream, of?.stream),
      "4 streams": figures.streams,
      "by hand ": times(figures.streams, of?.streams),
      "answers/s, 1 connection": figures.answers,
      "by hand  ": times(figures.answers, of?.answers),
      "16 connections": figures.answersOfSixteen,
      "by hand   ": times(figures.answersOfSixteen, of?.answersOfSixteen),
    })),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/**
 * All paths stand at once and are measured in turn in each round, there and back by turns, so that a noisy moment is everybody's and
 * none is always behind another. Nodes of the path by hand run nothing of ours: their packets would meet its rules.
 */
async function measureWith(gateways: number): Promise<void> {
  await using vxlan = await VxlanWorld.build(
    {
      clusters: ["a", "b", "c", "d", "e"],
      // Pods are on the last node, which is never a gateway, so that every packet passes all three segments.
      nodesPerCluster: gateways + 1,
      underlay: [["c", "e"]],
    },
    { gateways, encryption, ports: MEASURED_PORTS, members: ["a", "b"] },
  );
  const { world } = vxlan;
  const { mtu } = world.clusterset.plan;
  const clusters = [world.cluster("c").plan, world.cluster("d").plan] as const;
  const between = values.wireguard
    ? { between: await buildHandmadeWireguard(clusters, gateways, mtu) }
    : {};
  if (values.cards) await runCommands(cardOffloads(world.clusterset.plan.clusters));
  await runCommands(buildHandmade({ clusters, gateways, ...between }, mtu));
  await vxlan.startBackend();
  const clientOf = (id: string): string => world.cluster(id).clients.at(-1)?.namespace ?? "";
  const serverOf = (id: string) => vxlan.server(world.cluster(id).plan.nodes.at(-1));
  for (const id of ["b", "d", "e"]) serveMeasurements(serverOf(id).process.namespace, rr);
  const many = new ManyExports(vxlan, "b");
  const ours = { client: clientOf("a"), address: serverOf("b").globalAddresses[0] ?? "" };
  const byHand = { client: clientOf("c"), address: serverOf("d").addresses[0] ?? "" };
  const plain = { client: clientOf("c"), address: serverOf("e").addresses[0] ?? "" };
  const isFirst = rows.length === 0;
  await measureInTurn(gateways, [
    ...(isFirst && !values.wireguard ? [{ path: "plain routing", ...plain }] : []),
    { path: HAND, ...byHand },
    { path: "Isthmus", ...ours, prepare: () => many.bringTo(0) },
    ...(isFirst ? counts : []).map((count) => ({
      path: `Isthmus, ${Number(count).toLocaleString("en")} endpoints exported`,
      ...ours,
      prepare: () => many.bringTo(Number(count)),
    })),
  ]);
}

async function measureInTurn(gateways: number, turns: readonly Turn[]): Promise<void> {
  const seen = new Map<Turn, PathFigures[]>(turns.map((turn) => [turn, []]));
  for (let round = 0; round < rounds; round++) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) {
      await turn.prepare?.();
      seen.get(turn)?.push(await measurePath(turn, rr, seconds));
    }
  }
  const figures = [...seen].map(([{ path }, all]) => ({ path, figures: medianFigures(all) }));
  const byHand = figures.find(({ path }) => path === HAND)?.figures;
  for (const row of figures) {
    rows.push({
      ...row,
      gateways: row.path === "plain routing" ? "" : `${gateways}`,
      ...(row.path.startsWith("Isthmus") && byHand !== undefined ? { of: byHand } : {}),
    });
  }
}
