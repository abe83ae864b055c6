import type { DnsConfigMap } from "../../install/cluster-dns/wiring-plan.ts";
import { type AskDeps, ZoneAsker } from "./ask-zone.ts";
import { wiredMaps } from "./await-zone.ts";

/** Of one member, for whoever looks again and again: whether the cluster's DNS, told by us, answers for the zone. */
export class WiredZone {
  readonly #namespace: string;
  readonly #deps: AskDeps;
  #maps: readonly DnsConfigMap[] = [];
  #asker: ZoneAsker | undefined;
  #untested: string | undefined;

  constructor(namespace: string, deps: AskDeps) {
    this.#namespace = namespace;
    this.#deps = deps;
  }

  /** Why the last look showed nothing; undefined: it did, or there was nothing to look at. */
  get untested(): string | undefined {
    return this.#untested;
  }

  /** What does not answer yet; empty too where DNS was told by somebody else, or nobody may look. */
  async problems(): Promise<readonly string[]> {
    const wired = await wiredMaps(this.#namespace, this.#deps);
    this.#untested = wired.ok ? undefined : wired.error;
    if (!wired.ok || wired.value.length === 0) return [];
    if (wired.value.join() !== this.#maps.join()) this.#asker = undefined;
    this.#maps = wired.value;
    this.#asker ??= new ZoneAsker(wired.value, this.#deps);
    const { answers } = await this.#asker.look();
    if (answers.state === "not tested") this.#untested = answers.why;
    return answers.state === "not yet" ? [`cluster DNS: ${answers.why}`] : [];
  }
}
