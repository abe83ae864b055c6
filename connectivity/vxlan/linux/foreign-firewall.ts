import { z } from "zod";
import { parseJson } from "../../../api/json.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { RunCommand } from "./run-command.ts";

export interface ForeignFirewallDeps {
  readonly run: RunCommand;
  readonly log: Logger;
}

const CHAIN = z.object({
  chain: z.object({
    family: z.string(),
    table: z.string(),
    name: z.string(),
    hook: z.string().optional(),
    policy: z.string().optional(),
  }),
});
const LISTING = z.object({ nftables: z.array(z.unknown()) });

/**
 * Chains of others in which forwarded packets end unless a rule there lets them pass, as Docker and hardened machines have them: an accept of ours
 * is no answer to a drop of theirs, and probes, which are not forwarded, do not meet them. Those of iptables-legacy are not among nft's.
 */
export function closedForwardChains(listing: string): readonly string[] {
  const parsed = LISTING.safeParse(parseJson(listing));
  const entries = parsed.success ? parsed.data.nftables : [];
  return entries.flatMap((entry) => {
    const found = CHAIN.safeParse(entry);
    if (!found.success) return [];
    const { family, table, name, hook, policy } = found.data.chain;
    return hook === "forward" && policy === "drop" ? [`${family} ${table} ${name}`] : [];
  });
}

/** Tells of firewalls that may stop what this machine forwards; once, and again when they are others. */
export class ForeignFirewall {
  readonly #deps: ForeignFirewallDeps;
  #told = "";

  constructor(deps: ForeignFirewallDeps) {
    this.#deps = deps;
  }

  async look(devices: readonly string[], signal: AbortSignal): Promise<void> {
    const { run, log } = this.#deps;
    const listed = await run({ program: "nft", args: ["-j", "list", "chains"] }, signal);
    // Whatever is wrong with nft is told by those who change something with it.
    if (!listed.ok) return;
    const chains = closedForwardChains(listed.value);
    const text = chains.join(", ");
    if (text === this.#told) return;
    this.#told = text;
    if (chains.length === 0) return;
    log.warn(
      "a firewall drops forwarded packets that it has no rule for; let those of our links pass",
      {
        chains,
        devices,
      },
    );
  }
}
