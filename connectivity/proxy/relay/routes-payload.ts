import { parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { FieldReader, FieldWriter } from "../frame/fields.ts";
import { FRAME, maxPayloadBytes } from "../frame/frame-type.ts";
import { MAX_RELAYS, MAX_ROUTES, type Route } from "./route-table.ts";

const MAX_ID_BYTES = 63;

/** Payload of a routes frame: all of them each time, or the first ones where names are so long that not all fit in a frame. */
export function encodeRoutes(routes: readonly Route[]): Uint8Array {
  const told: Uint8Array[] = [];
  let bytes = 2;
  for (const { to, cost, path } of routes) {
    const writer = new FieldWriter().text(to).uint32(cost).uint8(path.length);
    for (const member of path) writer.text(member);
    const route = writer.finish();
    bytes += route.length;
    if (bytes > maxPayloadBytes(FRAME.routes)) break;
    told.push(route);
  }
  return Buffer.concat([new FieldWriter().uint16(told.length).finish(), ...told]);
}

export function decodeRoutes(payload: Uint8Array): Result<readonly Route[], string> {
  const reader = new FieldReader(payload);
  const count = reader.uint16();
  if (count > MAX_ROUTES) return err(`routes must be at most ${MAX_ROUTES}: got ${count}`);
  const routes: Route[] = [];
  for (let n = 0; n < count && reader.failed === undefined; n++) {
    const to = parseClusterId(reader.text(MAX_ID_BYTES));
    const cost = reader.uint32();
    const length = reader.uint8();
    if (length > MAX_RELAYS)
      return err(`a route must have at most ${MAX_RELAYS} relays: got ${length}`);
    const path = Array.from({ length }, () => parseClusterId(reader.text(MAX_ID_BYTES)));
    const members = path.flatMap((member) => (member.ok ? [member.value] : []));
    if (!to.ok) return to;
    if (members.length < length) return err("a route must name members by cluster id: it does not");
    routes.push({ to: to.value, cost, path: members });
  }
  return reader.failed === undefined ? ok(routes) : err(`routes: ${reader.failed}`);
}
