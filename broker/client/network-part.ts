import { isDeepStrictEqual } from "node:util";
import type { Hello, Welcome } from "../../api/broker/broker.gen.ts";
import { ok, type Result } from "../../api/result.ts";
import type { GlobalBlock, GlobalNeed } from "../globals/global-block.ts";
import { parseNeed } from "../globals/parse-need.ts";
import { BATCH_CAPABILITY } from "../wire/batch.ts";
import { NETWORK_CAPABILITY } from "../wire/decode-network.ts";

/** What a member that takes part in connectivity asks for beside rows, and what the broker last answered. */
export class NetworkPart {
  #need: GlobalNeed | undefined;
  #block: GlobalBlock | undefined;
  /** In the Hello of the present stream. */
  #asked: GlobalNeed | undefined;

  get block(): GlobalBlock | undefined {
    return this.#block;
  }

  /** Error: a broker could not read it; the need of before stands. */
  setNeed(need: GlobalNeed): Result<void, string> {
    const parsed = parseNeed(need);
    if (!parsed.ok) return parsed;
    this.#need = need;
    return ok(undefined);
  }

  /** False: the need has changed since Hello, and is to be asked for in a new stream. */
  get isAsked(): boolean {
    return isDeepStrictEqual(this.#need, this.#asked);
  }

  hello(
    areNetworksKnown: boolean,
  ): Required<Pick<Hello, "capabilities" | "networksKnown">> & Pick<Hello, "globalNeed"> {
    const need = this.#need;
    this.#asked = need;
    return {
      capabilities: [BATCH_CAPABILITY, NETWORK_CAPABILITY],
      networksKnown: areNetworksKnown,
      ...(need === undefined
        ? {}
        : { globalNeed: { podCidrs: [...need.podCidrs], fixed: [...need.fixed] } }),
    };
  }

  /** True: the block changed. A broker that was not asked, or does not know the question, takes nothing back. */
  welcomed({ globalBlock }: Welcome): boolean {
    if (globalBlock === undefined || isDeepStrictEqual(globalBlock, this.#block)) return false;
    this.#block = globalBlock;
    return true;
  }
}
