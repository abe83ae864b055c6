import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { planHarnessPod } from "../../sandbox/network/netns/net-plan.ts";
import { runCommands } from "../../sandbox/network/netns/run-commands.ts";
import { NetWorld } from "../../test/net/harness/net-world.ts";
import { print, printTable, ratio } from "../dns/report.ts";
import { buildHandmade, removeHandmade } from "./handmade-vxlan.ts";
import {
  type MeasuredPath,
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
/** Pods are on the last node, which is never a gateway, so that every packet passes all three segments. */
const NODES = 5;

const directory = mkdtempSync(join(tmpdir(), "isthmus-bench-net-"));
const rr = join(directory, "rr");
const source = fileURLToPath(new URL("./rr.c", import.meta.url));
execFileSync("cc", ["-std=gnu17", "-O2", "-Wall", "-Wextra", source, "-o", rr], {
  stdio: "inherit",
});

interface MeasuredRow {
  readonly path: string;
  readonly figures: PathFigures;
}

try {
  await using world = await NetWorld.start(
    { clusters: ["a", "b", "c"], nodesPerCluster: NODES, underlay: [["a", "b"]] },
    { processes: false },
  );
  const client = world.cluster("a").clients.at(-1)?.namespace ?? "";
  const pathTo = (id: string): MeasuredPath => {
    const { plan } = world.cluster(id);
    const node = plan.nodes.at(-1);
    if (node === undefined) throw new Error(`no nodes in ${id}`);
    const pod = planHarnessPod(plan, node, { name: `client-${NODES}`, offset: 1, managed: false });
    return { client, server: pod.namespace, address: pod.addresses[0] ?? "" };
  };
  for (const id of ["b", "c"]) serveMeasurements(pathTo(id).server, rr);
  print(
    `${rounds} rounds of ${seconds} s each, medians; load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  const rows: MeasuredRow[] = [await measured("plain routing", pathTo("b"))];
  const pair = [world.cluster("a").plan, world.cluster("c").plan] as const;
  for (const gateways of values.gateways.split(",").map(Number)) {
    const handmade = { clusters: pair, gateways };
    await runCommands(buildHandmade(handmade, world.clusterset.plan.mtu));
    rows.push(await measured(`kernel VXLAN by hand, gateways: ${gateways}`, pathTo("c")));
    await runCommands(removeHandmade(handmade));
  }
  const [plain] = rows;
  printTable(
    rows.map(({ path, figures }) => ({
      path,
      "Gbit/s, 1 stream": figures.stream,
      "4 streams": figures.streams,
      "answers/s, 1 connection": figures.answers,
      "16 connections": figures.answersOfSixteen,
      "of plain routing": plain === undefined ? "" : ratio(figures.stream, plain.figures.stream),
    })),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measured(path: string, to: MeasuredPath): Promise<MeasuredRow> {
  const seen: PathFigures[] = [];
  for (let round = 0; round < rounds; round++) seen.push(await measurePath(to, rr, seconds));
  return { path, figures: medianFigures(seen) };
}
