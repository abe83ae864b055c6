import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MeasuredServer } from "./measured-server.ts";

/** Knot DNS with one UDP worker and the clusterset as a zone file. */
export function knot(program: string): MeasuredServer {
  return {
    name: "knot",
    command({ folder, port, zoneFile }) {
      const file = join(folder, "knot.conf");
      writeFileSync(
        file,
        `server:
    rundir: "${folder}"
    listen: 127.0.0.1@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "${folder}"
log:
  - target: stderr
    any: warning
zone:
  - domain: clusterset.local
    storage: "${folder}"
    file: "${zoneFile}"
    zonefile-sync: -1
    journal-content: none
`,
      );
      return [program, "-c", file];
    },
  };
}
