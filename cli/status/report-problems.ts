import type { MemberReport } from "./member-report.ts";

/** What keeps a member from being ready, a line each; empty: it is. A conflict does not: the service works as the oldest export has it. */
export function reportProblems({
  clusterId,
  controllers,
  exports,
  imports,
}: MemberReport): readonly string[] {
  return [
    ...(clusterId === undefined ? ["not a member of a clusterset"] : []),
    ...controllersProblems(controllers),
    ...exports.flatMap(({ service, conditions }) =>
      ["Valid", "Ready"].flatMap((type) => {
        const found = conditions.find((condition) => condition.startsWith(`${type}=`));
        if (found === undefined) return [`export ${service}: ${type} is not known yet`];
        return found.startsWith(`${type}=True`) ? [] : [`export ${service}: ${found}`];
      }),
    ),
    ...imports.flatMap(({ service, ready }) => (ready ? [] : [`import ${service} is not ready`])),
  ];
}

/**
 * How long a member that is ready itself is kept waiting for paths to others, ms. What is wrong there is not its failure, and a path that
 * nobody can probe, as between controllers that run outside of their clusters, stays unknown for ever.
 */
export const PATHS_WAIT_MS = 30_000;

/** Clusters that are there, to which no path is known to be up. */
export function pathProblems({
  peers,
  paths,
}: Pick<MemberReport, "peers" | "paths">): readonly string[] {
  const alive = peers.flatMap(({ cluster, liveness }) => (liveness === "alive" ? [cluster] : []));
  return paths.flatMap(({ peer, backend, isUsed, state, reason }) => {
    if (!isUsed || state === "up" || !alive.includes(peer)) return [];
    const why = reason === undefined ? "" : `: ${reason}`;
    return [`path to ${peer} over ${backend} is ${state}${why}`];
  });
}

/** What keeps controllers from doing their work; empty: nothing. */
export function controllersProblems({
  state,
  problem,
  broker,
}: MemberReport["controllers"]): readonly string[] {
  const why = problem === undefined ? "" : `: ${problem}`;
  if (state !== "running") return [`controllers ${state}${why}`];
  if (broker !== "connected") return [`broker ${broker ?? "not tried yet"}${why}`];
  return problem === undefined ? [] : [`controllers${why}`];
}
