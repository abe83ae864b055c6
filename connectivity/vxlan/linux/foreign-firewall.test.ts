import { expect, test } from "vitest";
import { err, ok, type Result } from "../../../api/result.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { closedForwardChains, ForeignFirewall } from "./foreign-firewall.ts";

const DEVICES = ["isth-node", "isth-wan"];
const { signal } = new AbortController();

/** As nft 1.0.6 lists them. */
function listing(...chains: readonly object[]): string {
  const metainfo = { version: "1.0.6", release_name: "Lester Gooch #5", json_schema_version: 1 };
  return JSON.stringify({ nftables: [{ metainfo }, ...chains.map((chain) => ({ chain }))] });
}

const docker = { family: "ip", table: "filter", name: "DOCKER", handle: 2 };
const ours = base("inet", "isthmus_gateway", "to_tunnel", "forward", "accept");
const closed = base("ip", "filter", "FORWARD", "forward", "drop");

function base(family: string, table: string, name: string, hook: string, policy: string): object {
  return { family, table, name, handle: 1, type: "filter", hook, prio: 0, policy };
}

test.each<[what: string, listing: string, chains: readonly string[]]>([
  ["a chain that drops what it has no rule for", listing(docker, closed), ["ip filter FORWARD"]],
  ["none that accepts it", listing(base("inet", "firewalld", "f", "forward", "accept"), ours), []],
  [
    "none about packets for the machine",
    listing(base("ip", "filter", "INPUT", "input", "drop")),
    [],
  ],
  ["none that others jump to", listing(docker), []],
  ["nothing", "", []],
])("of a firewall: %s", (_what, text, chains) => {
  expect(closedForwardChains(text)).toEqual(chains);
});

test("a firewall is told of once, and again when it is back", async () => {
  const told: unknown[] = [];
  let answer: Result<string, string> = ok(listing(closed));
  const log = { ...silentLogger, warn: (_message: string, fields?: unknown) => told.push(fields) };
  const firewall = new ForeignFirewall({ run: async () => answer, log });
  const look = async (next: Result<string, string>): Promise<number> => {
    answer = next;
    await firewall.look(DEVICES, signal);
    return told.length;
  };
  expect(await look(ok(listing(closed)))).toBe(1);
  expect(told).toEqual([{ chains: ["ip filter FORWARD"], devices: DEVICES }]);
  expect(await look(ok(listing(closed, docker)))).toBe(1);
  expect(await look(err("nft: exit code 1"))).toBe(1);
  expect(await look(ok(listing(docker)))).toBe(1);
  expect(await look(ok(listing(closed)))).toBe(2);
});
