import { z } from "zod";
import type { IpFamily } from "../../../api/kube/service.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type {
  ForwardingEntry,
  Link,
  LinkAddress,
  Neighbour,
  Nexthop,
  NexthopGroup,
  Route,
  Rule,
} from "../plan/kernel-state.ts";

/** What `ip -json` and `bridge -json` (iproute2) say, as far as it can be ours. A list may be empty text. */
function parseList<T extends z.ZodType>(
  item: T,
  what: string,
  text: string,
): Result<readonly z.output<T>[], string> {
  const body = text.trim() === "" ? "[]" : text;
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return err(`cannot read ${what}: must be JSON: got ${JSON.stringify(text.slice(0, 200))}`);
  }
  // iproute2 answers with empty objects for what a filter has left out.
  const parsed = z.array(item).safeParse(Array.isArray(json) ? json.filter(hasKeys) : json);
  return parsed.success
    ? ok(parsed.data)
    : err(`cannot read ${what}: ${z.prettifyError(parsed.error)}`);
}

function hasKeys(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

const LINK = z.object({
  ifname: z.string(),
  mtu: z.int(),
  address: z.string().default(""),
  flags: z.array(z.string()).default([]),
  linkinfo: z
    .object({
      info_kind: z.string().default(""),
      info_data: z
        .object({
          id: z.int().optional(),
          local: z.string().optional(),
          local6: z.string().optional(),
          port: z.int().optional(),
          learning: z.boolean().optional(),
          df: z.string().optional(),
        })
        .default({}),
    })
    .default({ info_kind: "", info_data: {} }),
});

/** A device with one of our names that is none of ours, or is down, comes back with a vni of -1: it is made anew. */
export function parseLinks(
  text: string,
  names: readonly string[],
): Result<readonly Link[], string> {
  const list = parseList(LINK, "links", text);
  if (!list.ok) return list;
  const ours = list.value.filter(({ ifname }) => names.includes(ifname));
  return ok(
    ours.map(({ ifname, mtu, address, flags, linkinfo: { info_kind, info_data } }) => {
      const local = info_data.local ?? info_data.local6;
      const isOurs = info_kind === "vxlan" && info_data.learning !== true && flags.includes("UP");
      return {
        name: ifname,
        vni: isOurs ? (info_data.id ?? -1) : -1,
        port: info_data.port ?? 0,
        ...(local !== undefined && { local }),
        dontFragment: info_data.df === "set",
        mac: address,
        mtu,
      };
    }),
  );
}

const ADDRESSES = z.object({
  ifname: z.string().default(""),
  addr_info: z
    .array(z.object({ local: z.string(), prefixlen: z.int(), scope: z.string().default("") }))
    .default([]),
});

export function parseAddresses(
  text: string,
  names: readonly string[],
): Result<readonly LinkAddress[], string> {
  const list = parseList(ADDRESSES, "addresses", text);
  if (!list.ok) return list;
  return ok(
    list.value
      .filter(({ ifname }) => names.includes(ifname))
      .flatMap(({ ifname, addr_info }) =>
        addr_info.map(({ local, prefixlen }) => ({
          link: ifname,
          address: prefixlen === wholeLength(local) ? local : `${local}/${prefixlen}`,
        })),
      ),
  );
}

const NEIGHBOUR = z.object({
  dst: z.string(),
  dev: z.string().optional(),
  lladdr: z.string().default(""),
  state: z.array(z.string()).default([]),
});

/** Of one link. Entries that the kernel made by itself are not ours. */
export function parseNeighbours(text: string, link: string): Result<readonly Neighbour[], string> {
  const list = parseList(NEIGHBOUR, "neighbours", text);
  if (!list.ok) return list;
  return ok(
    list.value
      .filter(({ state }) => state.includes("PERMANENT"))
      .map(({ dst, lladdr }) => ({ link, address: dst, mac: lladdr })),
  );
}

const FORWARDING = z.object({
  mac: z.string(),
  dst: z.string().optional(),
  port: z.int().optional(),
});

export function parseForwarding(
  text: string,
  link: string,
): Result<readonly ForwardingEntry[], string> {
  const list = parseList(FORWARDING, "forwarding entries", text);
  if (!list.ok) return list;
  return ok(
    list.value.flatMap(({ mac, dst, port }) =>
      dst === undefined ? [] : [{ link, mac, remote: dst, ...(port !== undefined && { port }) }],
    ),
  );
}

const NEXTHOP = z.object({
  id: z.int(),
  gateway: z.string().optional(),
  dev: z.string().optional(),
  group: z.array(z.object({ id: z.int() })).optional(),
});

export function parseNexthops(
  text: string,
  isOurs: (id: number) => boolean,
): Result<
  { readonly nexthops: readonly Nexthop[]; readonly groups: readonly NexthopGroup[] },
  string
> {
  const list = parseList(NEXTHOP, "nexthops", text);
  if (!list.ok) return list;
  const ours = list.value.filter(({ id }) => isOurs(id));
  return ok({
    nexthops: ours.flatMap(({ id, gateway, dev, group }) =>
      group === undefined ? [{ id, link: dev ?? "", via: gateway ?? "" }] : [],
    ),
    groups: ours.flatMap(({ id, group }) =>
      group === undefined ? [] : [{ id, members: group.map((member) => member.id) }],
    ),
  });
}

const ROUTE = z.object({
  dst: z.string(),
  table: z.string().optional(),
  type: z.string().optional(),
  nhid: z.int().optional(),
  dev: z.string().optional(),
  prefsrc: z.string().optional(),
  metrics: z.array(z.object({ mtu: z.int().optional() })).optional(),
});

/** Out of `ip route show table all`. A route of ours that is neither kind comes back as one to a nexthop that cannot be. */
export function parseRoutes(
  text: string,
  family: IpFamily,
  isOurs: (table: number) => boolean,
): Result<readonly Route[], string> {
  const list = parseList(ROUTE, "routes", text);
  if (!list.ok) return list;
  return ok(
    list.value
      .filter(({ table }) => isOurs(Number(table ?? "254")))
      .map(({ dst, table, type, nhid, dev, prefsrc, metrics }): Route => {
        const mtu = metrics?.find((metric) => metric.mtu !== undefined)?.mtu;
        return {
          table: Number(table),
          destination: withLength(dst, family),
          target: routeTarget(type, nhid, dev),
          ...(prefsrc !== undefined && { source: prefsrc }),
          ...(mtu !== undefined && { mtu }),
        };
      }),
  );
}

function routeTarget(
  type: string | undefined,
  nhid: number | undefined,
  device: string | undefined,
): Route["target"] {
  if (type === "unreachable") return { kind: "unreachable" };
  return nhid === undefined && device !== undefined
    ? { kind: "link", name: device }
    : { kind: "nexthop", id: nhid ?? -1 };
}

function withLength(destination: string, family: IpFamily): string {
  if (destination === "default") return family === "IPv6" ? "::/0" : "0.0.0.0/0";
  return destination.includes("/") ? destination : `${destination}/${wholeLength(destination)}`;
}

function wholeLength(address: string): number {
  return address.includes(":") ? 128 : 32;
}

const RULE = z.object({
  priority: z.int(),
  table: z.string().optional(),
  fwmark: z.string().optional(),
  fwmask: z.string().optional(),
  iif: z.string().optional(),
});

export function parseRules(
  text: string,
  family: IpFamily,
  isOurs: (table: number) => boolean,
): Result<readonly Rule[], string> {
  const list = parseList(RULE, "rules", text);
  if (!list.ok) return list;
  return ok(
    list.value
      .filter(({ table }) => table !== undefined && isOurs(Number(table)))
      .map(({ priority, table, fwmark, fwmask, iif }) => ({
        family,
        priority,
        table: Number(table),
        ...(fwmark !== undefined && {
          mark: { value: Number(fwmark), mask: Number(fwmask ?? "0xffffffff") },
        }),
        ...(iif !== undefined && { fromLink: iif }),
      })),
  );
}
