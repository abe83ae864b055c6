import type { GlobalPrefix } from "../../api/network/network-facts.ts";
import type { Choice } from "./choose-path.ts";
import type { PathFact } from "./path-fact.ts";
import type { Pins } from "./pins.ts";

/**
 * Everything that answers to `reach` and `health` follow from: the same text, the same answers. What only a status shows must not
 * move a thousand services. Pure.
 */
export function routeOf(
  { choice, facts }: { readonly choice: Choice; readonly facts: readonly PathFact[] },
  by: {
    readonly pins: Pick<Pins, "namespaces" | "services">;
    /** Of the peer. */
    readonly globalPrefixes: readonly GlobalPrefix[];
    /** Where proxies of this cluster take clients for the peer. */
    readonly proxies: readonly string[];
  },
): string {
  // A pin may lead services to any of them; otherwise only the one that is chosen matters.
  const mayBePinned = by.pins.namespaces.size > 0 || by.pins.services.size > 0;
  const { backend } = choice;
  const states = facts
    .filter((fact) => mayBePinned || fact.backend === backend)
    .map(({ state, unusable }) => (unusable === undefined ? state : "none"));
  return JSON.stringify([backend, states, by.globalPrefixes, by.proxies]);
}

/** What of a status is told at once: the same text, nothing to tell. Pure. */
export function outlineOf({ backend, reason }: Choice, facts: readonly PathFact[]): string {
  const states = facts.map(({ backend: of, state, unusable }) => [of, state, unusable ?? ""]);
  return JSON.stringify([backend, reason, states]);
}
