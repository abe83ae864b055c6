import type { KubeObject, Resource } from "./object.ts";

export const EVENTS: Resource = {
  group: "events.k8s.io",
  version: "v1",
  plural: "events",
  kind: "Event",
  namespaced: true,
};

/** Longest reason and note that the API server accepts, in bytes. */
export const EVENT_REASON_BYTES_MAX = 128;
export const EVENT_NOTE_BYTES_MAX = 1024;

/** One thing that happened to an object; lives in the object's namespace. */
export interface KubeEvent extends KubeObject {
  /** MicroTime: RFC 3339 with six fractional digits. */
  readonly eventTime: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly action: string;
  readonly reason: string;
  readonly note: string;
  readonly type: "Normal" | "Warning";
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
}
