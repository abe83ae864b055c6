import { BACKEND_NAMES, type BackendName } from "../../api/network/backend-name.ts";
import type { PathFact } from "./path-fact.ts";

/** Times of selection, milliseconds. */
export interface ChoiceSettings {
  /** How long a better path must be up before it is taken. */
  readonly betterForMs: number;
  /** The longest that grows to, for a path that keeps dying. */
  readonly betterForMsMax: number;
  /** How long a path of which nothing is known, not yet or no more, is waited for before another that is up is taken. */
  readonly unknownForMs: number;
}

export const DEFAULT_CHOICE_SETTINGS: ChoiceSettings = {
  betterForMs: 10_000,
  betterForMsMax: 600_000,
  unknownForMs: 3_000,
};

/** How much later than another a path may be heard again that fell silent with it. */
const TOGETHER_MS = 1_000;

/** Which path carries what goes to one peer. Times are monotonic milliseconds, but for `sinceMs`. */
export interface Choice {
  /** Undefined: none can be used. */
  readonly backend: BackendName | undefined;
  /** Epoch milliseconds since when it is this one. */
  readonly sinceMs: number;
  readonly reason: string;
  /** When this one was chosen, for the time that unknown ones get. */
  readonly chosenMs: number;
  /** Since when each path has been up, or nothing has been known of it in between. BOUNDED: by the backends, as those below. */
  readonly upMs: Readonly<Partial<Record<BackendName, number>>>;
  /** Since when nothing has been known of each; of those that are up, since when something has been. */
  readonly unknownMs: Readonly<Partial<Record<BackendName, number>>>;
  readonly heardMs: Readonly<Partial<Record<BackendName, number>>>;
  /** How long each must be up before it is taken again, where that is not the settings' time. */
  readonly wary: Readonly<Partial<Record<BackendName, number>>>;
}

export interface ChoiceInput {
  readonly nowMs: number;
  readonly wallMs: number;
  /** One a backend that this cluster has. */
  readonly paths: readonly PathFact[];
  /** What the peer is pinned to; undefined: auto. */
  readonly pin: BackendName | undefined;
}

export interface ChoiceStep {
  readonly choice: Choice;
  /** When time alone may change it, monotonic; undefined: never. */
  readonly nextMs: number | undefined;
}

/** @param backend the one in use when an earlier process ended, as far as that is known. */
export function startChoice(
  backend: BackendName | undefined,
  { nowMs, sinceMs }: { readonly nowMs: number; readonly sinceMs: number },
): Choice {
  const nothing = { upMs: {}, unknownMs: {}, heardMs: {}, wary: {} };
  const reason = backend === undefined ? "nothing is known yet" : "as before the restart";
  return { backend, sinceMs, reason, chosenMs: nowMs, ...nothing };
}

/**
 * Takes the first path that is up of those both sides have (design, decision 8), or the pinned one. A dead path is left at
 * once if any other is not dead; a better one must have been up for a while first, the longer the oftener it died; when all
 * are dead the last one stays. Pure.
 */
export function stepChoice(
  settings: ChoiceSettings,
  before: Choice,
  { nowMs, wallMs, paths, pin }: ChoiceInput,
): ChoiceStep {
  const choice = noteUps(settings, forgive(before, nowMs), paths, nowMs);
  const decided =
    pin === undefined ? automatic(settings, choice, paths, nowMs) : pinned(pin, paths);
  const after = adopt(choice, decided, { nowMs, wallMs });
  return { choice: after, nextMs: nextMs(settings, after, paths, nowMs) };
}

interface Decision {
  readonly backend: BackendName | undefined;
  readonly reason: string;
}

function pinned(pin: BackendName, paths: readonly PathFact[]): Decision {
  const path = paths.find(({ backend }) => backend === pin);
  if (path === undefined)
    return { backend: undefined, reason: `pinned to ${pin}, which is not configured here` };
  if (path.unusable !== undefined)
    return { backend: undefined, reason: `pinned to ${pin}: ${path.unusable}` };
  return { backend: pin, reason: "pinned" };
}

function automatic(
  settings: ChoiceSettings,
  choice: Choice,
  paths: readonly PathFact[],
  nowMs: number,
): Decision {
  const usable = usableOf(paths);
  const current = usable.find(({ backend }) => backend === choice.backend);
  const firstUp = usable.find(({ state }) => state === "up");
  const firstAlive = firstUp ?? usable.find(({ state }) => state === "unknown");
  if (current === undefined) return fresh(choice, paths, firstAlive ?? usable[0]);
  const stay = { backend: current.backend, reason: choice.reason };
  switch (current.state) {
    case "down":
      if (firstAlive === undefined) return { ...stay, reason: allDown(usable, paths) };
      return {
        backend: firstAlive.backend,
        reason: `${current.backend} is down: ${current.reason}`,
      };
    case "unknown":
      if (firstUp === undefined) return stay;
      if (nowMs < unknownEndsMs(settings, choice, current, firstUp)) return stay;
      return { backend: firstUp.backend, reason: `${current.backend} is not measured` };
    case "up": {
      const better = usable
        .slice(0, usable.indexOf(current))
        .find((path) => isTrusted(settings, choice, path, nowMs));
      if (better !== undefined)
        return { backend: better.backend, reason: `better than ${current.backend}, and up again` };
      return { ...stay, reason: whyThis(choice, current, usable, paths) };
    }
  }
}

/** The best first. */
function usableOf(paths: readonly PathFact[]): readonly PathFact[] {
  return BACKEND_NAMES.flatMap(
    (name) =>
      paths.find(({ backend, unusable }) => backend === name && unusable === undefined) ?? [],
  );
}

/** Nothing usable is in use: a start, or what was used is not offered any more. */
function fresh(choice: Choice, paths: readonly PathFact[], path: PathFact | undefined): Decision {
  if (path === undefined) {
    const reasons = paths.map(({ backend, unusable }) => `${backend}: ${unusable}`);
    const reason = reasons.length === 0 ? "no backend is configured" : reasons.join("; ");
    return { backend: undefined, reason };
  }
  const lost = paths.find(({ backend }) => backend === choice.backend);
  if (lost?.unusable !== undefined)
    return { backend: path.backend, reason: `${lost.backend} cannot be used: ${lost.unusable}` };
  return {
    backend: path.backend,
    reason: skipped(path, paths) ?? "first of those both sides have",
  };
}

/** Why not a better one. */
function whyThis(
  choice: Choice,
  current: PathFact,
  usable: readonly PathFact[],
  paths: readonly PathFact[],
): string {
  if (usable[0] === current) return skipped(current, paths) ?? "first of those both sides have";
  const better = usable.slice(0, usable.indexOf(current));
  const back = better.find(({ state }) => state === "up");
  if (back !== undefined) return `${back.backend} is up, but not for long enough yet`;
  const down = better.find(({ state }) => state === "down");
  return down === undefined ? choice.reason : `${down.backend} is down: ${down.reason}`;
}

function skipped(path: PathFact, paths: readonly PathFact[]): string | undefined {
  const before = BACKEND_NAMES.slice(0, BACKEND_NAMES.indexOf(path.backend));
  const reasons = before.flatMap((name) => {
    const other = paths.find(({ backend }) => backend === name);
    return other?.unusable === undefined ? [] : [`${name}: ${other.unusable}`];
  });
  return reasons.length === 0 ? undefined : reasons.join("; ");
}

function allDown(usable: readonly PathFact[], paths: readonly PathFact[]): string {
  const down = usable.map(({ backend, reason }) => `${backend}: ${reason}`);
  const others = paths.flatMap(({ backend, unusable }) =>
    unusable === undefined ? [] : [`${backend}: ${unusable}`],
  );
  return `no path is up: ${[...down, ...others].join("; ")}`;
}

/** Until when one that is in use is waited for: those that fell silent together may be heard again together. */
function unknownEndsMs(
  settings: ChoiceSettings,
  { chosenMs, unknownMs, heardMs }: Choice,
  current: PathFact,
  other: PathFact | undefined,
): number {
  const waitedMs = Math.max(chosenMs, unknownMs[current.backend] ?? chosenMs);
  const heard = (other && heardMs[other.backend]) ?? Number.NEGATIVE_INFINITY;
  return Math.max(waitedMs + settings.unknownForMs, heard + TOGETHER_MS);
}

function isTrusted(
  settings: ChoiceSettings,
  { upMs, wary }: Choice,
  { backend, state }: PathFact,
  nowMs: number,
): boolean {
  const since = upMs[backend];
  if (state !== "up" || since === undefined) return false;
  return nowMs >= since + (wary[backend] ?? settings.betterForMs);
}

/** Keeps since when paths are up, and trusts one that dies less. */
function noteUps(
  settings: ChoiceSettings,
  choice: Choice,
  paths: readonly PathFact[],
  nowMs: number,
): Choice {
  const upMs: Partial<Record<BackendName, number>> = {};
  const unknownMs: Partial<Record<BackendName, number>> = {};
  const heardMs: Partial<Record<BackendName, number>> = {};
  const wary = { ...choice.wary };
  for (const { backend, state, unusable } of paths) {
    const since = choice.upMs[backend];
    const isUnknown = state === "unknown" && unusable === undefined;
    if (isUnknown) unknownMs[backend] = choice.unknownMs[backend] ?? nowMs;
    if (state === "up") heardMs[backend] = choice.heardMs[backend] ?? nowMs;
    if (state === "up" && unusable === undefined) upMs[backend] = since ?? nowMs;
    // That nobody is there to answer is not held against it.
    else if (isUnknown && since !== undefined) upMs[backend] = since;
    else if (since !== undefined) {
      const waryMs = 2 * (wary[backend] ?? settings.betterForMs);
      wary[backend] = Math.min(settings.betterForMsMax, waryMs);
    }
  }
  return { ...choice, upMs, unknownMs, heardMs, wary };
}

/** One that stayed up ten times as long as it had to is as good as any other. */
function forgive(choice: Choice, nowMs: number): Choice {
  const wary: Partial<Record<BackendName, number>> = {};
  for (const name of BACKEND_NAMES) {
    const waryMs = choice.wary[name];
    const since = choice.upMs[name] ?? nowMs;
    if (waryMs !== undefined && nowMs < since + 10 * waryMs) wary[name] = waryMs;
  }
  return { ...choice, wary };
}

function adopt(
  choice: Choice,
  { backend, reason }: Decision,
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
): Choice {
  if (backend === choice.backend) return { ...choice, reason };
  return { ...choice, backend, reason, sinceMs: wallMs, chosenMs: nowMs };
}

function nextMs(
  settings: ChoiceSettings,
  choice: Choice,
  paths: readonly PathFact[],
  nowMs: number,
): number | undefined {
  const times: number[] = [];
  const current = paths.find(({ backend }) => backend === choice.backend);
  const firstUp = usableOf(paths).find(({ state }) => state === "up");
  if (current?.state === "unknown") times.push(unknownEndsMs(settings, choice, current, firstUp));
  for (const { backend } of paths) {
    const since = choice.upMs[backend];
    if (since === undefined || backend === choice.backend) continue;
    times.push(since + (choice.wary[backend] ?? settings.betterForMs));
  }
  const ahead = times.filter((ms) => ms > nowMs);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}
