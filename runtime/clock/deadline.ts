import type { Clock } from "./clock.ts";

/** A signal that aborts when `parent` does or `timeoutMs` has passed, whichever is first. Dispose it to free the timer. */
export function deadline(
  clock: Clock,
  timeoutMs: number,
  parent?: AbortSignal,
): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onParent = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) onParent();
  parent?.addEventListener("abort", onParent, { once: true });
  const timer = clock.setTimer(timeoutMs, () =>
    controller.abort(new DeadlineError(`deadline of ${timeoutMs} ms passed`)),
  );
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      timer.cancel();
      parent?.removeEventListener("abort", onParent);
    },
  };
}

export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}
