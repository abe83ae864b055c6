import { err, ok, type Result } from "../api/result.ts";
import type { ReflectorStatus } from "../runtime/kube/reflector/reflector.ts";

/**
 * Readiness of a process that answers from reflected collections: all have synced, and `isReady` agrees. Names the
 * collection that is missing and why: a custom resource definition that is not installed, a server that is away.
 */
export function reflectorsCheck(
  reflectors: readonly { status(): ReflectorStatus }[],
  isReady: () => boolean,
): () => Result<string, string> {
  return () => {
    const waiting = reflectors.map((r) => r.status()).filter((status) => !status.synced);
    if (waiting.length > 0) {
      return err(
        waiting
          .map(({ resource, error }) => {
            const name = `${resource.plural}${resource.group === "" ? "" : `.${resource.group}`}`;
            return `${name} not synced: ${error?.message ?? "first list under way"}`;
          })
          .join("; "),
      );
    }
    return isReady() ? ok("all collections synced") : err("synced, first build under way");
  };
}
