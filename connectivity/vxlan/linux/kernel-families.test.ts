import { expect, test } from "vitest";
import { err, ok } from "../../../api/result.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { example } from "../plan/example.fixture.ts";
import { NO_SLOTS } from "../plan/plan.ts";
import { planNode } from "../plan/plan-node.ts";
import { DEFAULT_VXLAN_SETTINGS } from "../plan/settings.ts";
import { Dataplane } from "./dataplane.ts";
import type { RunCommand } from "./run-command.ts";
import type { Files } from "./system-files.ts";

const SETTINGS = ["net/ipv4/ip_forward", "net/ipv4/conf/isth-node/rp_filter"];

/** A machine whose kernel was started with `ipv6.disable=1`: no settings of IPv6, and its words about what it does not know. */
function machine() {
  const content = new Map(SETTINGS.map((path) => [`/proc/sys/${path}`, "0\n"]));
  const files: Files = {
    read: async (path) => content.get(path),
    write: async (path, text) => void content.set(path, text),
    replace: async (path, text) => void content.set(path, text),
    create: async (path, text) => !content.has(path) && content.set(path, text) !== undefined,
    list: async () => [],
    remove: async (path) => void content.delete(path),
    removeDirectory: async () => undefined,
  };
  const lines: string[] = [];
  const run: RunCommand = async ({ program, args, input = "" }) => {
    if (program === "ip" && args.includes("-6")) {
      return err("ip: exit code 2: RTNETLINK answers: Operation not supported");
    }
    if (program === "ip" && input.includes("addrgenmode")) {
      return err("ip: exit code 1: RTNETLINK answers: Address family not supported by protocol");
    }
    if (program === "ip") lines.push(...input.split("\n"));
    return ok("");
  };
  const dataplane = new Dataplane(
    {
      owner: "node-agent",
      stateDir: "/state",
      ownership: {
        links: ["isth-node"],
        nftTables: ["isthmus_node"],
        table: () => true,
        nexthop: () => true,
      },
    },
    { run, files, log: silentLogger },
  );
  return { dataplane, lines, content };
}

test.each(["v4", "dual"] as const)(
  "a kernel without IPv6 gets all of IPv4, also in a %s cluster",
  async (families) => {
    const { own, facts } = example(1, families);
    const other = example(2, families);
    // A node without IPv6 has no such address; the cluster's others may.
    const nodes = own.nodes.map((node) =>
      node.name === "node-2"
        ? { ...node, internalIps: facts[1]?.internalIps.slice(0, 1) ?? [] }
        : node,
    );
    const plan = planNode({
      network: { ...own, nodes },
      node: "node-2",
      peers: [{ ...other.peer, through: ["node-1"] }],
      outerMtu: 1_500,
      slots: NO_SLOTS,
      settings: DEFAULT_VXLAN_SETTINGS,
    });
    if (plan === undefined) throw new Error("no plan");
    const { dataplane, lines, content } = machine();
    const { signal } = new AbortController();
    expect(await dataplane.apply(plan, undefined, signal)).toEqual(ok(undefined));
    expect(lines).toContainEqual(expect.stringMatching(/^route replace 242\.2\.0\.0\/17 /));
    expect(lines).toContainEqual(expect.stringMatching(/^link set dev isth-node up$/));
    expect(lines.filter((line) => /fd[0-9a-f]{2}:/.test(line))).toEqual([]);
    expect(content.get("/proc/sys/net/ipv4/ip_forward")).toBe("1");
    // The kernel of this test forgets: all of it is missed, and nothing fails.
    expect(await dataplane.verify(undefined, signal)).toEqual(ok(true));
    expect(await dataplane.cleanup(signal)).toEqual(ok(undefined));
  },
);
