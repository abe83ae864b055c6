import type { KubeObject } from "../../api/kube/object.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";

const LIMIT_MS = 5000;

/**
 * Waits until the view shows what was just written, so that the next pass does not decide on the past
 * and write it twice. Gives up after five seconds: the view then lags for a reason of its own.
 */
export function waitForView<T extends KubeObject>(
  view: ObjectView<T>,
  isShown: (view: ObjectView<T>) => boolean,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || isShown(view)) {
      resolve();
      return;
    }
    const finish = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", finish);
      unsubscribe();
      resolve();
    };
    const timer = clock.setTimer(LIMIT_MS, finish);
    signal.addEventListener("abort", finish, { once: true });
    const unsubscribe = view.subscribe(() => {
      if (isShown(view)) finish();
    });
  });
}
