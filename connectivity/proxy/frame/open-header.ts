import { err, ok, type Result } from "../../../api/result.ts";
import { FieldReader, FieldWriter } from "./fields.ts";

export type StreamProtocol = "tcp" | "udp";

/** What a stream is for: a connection to an exported service, or a tunnel carried on to another member. */
export type OpenHeader = ServiceOpen | RelayOpen;

export interface ServiceOpen {
  readonly kind: "service";
  readonly protocol: StreamProtocol;
  readonly namespace: string;
  readonly name: string;
  /** Name of the port as in the exporter's slices; may be empty, as there. */
  readonly port: string;
  /** One endpoint of a headless service by its hostname; empty: any. */
  readonly hostname: string;
  /** Whoever connected at the importing side, as seen there. */
  readonly client: ClientAddress;
  /** Namespace of the client where the importing side knows it; empty otherwise. */
  readonly clientNamespace: string;
  /**
   * Number of the Service's port. Names are those of a merge, and not everybody merges the same exports (`isthmus.dev/export-to`).
   * 0: not known.
   */
  readonly portNumber: number;
}

export interface RelayOpen {
  readonly kind: "relay";
  /** Cluster id of the member that the tunnel inside goes to. */
  readonly to: string;
  /** Cluster id of the member that asks, for the log of relays on the way: the tunnel inside proves it. */
  readonly from: string;
  /** Relays that may still follow, so that a loop ends. */
  readonly hopsLeft: number;
}

export interface ClientAddress {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

const KIND_TCP = 1;
const KIND_UDP = 2;
const KIND_RELAY = 3;

/** A name in Kubernetes has at most 253 characters. */
const MAX_NAME_BYTES = 253;

export function encodeOpenHeader(header: OpenHeader): Uint8Array {
  const writer = new FieldWriter();
  if (header.kind === "relay") {
    return writer
      .uint8(KIND_RELAY)
      .text(header.to)
      .text(header.from)
      .uint8(header.hopsLeft)
      .finish();
  }
  return writer
    .uint8(header.protocol === "tcp" ? KIND_TCP : KIND_UDP)
    .text(header.namespace)
    .text(header.name)
    .text(header.port)
    .text(header.hostname)
    .bytes(header.client.address)
    .uint16(header.client.port)
    .text(header.clientNamespace)
    .uint16(header.portNumber)
    .finish();
}

/** What follows the known fields is of later versions and passed over. */
export function decodeOpenHeader(payload: Uint8Array): Result<OpenHeader, string> {
  const reader = new FieldReader(payload);
  const kind = reader.uint8();
  if (kind === KIND_RELAY) {
    const to = reader.text(MAX_NAME_BYTES);
    const from = reader.text(MAX_NAME_BYTES);
    const hopsLeft = reader.uint8();
    if (reader.failed) return err(`open frame: ${reader.failed}`);
    return ok({ kind: "relay", to, from, hopsLeft });
  }
  if (kind !== KIND_TCP && kind !== KIND_UDP) {
    return err(`open frame: kind must be 1, 2 or 3: got ${kind}`);
  }
  const namespace = reader.text(MAX_NAME_BYTES);
  const name = reader.text(MAX_NAME_BYTES);
  const port = reader.text(MAX_NAME_BYTES);
  const hostname = reader.text(MAX_NAME_BYTES);
  const address = reader.bytes(16);
  const clientPort = reader.uint16();
  const clientNamespace = reader.text(MAX_NAME_BYTES);
  // Added later than the others.
  const portNumber = reader.isAtEnd ? 0 : reader.uint16();
  if (reader.failed) return err(`open frame: ${reader.failed}`);
  if (address.length !== 4 && address.length !== 16) {
    return err(`open frame: client address must have 4 or 16 bytes: got ${address.length}`);
  }
  return ok({
    kind: "service",
    protocol: kind === KIND_TCP ? "tcp" : "udp",
    namespace,
    name,
    port,
    hostname,
    client: { address, port: clientPort },
    clientNamespace,
    portNumber,
  });
}
