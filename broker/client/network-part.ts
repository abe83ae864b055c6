import { isDeepStrictEqual } from "node:util";
import type { Hello, Welcome } from "../../api/broker/broker.gen.ts";
import type { GlobalBlock, GlobalNeed } from "../globals/global-block.ts";
import { BATCH_CAPABILITY } from "../wire/batch.ts";
import { NETWORK_CAPABILITY } from "../wire/decode-network.ts";

/** What a member that takes part in connectivity asks for beside rows, and what the broker last answered. */
export class NetworkPart {
  #need: GlobalNeed | undefined;
  #block: GlobalBlock | undefined;

  get block(): GlobalBlock | undefined {
    return this.#block;
  }

  /** True: it is another one, to be asked in a new stream. */
  setNeed(need: GlobalNeed): boolean {
    const isNew = !isDeepStrictEqual(need, this.#need);
    this.#need = need;
    return isNew;
  }

  hello(
    areNetworksKnown: boolean,
  ): Required<Pick<Hello, "capabilities" | "networksKnown">> & Pick<Hello, "globalNeed"> {
    const need = this.#need;
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
