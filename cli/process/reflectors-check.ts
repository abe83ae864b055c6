import { err, ok, type Result } from "../../api/result.ts";
import type { ReflectorStatus } from "../../runtime/kube/reflector/reflector.ts";

/**
 * Readiness of a process that decides from reflected collections: all have synced, and `more` agrees or says what is
 * missing. Names the collection that is not there and why: its definition is not installed, the server is away.
 */
export function reflectorsCheck(
  reflectors: readonly { status(): ReflectorStatus }[],
  more: () => true | string,
): () => Result<string, string> {
  return () => {
    const waiting = reflectors.map((r) => r.status()).filter((status) => !status.synced);
    if (waiting.length === 0) {
      const missing = more();
      return missing === true ? ok("all collections synced") : err(missing);
    }
    return err(
      waiting
        .map(({ resource, error }) => {
          const name = `${resource.plural}${resource.group === "" ? "" : `.${resource.group}`}`;
          return `${name} not synced: ${error?.message ?? "first list under way"}`;
        })
        .join("; "),
    );
  };
}
