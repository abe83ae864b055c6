import { formatIpAddress } from "../../../../api/network/ip-address.ts";
import { err, ok, type Result } from "../../../../api/result.ts";
import { type FieldError, invalidValue } from "../../object/field-error.ts";
import {
  field,
  type JsonObject,
  numberAt,
  objectAt,
  stringAt,
  withField,
} from "../../object/json.ts";
import { invalid } from "../../object/status-error.ts";
import type { Prepared, StrategyContext } from "../kind.ts";
import type { ClusterIpAllocator } from "./cluster-ip-allocator.ts";
import type { ServiceNetwork } from "./service-network.ts";
import { hasNodePorts, needsClusterIp, type ServiceSpecView, viewSpec } from "./service-spec.ts";

/** Undoes what was allocated so far, newest first. BOUNDED: by the addresses and ports of one Service. */
type Undo = (() => void)[];

/** Gives a Service its cluster IPs and node ports, all or none, and frees those of `old` it has no more. */
export function allocateService(
  next: JsonObject,
  old: JsonObject | undefined,
  context: StrategyContext,
): Prepared {
  const undo: Undo = [];
  const held = old === undefined ? EMPTY : holdings(viewSpec(old));
  const addressed = allocateIps(next, { held, undo }, context);
  const ported = addressed.ok ? allocatePorts(addressed.value, { held, undo }, context) : addressed;
  if (!ported.ok) {
    for (const step of undo.toReversed()) step();
    return err(
      invalid({ group: "", kind: "Service" }, stringAt(next, ["metadata", "name"]), [ported.error]),
    );
  }
  if (context.dryRun) {
    for (const step of undo.toReversed()) step();
    return ok(ported.value);
  }
  const kept = holdings(viewSpec(ported.value));
  release(context.network, {
    ips: new Set([...held.ips].filter((ip) => !kept.ips.has(ip))),
    ports: new Set([...held.ports].filter((port) => !kept.ports.has(port))),
  });
  return ok(ported.value);
}

/** Gives back all a deleted Service had. */
export function releaseService(service: JsonObject, { network }: StrategyContext): void {
  release(network, holdings(viewSpec(service)));
}

interface Holdings {
  readonly ips: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
}

const EMPTY: Holdings = { ips: new Set(), ports: new Set() };

function holdings(view: ServiceSpecView): Holdings {
  const ports = view.ports.flatMap((port) => numberAt(port, ["nodePort"]) ?? []);
  return { ips: new Set(needsClusterIp(view) ? view.clusterIPs : []), ports: new Set(ports) };
}

function release(network: ServiceNetwork, { ips, ports }: Holdings): void {
  for (const ip of ips) {
    for (const family of network.families) network.clusterIps(family)?.release(ip);
  }
  for (const port of ports) network.nodePorts.release(port);
}

interface Progress {
  readonly held: Holdings;
  readonly undo: Undo;
}

type Step = Result<JsonObject, FieldError>;

function allocateIps(next: JsonObject, progress: Progress, context: StrategyContext): Step {
  const view = viewSpec(next);
  if (!needsClusterIp(view)) return ok(next);
  const ips: string[] = [];
  for (const [index, family] of view.ipFamilies.entries()) {
    const wanted = view.clusterIPs[index];
    const allocator =
      family === "IPv4" || family === "IPv6" ? context.network.clusterIps(family) : undefined;
    if (allocator === undefined) continue;
    const got = allocateIp(allocator, wanted, progress, context.dryRun);
    if (!got.ok) return err(ipError(view, wanted, got.error));
    ips.push(got.value);
  }
  const [first] = ips;
  if (first === undefined) return ok(next);
  return ok(
    withField(next, "spec", { ...objectAt(next, ["spec"]), clusterIP: first, clusterIPs: ips }),
  );
}

function allocateIp(
  allocator: ClusterIpAllocator,
  wanted: string | undefined,
  { held, undo }: Progress,
  dryRun: boolean,
): Result<string, string> {
  if (wanted !== undefined && held.ips.has(wanted)) return ok(wanted);
  // A dry run shows the network address: no Service ever gets it.
  if (wanted === undefined && dryRun)
    return ok(formatIpAddress({ family: allocator.range.family, value: allocator.range.base }));
  const got = wanted === undefined ? allocator.allocateNext() : allocator.allocate(wanted);
  if (got.ok) undo.push(() => allocator.release(got.value));
  return got;
}

function ipError(view: ServiceSpecView, wanted: string | undefined, reason: string): FieldError {
  const text =
    wanted === undefined
      ? `failed to allocate a serviceIP: ${reason}`
      : `failed to allocate IP ${wanted}: ${reason}`;
  return invalidValue("spec.clusterIPs", view.clusterIPs, text);
}

function allocatePorts(next: JsonObject, progress: Progress, context: StrategyContext): Step {
  const view = viewSpec(next);
  const spec = objectAt(next, ["spec"]);
  const wantsNone =
    view.type === "LoadBalancer" && field(spec, "allocateLoadBalancerNodePorts") === false;
  if (!hasNodePorts(view)) return ok(next);
  const taken = new Set<number>();
  const ports: JsonObject[] = [];
  for (const [index, port] of view.ports.entries()) {
    const wanted = numberAt(port, ["nodePort"]);
    if (wanted === undefined && wantsNone) {
      ports.push(port);
      continue;
    }
    const got = allocatePort(wanted, { ...progress, taken }, context.network);
    if (!got.ok) return err(invalidValue(`spec.ports[${index}].nodePort`, wanted ?? 0, got.error));
    taken.add(got.value);
    ports.push(withField(port, "nodePort", got.value));
  }
  return ok(withField(next, "spec", withField(spec, "ports", ports)));
}

/** One Service may use one node port for several protocols. */
function allocatePort(
  wanted: number | undefined,
  { held, taken, undo }: Progress & { readonly taken: ReadonlySet<number> },
  { nodePorts }: ServiceNetwork,
): Result<number, string> {
  if (wanted !== undefined && (held.ports.has(wanted) || taken.has(wanted))) return ok(wanted);
  const got = wanted === undefined ? nodePorts.allocateNext() : nodePorts.allocate(wanted);
  if (got.ok) undo.push(() => nodePorts.release(got.value));
  return got;
}
