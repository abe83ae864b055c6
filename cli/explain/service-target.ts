import { parseDnsLabel, parseServiceName } from "../../api/dns-label.ts";
import { err, ok, type Result } from "../../api/result.ts";

export interface ServiceTarget {
  readonly namespace: string;
  readonly name: string;
}

/** `svc.ns.svc.clusterset.local`, `ns/svc`, or `svc` in the namespace that was named otherwise. */
export function parseServiceTarget(text: string, namespace: string): Result<ServiceTarget, string> {
  const parts = splitTarget(text, namespace);
  if (parts === undefined) {
    return err(
      `cannot read ${JSON.stringify(text)}: must be a Service's name, NAMESPACE/NAME or NAME.NAMESPACE.svc.clusterset.local`,
    );
  }
  const name = parseServiceName(parts.name);
  if (!name.ok) return name;
  const label = parseDnsLabel("namespace", parts.namespace);
  return label.ok ? ok({ namespace: label.value, name: name.value }) : label;
}

function splitTarget(text: string, namespace: string): ServiceTarget | undefined {
  if (text.includes("/")) {
    const [first = "", name = "", ...others] = text.split("/");
    return others.length === 0 ? { namespace: first, name } : undefined;
  }
  const labels = text.toLowerCase().replace(/\.$/, "").split(".");
  if (labels.length === 1) return { namespace, name: text };
  const svc = labels.lastIndexOf("svc");
  // Names of endpoints, and of ports, begin with more labels.
  const [name, of] = labels.slice(svc - 2, svc);
  return svc < 2 || name === undefined || of === undefined ? undefined : { namespace: of, name };
}
