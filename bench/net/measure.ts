import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runCommands } from "../../sandbox/network/netns/run-commands.ts";
import { VxlanWorld } from "../../test/net/harness/vxlan-world.ts";
import { print, printTable, ratio } from "../dns/report.ts";
import { buildHandmade } from "./handmade-vxlan.ts";
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
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const MANY = 10_000;

const directory = mkdtempSync(join(tmpdir(), "isthmus-bench-net-"));
const rr = join(directory, "rr");
const source = fileURLToPath(new URL("./rr.c", import.meta.url));
execFileSync("cc", ["-std=gnu17", "-O2", "-Wall", "-Wextra", source, "-o", rr], {
  stdio: "inherit",
});

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

/** All paths at once, measured in turn in each round, so that a noisy moment is everybody's. */
async function measureWith(gateways: number): Promise<void> {
  await using vxlan = await VxlanWorld.build(
    {
      clusters: ["a", "b", "c"],
      // Pods are on the last node, which is never a gateway, so that every packet passes all three segments.
      nodesPerCluster: gateways + 1,
      underlay: [["a", "b"]],
    },
    { gateways, ports: MEASURED_PORTS },
  );
  const { world } = vxlan;
  const pair = [world.cluster("a").plan, world.cluster("c").plan] as const;
  await runCommands(buildHandmade({ clusters: pair, gateways }, world.clusterset.plan.mtu));
  await vxlan.startBackend();
  const client = world.cluster("a").clients.at(-1)?.namespace ?? "";
  const near = vxlan.server(world.cluster("b").plan.nodes.at(-1));
  const far = vxlan.server(world.cluster("c").plan.nodes.at(-1));
  for (const { process } of [near, far]) serveMeasurements(process.namespace, rr);
  const paths: Readonly<Record<string, string>> = {
    "plain routing": near.addresses[0] ?? "",
    "kernel VXLAN by hand": far.addresses[0] ?? "",
    "vxlan of Isthmus": far.globalAddresses[0] ?? "",
  };
  const seen = new Map<string, PathFigures[]>();
  const measureAll = async (names: readonly string[], suffix = ""): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        const key = `${name}${suffix}`;
        const figures = await measurePath({ client, address: paths[name] ?? "" }, rr, seconds);
        seen.set(key, [...(seen.get(key) ?? []), figures]);
      }
    }
  };
  await measureAll(Object.keys(paths));
  if (gateways === 1) {
    await vxlan.exportMany("c", MANY);
    await world.until("the rules to be loaded", () => vxlan.hasRulesFor("c", MANY));
    await measureAll(["vxlan of Isthmus"], `, ${MANY.toLocaleString("en")} endpoints exported`);
  }
  const byHand = medianFigures(seen.get("kernel VXLAN by hand") ?? []);
  for (const [path, all] of seen) {
    const isOurs = path.startsWith("vxlan");
    rows.push({
      path,
      gateways: path === "plain routing" ? "" : `${gateways}`,
      figures: medianFigures(all),
      ...(isOurs ? { of: byHand } : {}),
    });
  }
}
