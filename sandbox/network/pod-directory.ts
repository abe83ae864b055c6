import { canonicalIp } from "./canonical-ip.ts";

/** The transports that the member's network carries. */
export type Transport = "tcp" | "udp";

/** Where the real sockets of one cluster address are. */
export interface AddressSockets {
  /** Loopback address at which they are. @default "127.0.0.1" */
  readonly host?: string;
  /** Cluster port -> loopback port of the process. */
  readonly tcp: ReadonlyMap<number, number>;
  readonly udp: ReadonlyMap<number, number>;
  /** Told before any byte arrives which cluster address speaks from a loopback port; undefined when it is over. */
  readonly onClient?: (
    transport: Transport,
    loopbackPort: number,
    clientIp: string | undefined,
  ) => void;
}

/** Which addresses exist in this member, i.e. what ARP and a pod's open ports would say. */
export class PodDirectory {
  /** BOUNDED: by the pod CIDRs, from which every registered address comes. */
  readonly #sockets = new Map<string, AddressSockets>();

  /** The returned function takes the address away again, unless someone else has registered it since. */
  register(ip: string, sockets: AddressSockets): () => void {
    const key = canonicalIp(ip) ?? ip;
    this.#sockets.set(key, sockets);
    return () => {
      if (this.#sockets.get(key) === sockets) this.#sockets.delete(key);
    };
  }

  lookup(ip: string): AddressSockets | undefined {
    return this.#sockets.get(canonicalIp(ip) ?? ip);
  }
}
