import type { KubeObject } from "../../api/kube/object.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient, WatchEvent } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { overrideKubeClient } from "../sim/world/override-kube-client.ts";

export interface SlowKubeOptions {
  /** Every watch event comes so much later than the one before it. */
  readonly watchLagMs: number;
  /** Every creation takes so long. */
  readonly createMs: number;
}

/** The same client over an API server under load. */
export function slowKube(
  client: KubeClient,
  clock: Clock,
  { watchLagMs, createMs }: SlowKubeOptions,
): KubeClient {
  return overrideKubeClient(client, {
    async create(resource, object, options) {
      if (createMs > 0) await sleep(clock, createMs, options.signal);
      return client.create(resource, object, options);
    },
    async *watch<T extends KubeObject>(
      ...[resource, query, signal]: Parameters<KubeClient["watch"]>
    ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined> {
      const events = client.watch<T>(resource, query, signal);
      for (;;) {
        const next = await events.next();
        if (next.done === true) return next.value;
        if (watchLagMs > 0) await sleep(clock, watchLagMs, signal);
        yield next.value;
      }
    },
  });
}
