import type { KubeObject } from "../../api/kube/object.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient, WatchEvent } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { overrideKubeClient } from "../sim/world/override-kube-client.ts";

/** The same client, whose watch events come late, one after the other, as under load. */
export function lateWatches(client: KubeClient, clock: Clock, lagMs: number): KubeClient {
  return overrideKubeClient(client, {
    async *watch<T extends KubeObject>(
      ...[resource, query, signal]: Parameters<KubeClient["watch"]>
    ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined> {
      const events = client.watch<T>(resource, query, signal);
      for (;;) {
        const next = await events.next();
        if (next.done === true) return next.value;
        if (lagMs > 0) await sleep(clock, lagMs, signal);
        yield next.value;
      }
    },
  });
}
