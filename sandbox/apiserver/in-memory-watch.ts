import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { parseWatchEvent } from "../../runtime/kube/client/kube-object-parser.ts";
import type { WatchEvent } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { WatchResponse } from "./http/api-request.ts";

export interface InMemoryWatchOptions {
  readonly backlogLimit: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** A watch whose events wait in a queue until its reader takes them. */
export interface InMemoryWatch {
  events<T extends KubeObject>(
    resource: Resource,
  ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined>;
  /** Ends the watch with an error once the queue is read. */
  fail(error: KubeError): void;
  close(): void;
}

export function openInMemoryWatch(
  response: WatchResponse,
  options: InMemoryWatchOptions,
): InMemoryWatch {
  // BOUNDED: by backlogLimit; a reader that falls further behind loses its watch.
  const lines: string[] = [];
  let end: { readonly error: KubeError | undefined } | undefined;
  let wake: (() => void) | undefined;
  const finish = (error: KubeError | undefined): void => {
    end ??= { error };
    wake?.();
  };
  const sink = {
    event: (event: Parameters<WatchResponse["encode"]>[0]) => {
      if (end !== undefined) return;
      lines.push(response.encode(event));
      if (lines.length > options.backlogLimit) finish(tooSlow(options.backlogLimit));
      wake?.();
    },
    end: () => finish(undefined),
  };
  const onAbort = (): void => {
    lines.length = 0;
    finish({ kind: "aborted", message: "watch aborted by its caller" });
  };
  const open = response.start.open(sink, options.nowMs);
  if (options.signal.aborted) onAbort();
  options.signal.addEventListener("abort", onAbort, { once: true });
  return {
    async *events<T extends KubeObject>(resource: Resource) {
      for (;;) {
        const line = lines.shift();
        if (line !== undefined) {
          const event = parseWatchEvent<T>(line, resource);
          if (!event.ok) return event.error;
          yield event.value;
        } else if (end !== undefined) {
          return end.error;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
    fail: finish,
    close() {
      options.signal.removeEventListener("abort", onAbort);
      open.close();
      finish(undefined);
    },
  };
}

function tooSlow(limit: number): KubeError {
  const message = `watch broken: its reader may be at most ${limit} events behind`;
  return { kind: "unavailable", message };
}
