import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MeasuredServer } from "./measured-server.ts";

/** NSD with one server process and the clusterset as a zone file. */
export function nsd(program: string): MeasuredServer {
  return {
    name: "nsd",
    command({ folder, port, zoneFile }) {
      const file = join(folder, "nsd.conf");
      writeFileSync(
        file,
        `server:
  ip-address: 127.0.0.1
  port: ${port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  pidfile: "${join(folder, "nsd.pid")}"
  xfrdfile: "${join(folder, "xfrd.state")}"
  zonelistfile: "${join(folder, "zone.list")}"
  hide-version: yes
remote-control:
  control-enable: no
zone:
  name: clusterset.local
  zonefile: ${zoneFile}
`,
      );
      return [program, "-d", "-c", file];
    },
  };
}
