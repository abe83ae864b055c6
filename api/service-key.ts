import { parseDnsLabel, parseServiceName } from "./dns-label.ts";
import { err, ok, type Result } from "./result.ts";

declare const brand: unique symbol;

/** `namespace/name` of a Service, its ServiceExport and its ServiceImport: one identity in the clusterset (IMP-35). */
export type ServiceKey = string & { readonly [brand]: "ServiceKey" };

export function serviceKey(namespace: string, name: string): ServiceKey {
  return `${namespace}/${name}` as ServiceKey;
}

export function splitServiceKey(key: ServiceKey): { namespace: string; name: string } {
  const slash = key.indexOf("/");
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function parseServiceKey(text: string): Result<ServiceKey, string> {
  const parts = text.split("/");
  const [namespace, name] = parts;
  if (parts.length !== 2 || namespace === undefined || name === undefined) {
    return err(`cannot parse service key: must be namespace/name: got ${JSON.stringify(text)}`);
  }
  const ns = parseDnsLabel("namespace", namespace);
  if (!ns.ok) return ns;
  const svc = parseServiceName(name);
  return svc.ok ? ok(serviceKey(ns.value, svc.value)) : svc;
}
