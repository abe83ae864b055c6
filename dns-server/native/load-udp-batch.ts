import { createRequire } from "node:module";
import { err, ok, type Result } from "../../api/result.ts";

/** Where `npm run build:native` puts the addon. */
export const UDP_BATCH_FILE = new URL("./build/udp-batch.node", import.meta.url);

/** Datagrams of one batch, requests larger than a slot cut to it, as the addon is built. */
export const BATCH = 64;
export const SLOT_BYTES = 4096;
/** Of a client: its address (IPv4 as an IPv4-mapped IPv6 address) and port, in network order. */
export const CLIENT_BYTES = 18;
const INTERFACE_VERSION = 2;

/** Memory that both sides read and write; slot i of each belongs to datagram i of the batch. */
export interface BatchMemory {
  /** BATCH times SLOT_BYTES. */
  readonly requests: Uint8Array;
  readonly responses: Uint8Array;
  /** BATCH times CLIENT_BYTES. */
  readonly clients: Uint8Array;
  /** Bytes of each request; the callback puts those of the response there, 0 for none. */
  readonly lengths: Uint16Array;
}

export interface BatchSocketOptions {
  /** An address, no name. */
  readonly host: string;
  /** Port 0 takes a free one. */
  readonly port: number;
  readonly reusePort: boolean;
  /** Sizes of the kernel's queues; the kernel may grant less. */
  readonly queueBytes: number;
}

export interface BatchSocket {
  readonly port: number;
  /**
   * For a response that was not ready with its batch: to a client as `clients` had it. False when the kernel did not take
   * it, or the socket is closed.
   */
  send(client: Uint8Array, response: Uint8Array): boolean;
  /** Bytes of datagrams that wait to be read, as the part from 0 to 1 of those that may. */
  queueFilled(): number;
  /**
   * What the kernel asks before it queues a datagram: a program of classic BPF, none when empty. False when the kernel did not
   * take it, or the socket is closed.
   */
  setFilter(program: Uint8Array): boolean;
  /** Closes at once; idempotent. */
  close(): void;
}

export interface UdpBatchAddon {
  /**
   * Listens. `onBatch(count)` answers the first `count` slots; `onBatch(-count)` tells that so many responses of the last
   * batch could not be sent. Throws an error with a code, such as EADDRINUSE.
   */
  open(
    options: BatchSocketOptions,
    memory: BatchMemory,
    onBatch: (count: number) => void,
  ): BatchSocket;
}

/** The addon; the error says why there is none: not built, or built from other sources than these. */
export function loadUdpBatch(file: URL = UDP_BATCH_FILE): Result<UdpBatchAddon, string> {
  let addon: Partial<Record<string, unknown>>;
  try {
    addon = createRequire(import.meta.url)(file.pathname);
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    return err(`cannot load ${file.pathname}: ${reason}`);
  }
  const wanted = { interfaceVersion: INTERFACE_VERSION, batch: BATCH, slotBytes: SLOT_BYTES };
  const differing = Object.entries({ ...wanted, clientBytes: CLIENT_BYTES }).find(
    ([name, value]) => addon[name] !== value,
  );
  if (differing !== undefined || typeof addon["open"] !== "function") {
    const [name, value] = differing ?? ["open", "a function"];
    return err(`cannot use ${file.pathname}: ${name} must be ${value}: got ${String(addon[name])}`);
  }
  return ok(addon as unknown as UdpBatchAddon);
}
