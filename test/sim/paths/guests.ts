import { parseClusterId } from "../../../api/cluster-id.ts";
import { invariant } from "../../../api/invariant.ts";
import type { MemoryBroker } from "../../../broker/client/memory/memory-broker.ts";
import type { GlobalBlock } from "../../../broker/globals/global-block.ts";
import type { PathAction } from "../script/step.ts";

interface Guest {
  readonly incarnation: number;
  /** Present while it is a member. */
  readonly stop?: AbortController;
}

/** Members that come, take global addresses, and go, and come back as another incarnation. */
export class Guests {
  readonly #broker: MemoryBroker;
  readonly #onBlock: (owner: string, block: GlobalBlock) => void;
  /** BOUNDED: by the guests of a script. */
  readonly #guests = new Map<number, Guest>();

  constructor(
    { broker }: { readonly broker: MemoryBroker },
    onBlock: (owner: string, block: GlobalBlock) => void,
  ) {
    this.#broker = broker;
    this.#onBlock = onBlock;
  }

  get areThere(): boolean {
    return [...this.#guests.values()].some(({ stop }) => stop !== undefined);
  }

  async perform({ guest, what }: Extract<PathAction, { kind: "guest" }>): Promise<void> {
    const known = this.#guests.get(guest) ?? { incarnation: 0 };
    if (what === "join" && known.stop === undefined) this.#join(guest, known.incarnation + 1);
    if (what === "leave" && known.stop !== undefined) await this.#leave(guest, known);
  }

  stop(): void {
    for (const { stop } of this.#guests.values()) stop?.abort();
  }

  #join(guest: number, incarnation: number): void {
    const stop = new AbortController();
    this.#guests.set(guest, { incarnation, stop });
    const id = idOf(guest);
    const link = this.#broker.link(id, incarnation, [], true);
    link.subscribe(() => {
      const block = link.globalBlock();
      if (block !== undefined) this.#onBlock(id, block);
    });
    const asked = link.setGlobalNeed({ podCidrs: [`10.${100 + guest}.0.0/16`], fixed: [] });
    invariant(asked.ok, "a guest's need can be read", { asked });
    link.setNamespaces(new Set());
    link.start(stop.signal);
    link.markOwnComplete();
  }

  async #leave(guest: number, { incarnation, stop }: Guest): Promise<void> {
    stop?.abort();
    this.#guests.set(guest, { incarnation });
    const { store } = this.#broker;
    await store.append([{ kind: "gone", cluster: idOf(guest), incarnation }]);
  }
}

function idOf(guest: number) {
  const id = parseClusterId(`guest-${guest}`);
  invariant(id.ok, "a guest has a name", { guest });
  return id.value;
}
