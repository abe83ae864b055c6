import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";

/** First bytes of a packet, so that what is none is known at a glance. */
const MAGIC = 0x49_73_50_62;
const VERSION = 1;
const KIND_REQUEST = 1;
const KIND_REPLY = 2;
/** Up to the cluster id. */
const HEADER_BYTES = 21;
const CLUSTER_BYTES_MAX = 63;

/** Least size of a packet for any cluster id, bytes of UDP payload. */
export const PROBE_BYTES_MIN = HEADER_BYTES + CLUSTER_BYTES_MAX;
/** Largest UDP payload over IPv4. */
export const PROBE_BYTES_MAX = 65_507;

/**
 * One question of "are you there", or its answer, as UDP payload:
 *
 * ```
 *  0  magic "IsPb"   4 bytes
 *  4  version        1
 *  5  kind           1   1 request, 2 reply
 *  6  length         2   of the whole payload
 *  8  nonce          8   drawn by the asker; a reply without it is nobody's
 * 16  sequence       4
 * 20  id length      1
 * 21  cluster id         of who must answer
 *     zeros              up to `length`
 * ```
 */
export interface ProbePacket {
  readonly kind: "request" | "reply";
  readonly nonce: bigint;
  /** Unsigned, 32 bits. */
  readonly sequence: number;
  readonly cluster: ClusterId;
  /** Bytes of the whole UDP payload, padding included. */
  readonly bytes: number;
}

/** @throws RangeError when `bytes` is out of PROBE_BYTES_MIN to PROBE_BYTES_MAX: a bug of the caller. */
export function encodeProbe({ kind, nonce, sequence, cluster, bytes }: ProbePacket): Uint8Array {
  if (!Number.isInteger(bytes) || bytes < PROBE_BYTES_MIN || bytes > PROBE_BYTES_MAX) {
    throw new RangeError(
      `a probe has ${PROBE_BYTES_MIN} to ${PROBE_BYTES_MAX} bytes: got ${bytes}`,
    );
  }
  const packet = new Uint8Array(bytes);
  const view = new DataView(packet.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setUint8(5, kind === "request" ? KIND_REQUEST : KIND_REPLY);
  view.setUint16(6, bytes);
  view.setBigUint64(8, nonce);
  view.setUint32(16, sequence);
  view.setUint8(20, cluster.length);
  // A cluster id is a DNS label: ASCII.
  new TextEncoder().encodeInto(cluster, packet.subarray(HEADER_BYTES));
  return packet;
}

/** Undefined for anything that is not exactly a probe: strangers' bytes get no answer and no error. */
export function decodeProbe(packet: Uint8Array): ProbePacket | undefined {
  if (packet.length < PROBE_BYTES_MIN || packet.length > PROBE_BYTES_MAX) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (view.getUint32(0) !== MAGIC || view.getUint8(4) !== VERSION) return undefined;
  if (view.getUint16(6) !== packet.length) return undefined;
  const kind = view.getUint8(5);
  if (kind !== KIND_REQUEST && kind !== KIND_REPLY) return undefined;
  const idLength = view.getUint8(20);
  if (idLength > CLUSTER_BYTES_MAX) return undefined;
  const id = packet.subarray(HEADER_BYTES, HEADER_BYTES + idLength);
  const cluster = parseClusterId(String.fromCharCode(...id));
  if (!cluster.ok) return undefined;
  return {
    kind: kind === KIND_REQUEST ? "request" : "reply",
    nonce: view.getBigUint64(8),
    sequence: view.getUint32(16),
    cluster: cluster.value,
    bytes: packet.length,
  };
}

/**
 * What a responder of `own` says: the same packet as a reply, so never more bytes than were asked with. Silence for
 * what is no request, or not for this cluster.
 */
export function answerProbe(own: ClusterId, packet: Uint8Array): Uint8Array | undefined {
  const request = decodeProbe(packet);
  if (request === undefined || request.kind !== "request" || request.cluster !== own)
    return undefined;
  return encodeProbe({ ...request, kind: "reply" });
}
