import { NAMESPACES } from "../../api/kube/namespace.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import type { Check } from "./check.ts";
import type { MemberUnderTest } from "./members-under-test.ts";
import { make, namespaceOf } from "./test-service.ts";
import { verifyExporter } from "./verify-exporter.ts";
import type { VerifyOptions } from "./verify-world.ts";
import { waitUntil } from "./wait-until.ts";

/** Cleaning up goes on when it was told to stop, and for no longer than this. */
const CLEAN_MS = 60_000;

/** Each cluster exports once, in a namespace of its own that is gone afterwards; one after another. */
export async function verifyClusterset(
  members: readonly MemberUnderTest[],
  options: Omit<VerifyOptions, "namespace"> & { readonly unique: string },
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const exporter of members) {
    if (options.signal.aborted) break;
    const namespace = `isthmus-verify-${options.unique}-${exporter.cluster}`.slice(0, 63);
    const importers = members.filter((member) => member !== exporter);
    try {
      const missing = await makeNamespaces(namespace, members, options.signal);
      const seen =
        missing === undefined
          ? await verifyExporter(exporter, importers, { ...options, namespace })
          : [missing];
      checks.push(...seen);
    } finally {
      checks.push(...(await removeNamespaces(namespace, exporter, members)));
    }
  }
  return checks;
}

/** Error: the cluster that refused, and why. */
export async function makeNamespaces(
  namespace: string,
  members: readonly MemberUnderTest[],
  signal: AbortSignal,
): Promise<Check | undefined> {
  for (const { cluster, client } of members) {
    const made = await make(namespaceOf(namespace), client, signal);
    if (made.ok) continue;
    const about = { from: cluster, at: cluster, check: "namespace" };
    return { ...about, result: "failed", detail: made.error };
  }
  return undefined;
}

export async function removeNamespaces(
  name: string,
  exporter: MemberUnderTest,
  members: readonly MemberUnderTest[],
): Promise<readonly Check[]> {
  const signal = AbortSignal.timeout(CLEAN_MS);
  const target = { resource: NAMESPACES, name };
  const untilMs = systemClock.monotonicMs() + CLEAN_MS;
  return Promise.all(
    members.map(async ({ cluster, client }): Promise<Check> => {
      await client.delete(target, {}, { signal });
      const look = async (): Promise<string | undefined> => {
        const got = await client.get(target, { signal });
        return !got.ok && got.error.kind === "not-found" ? undefined : `Namespace ${name} is left`;
      };
      const { missing } = await waitUntil(look, untilMs, signal);
      const result = missing === undefined ? "passed" : "failed";
      return { from: exporter.cluster, at: cluster, check: "clean", result, detail: missing ?? "" };
    }),
  );
}
