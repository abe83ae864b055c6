import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { Sysctls } from "./sysctls.ts";
import type { Files } from "./system-files.ts";

const FORWARD = "/proc/sys/net/ipv4/ip_forward";
const REDIRECTS = "/proc/sys/net/ipv4/conf/eth0/accept_redirects";
const LOOSE = "/proc/sys/net/ipv4/conf/isth-wan/rp_filter";

/** Files in memory; as the kernel does, forwarding changes redirects along with itself. */
class MemoryFiles implements Files {
  readonly content = new Map<string, string>();

  read = async (path: string) => this.content.get(path);
  write = async (path: string, text: string) => {
    this.content.set(path, text);
    if (path === FORWARD) this.content.set(REDIRECTS, text.trim() === "1" ? "0\n" : "1\n");
  };
  replace = async (path: string, text: string) => void this.content.set(path, text);
  create = async (path: string, text: string) => {
    if (this.content.has(path)) return false;
    this.content.set(path, text);
    return true;
  };
  list = async (path: string) => [
    ...new Set(
      [...this.content.keys()]
        .filter((file) => file.startsWith(`${path}/`))
        .map((file) => file.slice(path.length + 1).split("/")[0] ?? ""),
    ),
  ];
  remove = async (path: string) => void this.content.delete(path);
  removeDirectory = async () => undefined;
}

function machine() {
  const files = new MemoryFiles();
  files.content.set(FORWARD, "0\n");
  files.content.set(REDIRECTS, "1\n");
  files.content.set(LOOSE, "1\n");
  const of = (owner: string) =>
    new Sysctls({ procSys: "/proc/sys", directory: "/state/found", owner }, files);
  return { files, of };
}

const WANTED = [
  { path: "net/ipv4/ip_forward", value: "1" },
  { path: "net/ipv4/conf/isth-wan/rp_filter", value: "0", ofLink: "isth-wan" },
  { path: "net/ipv6/none/such", value: "1" },
];

describe("kernel settings", () => {
  test("are as asked for, and what went along with them is back after restore", async () => {
    const { files, of } = machine();
    const before = [files.content.get(FORWARD)?.trim(), files.content.get(REDIRECTS)?.trim()];
    await of("gateway").apply(WANTED);
    expect([FORWARD, LOOSE].map((path) => files.content.get(path))).toEqual(["1", "0"]);
    // A new process finds the earlier one's note, not what that one has set.
    await of("gateway").apply(WANTED);
    await of("gateway").restore();
    expect([FORWARD, REDIRECTS].map((path) => files.content.get(path)?.trim())).toEqual(before);
    const left = [...files.content.keys()].filter((path) => dirname(path) === "/state/found");
    expect(left).toEqual([]);
  });

  test("stay while another process of ours needs them", async () => {
    const { files, of } = machine();
    await of("node-agent").apply(WANTED);
    await of("gateway").apply(WANTED);
    await of("node-agent").restore();
    expect(files.content.get(FORWARD)).toBe("1");
    await of("gateway").restore();
    expect(files.content.get(FORWARD)?.trim()).toBe("0");
  });

  test("that a machine has not are left alone", async () => {
    const { files, of } = machine();
    await of("gateway").apply(WANTED);
    expect([...files.content.keys()].some((path) => path.includes("none"))).toBe(false);
  });
});
