import { MemberMessage } from "../../../api/broker/broker.gen.ts";
import { rowKeyOfMessage } from "../../../broker/wire/parse-row-key.ts";

/** What the broker has been told in a stream, whatever the order and the number of messages that told it. */
export class MemberMeaning {
  #hello: unknown;
  readonly #rows = new Map<string, unknown>();
  readonly #namespaces = new Set<string>();
  #generation = 0;
  #isComplete = false;

  hear(bytes: Uint8Array): void {
    const { message } = MemberMessage.decode(bytes);
    switch (message?.$case) {
      case "hello": {
        const { protocolVersions, storeEpoch, known, namespaces, cidrs } = message.value;
        const { globalNeed, networksKnown } = message.value;
        this.#hello = { protocolVersions, storeEpoch, known, cidrs, globalNeed, networksKnown };
        for (const namespace of namespaces) this.#namespaces.add(namespace);
        return;
      }
      case "subscribe":
        for (const namespace of message.value.remove) this.#namespaces.delete(namespace);
        for (const namespace of message.value.add) this.#namespaces.add(namespace);
        this.#generation = message.value.generation;
        return;
      case "put": {
        const { row } = message.value;
        const key = row === undefined ? undefined : rowKeyOfMessage(row);
        if (key?.ok !== true) throw new Error("Put must hold a row with a key");
        this.#rows.set(key.value, row);
        return;
      }
      case "delete":
        this.#rows.set(message.value.key, "deleted");
        return;
      case "ownComplete":
        this.#isComplete = true;
        return;
      case "ping":
      case undefined:
        return;
    }
  }

  get value(): unknown {
    return {
      hello: this.#hello,
      rows: [...this.#rows].sort(([left], [right]) => (left < right ? -1 : 1)),
      namespaces: [...this.#namespaces].sort(),
      generation: this.#generation,
      isComplete: this.#isComplete,
    };
  }
}
