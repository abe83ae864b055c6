import { readFile } from "node:fs/promises";
import { err, ok, type Result } from "../../api/result.ts";
import { joinClusterset } from "../../broker/identity/member/join-clusterset.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { IdentityPlace } from "./identity-place.ts";

interface Deps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How a member without an identity gets one. */
export interface JoinChoice {
  /** Undefined: it does not, somebody runs `isthmus join`. */
  readonly joinTokenFile?: string | undefined;
  readonly clusterId?: string | undefined;
}

/** Of one try, several requests: after it `onWaiting` hears why not. */
const TRY_MS = 5_000;
const RETRY = { firstMs: 1_000, maxMs: 30_000 };

/** Error: no identity is stored, or it cannot be used, and what to do. */
export async function loadIdentity({
  store,
  where,
}: IdentityPlace): Promise<Result<MemberIdentity, string>> {
  const loaded = await store.load();
  if (!loaded.ok) return loaded;
  return loaded.value === undefined
    ? err(`no identity ${where}: run "isthmus join" first`)
    : ok(loaded.value);
}

const LOOK_MS = 2_000;

/** Looks until somebody has joined this member; undefined when the signal aborts first. `onWaiting` hears why there is none. */
export async function identityAppears(
  place: IdentityPlace,
  { clock }: Pick<Deps, "clock">,
  signal: AbortSignal,
  onWaiting: (reason: string) => void = () => undefined,
): Promise<MemberIdentity | undefined> {
  while (!signal.aborted) {
    const loaded = await loadIdentity(place);
    if (loaded.ok) return loaded.value;
    onWaiting(loaded.error);
    await sleep(clock, LOOK_MS, signal);
  }
  return undefined;
}

/**
 * Joins with the token in a file unless an identity is there already, and keeps trying while the hub cannot be reached: it may
 * come up after this member. Error: what an admin must mend; or the signal aborted.
 */
export async function joinOnce(
  { joinTokenFile, clusterId }: JoinChoice,
  place: IdentityPlace,
  deps: Deps,
  options: { readonly signal: AbortSignal; readonly onWaiting: (reason: string) => void },
): Promise<Result<MemberIdentity, string>> {
  const { signal, onWaiting } = options;
  for (let attempt = 0; ; attempt += 1) {
    const loaded = await place.store.load();
    if (!loaded.ok) return loaded;
    if (loaded.value !== undefined) return ok(loaded.value);
    const token = await readToken(joinTokenFile, place);
    if (!token.ok) return token;
    if (clusterId === undefined) return err("--join-token-file needs --cluster-id: got none");
    const joined = await joinClusterset(
      { clusterId, token: token.value, timeoutMs: TRY_MS, signal },
      { ...deps, store: place.store },
    );
    if (joined.ok) return joined;
    const { kind, message } = joined.error;
    if (kind !== "unreachable" || signal.aborted) return err(message);
    onWaiting(message);
    deps.log.warn("waiting to join", { reason: message, attempt });
    await sleep(deps.clock, backoffMs(RETRY, attempt, deps.random), signal);
    if (signal.aborted) return err(message);
  }
}

async function readToken(
  path: string | undefined,
  { where }: IdentityPlace,
): Promise<Result<string, string>> {
  if (path === undefined) return err(`no identity ${where}: run "isthmus join" first`);
  try {
    return ok((await readFile(path, "utf8")).trim());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err(`no identity ${where}, and cannot read --join-token-file: ${reason}`);
  }
}
