import { err, ok, type Result } from "../../../../api/result.ts";
import type { Random } from "../../../../runtime/random/random.ts";

const NODE_PORT_MIN = 30_000;
const NODE_PORT_MAX = 32_767;
const COUNT = NODE_PORT_MAX - NODE_PORT_MIN + 1;

/** Node ports of one cluster. */
export class NodePortAllocator {
  readonly #random: Random;
  /** BOUNDED: by COUNT. */
  readonly #used = new Set<number>();

  constructor({ random }: { readonly random: Random }) {
    this.#random = random;
  }

  /** The error is the reason in the words of the real server. */
  allocate(port: number): Result<number, string> {
    if (port < NODE_PORT_MIN || port > NODE_PORT_MAX) {
      return err(
        `provided port is not in the valid range. The range of valid ports is ${NODE_PORT_MIN}-${NODE_PORT_MAX}`,
      );
    }
    if (this.#used.has(port)) return err("provided port is already allocated");
    this.#used.add(port);
    return ok(port);
  }

  allocateNext(): Result<number, string> {
    const start = Math.floor(this.#random.next() * COUNT);
    for (let step = 0; step < COUNT; step += 1) {
      const port = NODE_PORT_MIN + ((start + step) % COUNT);
      if (!this.#used.has(port)) {
        this.#used.add(port);
        return ok(port);
      }
    }
    return err("range is full");
  }

  release(port: number): void {
    this.#used.delete(port);
  }

  has(port: number): boolean {
    return this.#used.has(port);
  }
}
