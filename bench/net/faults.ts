import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { isInRoom, runInRoom, whyNoRoom } from "../../sandbox/network/netns/enter-room.ts";
import type { LoadReport } from "../../sandbox/network/netns/pod/load/load-report.ts";
import { FAULTS, strikeUnderLoad } from "../../test/net/harness/fault-scenarios.ts";
import { VxlanWorld } from "../../test/net/harness/vxlan-world.ts";
import { print, printTable } from "../dns/report.ts";

// `node bench/net/faults.ts`: faults under load, many times, and the gaps that a user would have seen. README.md says more.

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "50" },
    only: { type: "string", default: "" },
  },
});

if (isInRoom()) await measure();
else {
  const problem = whyNoRoom(["nft", "setpriv"], process.env["PATH"]);
  if (problem === undefined) process.exitCode = await runInRoom(process.argv, process.env);
  else {
    process.stderr.write(`faults cannot be measured: ${problem}\n`);
    process.exitCode = 1;
  }
}

async function measure(): Promise<void> {
  await using vxlan = await VxlanWorld.build({ clusters: ["a", "b"], nodesPerCluster: 3 });
  await vxlan.startBackend();
  print(
    `${values.runs} runs each; load average ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );
  const rows: Record<string, string | number>[] = [];
  for (const [fault, scenarioOf] of Object.entries(FAULTS)) {
    if (!fault.includes(values.only)) continue;
    const reports: LoadReport[] = [];
    for (let run = 0; run < Number(values.runs); run++) {
      const scenario = scenarioOf(vxlan, run);
      const report = await strikeUnderLoad(vxlan, scenario);
      if (scenario.mustLose === true && report.udp.answers === report.udp.sent) {
        throw new Error(`run ${run} of "${fault}" struck nothing: every packet was answered`);
      }
      reports.push(report);
      await scenario.mend();
      await scenario.again?.();
    }
    const gaps = (pick: (report: LoadReport) => number): string => {
      const sorted = reports.map(pick).toSorted((a, b) => a - b);
      const p50 = sorted[Math.floor(sorted.length / 2)] ?? 0;
      return `${p50.toFixed(0)} / ${(sorted.at(-1) ?? 0).toFixed(0)}`;
    };
    const total = (pick: (report: LoadReport) => number): number =>
      reports.reduce((sum, report) => sum + pick(report), 0);
    const row = {
      fault,
      "UDP gap, p50 / max ms": gaps(({ udp }) => udp.longestGapMs),
      "new connections": gaps(({ opens }) => opens.longestGapMs),
      "open connections": gaps(({ tcp }) => tcp.longestGapMs),
      "lost or silent": `${total(({ tcp, opens, silent }) => tcp.lost + opens.failed + silent)} of ${total(({ tcp }) => tcp.connections)}`,
      load: loadavg()[0] ?? 0,
    };
    // As soon as it is known: all of it takes twenty minutes.
    print(Object.values(row).join("; "));
    rows.push(row);
  }
  printTable(rows);
}
