import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchIdentities } from "./identities.ts";

const HEAD = `global
  nbthread 1
  maxconn 8000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
`;

/** Two haproxies in TCP mode, one for each side, a thread each; `tls`: mutual TLS between them. */
export function startHaproxies(
  folder: string,
  { files }: BenchIdentities,
  isTls: boolean,
  services: readonly {
    readonly clients: number;
    readonly between: number;
    readonly server: number;
  }[],
): readonly ChildProcess[] {
  const toEast = isTls ? ` ssl verify required ca-file ${files.ca} crt ${files.west}` : "";
  const atEast = isTls ? ` ssl verify required ca-file ${files.ca} crt ${files.east}` : "";
  const west = services.map(({ clients, between }) => part(clients, "", between, toEast));
  const east = services.map(({ between, server }) => part(between, atEast, server, ""));
  return [west, east].map((parts, side) => {
    const path = join(folder, `haproxy-${isTls ? "tls" : "plain"}-${side}.cfg`);
    writeFileSync(path, HEAD + parts.join(""));
    return spawn("haproxy", ["-db", "-f", path], { stdio: ["ignore", "ignore", "inherit"] });
  });
}

function part(from: number, bind: string, to: number, server: string): string {
  return `listen l${from}
  bind 127.0.0.1:${from}${bind}
  server s 127.0.0.1:${to}${server}
`;
}
