import type { User } from "../auth/user.ts";
import type { WatchEvent, WatchStart } from "../watch/watch-event.ts";

/** One HTTP request, body read, sender known. */
export interface ApiRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly user: User;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

export type ApiResponse = BodyResponse | WatchResponse;

export interface BodyResponse {
  readonly kind: "body";
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: string;
}

export interface WatchResponse {
  readonly kind: "watch";
  readonly headers: ResponseHeaders;
  readonly start: WatchStart;
  /** One event as it goes over the wire. */
  encode(event: WatchEvent): string;
}

type ResponseHeaders = Readonly<Record<string, string | readonly string[]>>;
