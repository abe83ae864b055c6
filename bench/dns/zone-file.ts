import { zoneOf } from "../../dns-server/testing/test-responder.ts";
import type { NameNode } from "../../dns-server/zone/service-records.ts";
import { makeClusterset } from "./clusterset.ts";

const TTL_SECONDS = 5;

/** The clusterset's names as a zone file, for servers that read those. */
export function zoneFile(): string {
  const { namespaces, imports, slices } = makeClusterset();
  const zone = zoneOf({
    imports,
    slices,
    namespaces: namespaces.map(({ metadata }) => metadata.name),
  });
  const lines = [
    "$ORIGIN clusterset.local.",
    `$TTL ${TTL_SECONDS}`,
    "@ SOA ns.dns hostmaster 1 7200 1800 86400 5",
    "@ NS ns.dns",
    "ns.dns A 127.0.0.1",
    'dns-version TXT "1.0.0"',
  ];
  for (const [namespace, { services }] of zone.namespaces) {
    for (const [service, { names }] of services) {
      const origin = `${service}.${namespace}.svc`;
      for (const [name, node] of names) {
        lines.push(...recordLines(name === "" ? origin : `${name}.${origin}`, node, origin));
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

function recordLines(owner: string, node: NameNode, origin: string): readonly string[] {
  const weight = node.srv?.weight ?? 0;
  return [
    ...(node.a ?? []).map((address) => `${owner} A ${address}`),
    ...(node.aaaa ?? []).map((address) => `${owner} AAAA ${address}`),
    ...(node.srv?.records ?? []).map(
      ({ port, target }) =>
        `${owner} SRV 0 ${weight} ${port} ${target === "" ? origin : `${target}.${origin}`}`,
    ),
  ];
}
