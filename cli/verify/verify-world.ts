import { ENDPOINT_SLICES, type EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import type { serviceExports } from "../../api/mcs/service-export.ts";
import type { KubeClient, ListQuery } from "../../runtime/kube/kube-client.ts";
import type { Check } from "./check.ts";
import { TEST_SERVICE } from "./test-service.ts";

export interface VerifyOptions {
  readonly namespace: string;
  /** For each thing that is waited for, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What every check of one exporter knows. */
export type World = VerifyOptions & {
  readonly from: string;
  /** Whether the test service has a pod: without one nobody can be reached. */
  readonly hasPods: boolean;
  readonly startMs: number;
};

/** A request that failed is told as nothing there: it is looked at again. */
export async function find<T extends KubeObject>(
  client: KubeClient,
  resource: ReturnType<typeof serviceExports>,
  { namespace, signal }: Pick<VerifyOptions, "namespace" | "signal">,
): Promise<T | undefined> {
  const got = await client.get<T>({ resource, namespace, name: TEST_SERVICE }, { signal });
  return got.ok ? got.value : undefined;
}

export async function slicesOf(
  client: KubeClient,
  query: ListQuery,
  signal: AbortSignal,
): Promise<readonly EndpointSlice[]> {
  const listed = await client.list<EndpointSlice>(ENDPOINT_SLICES, query, { signal });
  return listed.ok ? listed.value.items : [];
}

export function outcome(
  { from, startMs }: Pick<World, "from" | "startMs">,
  at: string,
  check: string,
  { missing, atMs }: { readonly missing: string | undefined; readonly atMs: number },
  detail: string,
): Check {
  if (missing !== undefined) return failed(from, at, check, missing);
  return { from, at, check, result: "passed", detail, ms: Math.round(atMs - startMs) };
}

export function failed(from: string, at: string, check: string, detail: string): Check {
  return { from, at, check, result: "failed", detail };
}

export function untested(
  { from }: Pick<World, "from">,
  at: string,
  check: string,
  why: string,
): Check {
  return { from, at, check, result: "not tested", detail: why };
}
