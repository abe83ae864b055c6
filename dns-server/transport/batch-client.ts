import type { Client } from "../answer/client.ts";
import { CLIENT_BYTES } from "../native/load-udp-batch.ts";

const ADDRESS_BYTES = 16;
/** IPv4 addresses are `::ffff:` and four bytes. */
const IPV4_AT = 12;

/**
 * Who sent the datagram of one slot, as the addon describes it. One object for all slots; the address becomes text only
 * when somebody asks.
 */
export class BatchClient implements Client {
  readonly #clients: Buffer;
  readonly #send: (client: Uint8Array, response: Buffer) => void;
  #at = 0;

  constructor(clients: Buffer, send: (client: Uint8Array, response: Buffer) => void) {
    this.#clients = clients;
    this.#send = send;
  }

  /** From now on the client of this slot. */
  moveTo(slot: number): void {
    this.#at = slot * CLIENT_BYTES;
  }

  get hasPort(): boolean {
    const at = this.#at + ADDRESS_BYTES;
    return this.#clients[at] !== 0 || this.#clients[at + 1] !== 0;
  }

  /** "192.0.2.1", also of clients that come through a socket of both families; IPv6 without zeros left out. */
  get address(): string {
    const bytes = this.#clients.subarray(this.#at, this.#at + ADDRESS_BYTES);
    if (isMapped(bytes)) return bytes.subarray(IPV4_AT).join(".");
    const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((at) => bytes.readUInt16BE(at).toString(16));
    return groups.join(":");
  }

  later(): (response: Buffer) => void {
    const client = Uint8Array.prototype.slice.call(
      this.#clients,
      this.#at,
      this.#at + CLIENT_BYTES,
    );
    return (response) => this.#send(client, response);
  }
}

function isMapped(bytes: Buffer): boolean {
  for (let index = 0; index < 10; index++) if (bytes[index] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}
