import { NAMESPACES } from "../../../api/kube/namespace.ts";
import { must } from "../../../api/result.ts";
import { systemClock as clock } from "../../../runtime/clock/system-clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import { until } from "../../../sandbox/process/until.ts";

/** With all that is in it; resolves when it is gone. */
export async function removeNamespace(
  kube: KubeClient,
  name: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const target = { resource: NAMESPACES, name };
  must(await kube.delete(target, {}, { signal }));
  const look = async (): Promise<true | undefined> =>
    (await kube.get(target, { signal })).ok ? undefined : true;
  await until(`namespace ${name} to go`, look, { clock, timeoutMs, signal, everyMs: 500 });
}
