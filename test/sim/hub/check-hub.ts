import { type RowKey, rowKey } from "../../../api/broker/row.ts";
import { anExportRow } from "../../../broker/wire/test-rows.ts";
import type { Report } from "../check/violation.ts";
import { type HubMember, NAMESPACE, serviceOf } from "./hub-member.ts";
import { ROWS } from "./hub-script.ts";
import type { HubWorld } from "./hub-world.ts";

/**
 * At rest: every replica holds, and every member shows, exactly what each member wants to export; nothing of those whose rows
 * were withdrawn; of those who are frozen what was there in that moment. Nobody who is revoked has a stream, everybody else has.
 */
export function checkHub(world: HubWorld, report: Report): void {
  for (const member of world.members) {
    checkConnection(world, member, report);
    for (const [index, replica] of world.replicas.entries()) {
      const owner = replica.store.table.owner(member.cluster);
      const held = new Map([...(owner?.rows() ?? [])].map(([key, row]) => [key, row.sequence]));
      const problem = compareHeld(world, member, held);
      if (problem === undefined) continue;
      report("H1", `replica ${index} holds of ${member.cluster}: ${problem}`);
    }
    for (const reader of world.members) {
      if (reader === member || world.revoked(reader) !== undefined) continue;
      const problem = compareShown(world, member, reader);
      if (problem === undefined) continue;
      report("H1", `${reader.cluster} shows of ${member.cluster}: ${problem}`);
    }
  }
}

/** Everybody who may be; a stream that moves to a newer certificate is between two for a moment. */
export function isSettled(world: HubWorld): boolean {
  return world.members.every(
    (member) => world.revoked(member) !== undefined || member.link?.status().kind === "connected",
  );
}

function checkConnection(world: HubWorld, member: HubMember, report: Report): void {
  const isRevoked = world.revoked(member) !== undefined;
  const status = member.link?.status();
  const isConnected = status?.kind === "connected";
  if (isConnected && isRevoked) report("revoked", `${member.cluster} is revoked and connected`);
  if (isConnected || isRevoked) return;
  report("H2", `${member.cluster} must be connected at rest: ${JSON.stringify(status)}`);
}

function compareHeld(
  world: HubWorld,
  member: HubMember,
  held: ReadonlyMap<RowKey, number>,
): string | undefined {
  const revoked = world.revoked(member);
  if (revoked?.rows === "freeze") return differ(texts(held), texts(revoked.kept));
  const wanted = revoked === undefined ? [...member.rows.keys()].map(keyOf) : [];
  return differ([...held.keys()].sort().join(), wanted.sort().join());
}

function compareShown(world: HubWorld, owner: HubMember, reader: HubMember): string | undefined {
  const shown = new Map<RowKey, number>();
  for (let row = 0; row < ROWS; row += 1) {
    for (const seen of reader.link?.foreignRows(serviceOf(row)) ?? []) {
      if (seen.kind === "export" && seen.cluster === owner.cluster) {
        shown.set(keyOf(row), seen.createdAtMs);
      }
    }
  }
  const revoked = world.revoked(owner);
  if (revoked?.rows === "freeze") {
    if (!revoked.isWhole) return undefined;
    const kept = [...revoked.kept.keys()].sort().join();
    return differ([...shown.keys()].sort().join(), kept);
  }
  const wanted = revoked === undefined ? [...owner.rows] : [];
  return differ(
    texts(shown),
    texts(new Map(wanted.map(([row, version]) => [keyOf(row), version]))),
  );
}

function keyOf(row: number): RowKey {
  return rowKey(anExportRow({ namespace: NAMESPACE, name: `row-${row}` }));
}

function differ(found: string, wanted: string): string | undefined {
  return found === wanted ? undefined : `${found || "nothing"}, not ${wanted || "nothing"}`;
}

function texts(rows: ReadonlyMap<RowKey, number>): string {
  return [...rows]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join();
}
