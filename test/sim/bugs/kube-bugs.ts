import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { SERVICES, type Service } from "../../../api/kube/service.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../../api/mcs/labels.ts";
import { ok, type Result } from "../../../api/result.ts";
import type {
  CallOptions,
  KubeClient,
  ListPage,
  ListQuery,
  ObjectRef,
  WatchEvent,
  WatchQuery,
} from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { overrideKubeClient } from "../world/override-kube-client.ts";

type PatchOptions = Parameters<KubeClient["mergePatch"]>[2];
type Change = <T extends KubeObject>(object: T) => T;

/** Merge patches of one kind are sent otherwise than asked for. */
export function changePatches(
  client: KubeClient,
  kind: string,
  change: (patch: object) => object,
): KubeClient {
  return overrideKubeClient(client, {
    mergePatch: <T extends KubeObject>(ref: ObjectRef, patch: object, options: PatchOptions) =>
      client.mergePatch<T>(ref, ref.resource.kind === kind ? change(patch) : patch, options),
  });
}

export function withoutPorts(patch: object): object {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== "ports"));
}

export function hideConflict(patch: object): object {
  const text = JSON.stringify(patch);
  const hidden: unknown = JSON.parse(
    text.replace(
      /"type":"Conflict","status":"True","reason":"[^"]*"/,
      '"type":"Conflict","status":"False","reason":"NoConflicts"',
    ),
  );
  return typeof hidden === "object" && hidden !== null ? hidden : patch;
}

/** Objects of one kind are read otherwise than they are. */
export function changeReads(client: KubeClient, kind: string, change: Change): KubeClient {
  const changed = <T extends KubeObject>(object: T, resource: Resource): T =>
    resource.kind === kind ? change(object) : object;
  return overrideKubeClient(client, {
    get: async <T extends KubeObject>(
      ref: ObjectRef,
      options: CallOptions,
    ): Promise<Result<T, KubeError>> => {
      const got = await client.get<T>(ref, options);
      return got.ok ? ok(changed(got.value, ref.resource)) : got;
    },
    list: async <T extends KubeObject>(
      resource: Resource,
      query: ListQuery,
      options: CallOptions,
    ): Promise<Result<ListPage<T>, KubeError>> => {
      const page = await client.list<T>(resource, query, options);
      if (!page.ok) return page;
      return ok({ ...page.value, items: page.value.items.map((item) => changed(item, resource)) });
    },
    watch: <T extends KubeObject>(resource: Resource, query: WatchQuery, signal: AbortSignal) =>
      mapEvents(client.watch<T>(resource, query, signal), (event) =>
        event.kind === "bookmark" ? event : { ...event, object: changed(event.object, resource) },
      ),
  });
}

export function labelAsOurs<T extends KubeObject>(object: T): T {
  const labels = { ...object.metadata.labels, [LABEL_MANAGED_BY]: MANAGED_BY };
  return { ...object, metadata: { ...object.metadata, labels } };
}

/** An export's Valid condition is not seen, and so always new. */
export function forgetValid<T extends KubeObject>(object: T): T {
  const text = JSON.stringify(object);
  const withoutValid: unknown = JSON.parse(
    text.replace(/\{"type":"Valid"[^}]*\},/, "").replace(/,?\{"type":"Valid"[^}]*\}/, ""),
  );
  return Object.assign(structuredClone(object), withoutValid);
}

/** An object that is going looks as if it stayed. */
export function forgetDeletion<T extends KubeObject>(object: T): T {
  const { deletionTimestamp: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Another version at each look: as if somebody had just written it. */
export function alwaysFresh(client: KubeClient): KubeClient {
  let looks = 0;
  return changeReads(client, "Lease", (lease) => {
    looks += 1;
    const resourceVersion = `${lease.metadata.resourceVersion}-${looks}`;
    return { ...lease, metadata: { ...lease.metadata, resourceVersion } };
  });
}

/** Events that change an object of this kind are lost. */
export function missModified(client: KubeClient, kind: string): KubeClient {
  return overrideKubeClient(client, {
    watch: <T extends KubeObject>(resource: Resource, query: WatchQuery, signal: AbortSignal) =>
      mapEvents(client.watch<T>(resource, query, signal), (event) =>
        event.kind === "modified" && resource.kind === kind ? undefined : event,
      ),
  });
}

async function* mapEvents<T>(
  events: AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined>,
  map: (event: WatchEvent<T>) => WatchEvent<T> | undefined,
): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined> {
  for (;;) {
    const next = await events.next();
    if (next.done === true) return next.value;
    const event = map(next.value);
    if (event !== undefined) yield event;
  }
}

/** A patch of the ports of a Service becomes a deletion and a creation. */
export function recreateDerived(client: KubeClient): KubeClient {
  return overrideKubeClient(client, {
    mergePatch: async <T extends KubeObject>(
      ref: ObjectRef,
      patch: object,
      options: PatchOptions,
    ): Promise<Result<T, KubeError>> => {
      const patched = await client.mergePatch<T>(ref, patch, options);
      if (ref.resource.kind !== "Service" || !patched.ok) return patched;
      const { signal } = options;
      const service = await client.get<Service>(ref, { signal });
      if (!service.ok || service.value.spec.clusterIP === "None") return patched;
      await client.delete(ref, {}, { signal });
      const {
        resourceVersion: _,
        uid: __,
        managedFields: ___,
        ...metadata
      } = service.value.metadata;
      const { clusterIP: _ip, clusterIPs: _ips, ...spec } = service.value.spec;
      await client.create(SERVICES, { ...service.value, metadata, spec }, { signal });
      return client.get<T>(ref, { signal });
    },
  });
}

/** A patch that failed counts as done. */
export function swallowErrors(client: KubeClient): KubeClient {
  return overrideKubeClient(client, {
    mergePatch: async <T extends KubeObject>(
      ref: ObjectRef,
      patch: object,
      options: PatchOptions,
    ): Promise<Result<T, KubeError>> => {
      const patched = await client.mergePatch<T>(ref, patch, options);
      if (patched.ok || patched.error.kind === "not-found") return patched;
      return client.get<T>(ref, { signal: options.signal });
    },
  });
}
