import type { PodTask } from "../../../node/pod-server/pod-runtime.ts";
import type { LoadOptions, LoadReport } from "./load/load-report.ts";

/** What a pod's process is told by the one that started it. */
export type PodOrder =
  | { readonly kind: "serve"; readonly task: PodTask }
  | { readonly kind: "ask"; readonly id: number; readonly question: PodQuestion };

/** What a client inside the pod does. Hosts are IP addresses. */
export type PodQuestion =
  | {
      readonly kind: "http";
      readonly host: string;
      readonly port: number;
      readonly path: string;
      /** @default patience that no slowness exhausts; less where silence is expected. */
      readonly timeoutMs?: number;
    }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      /** Sent, then the end; the pod at the other end sends them back. */
      readonly bytes: number;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: "udp";
      readonly host: string;
      readonly port: number;
      readonly text: string;
      /** As that of HTTP. */
      readonly timeoutMs?: number;
    }
  | { readonly kind: "load"; readonly options: LoadOptions }
  | { readonly kind: "end-load" };

export type PodAnswer =
  | {
      readonly kind: "http";
      readonly status: number;
      readonly body: string;
      readonly bytes: number;
    }
  | {
      readonly kind: "tcp";
      readonly banner: string;
      readonly bytes: number;
      readonly intact: boolean;
    }
  | { readonly kind: "udp"; readonly text: string }
  | { readonly kind: "load"; readonly report: LoadReport }
  | { readonly kind: "done" }
  /** `why` is the system's code where there is one, e.g. ECONNREFUSED, ETIMEDOUT. */
  | { readonly kind: "failed"; readonly why: string };

/** What it says. */
export type PodNews =
  | { readonly kind: "serving" }
  | { readonly kind: "not-serving"; readonly why: string }
  | { readonly kind: "answer"; readonly id: number; readonly answer: PodAnswer };
