import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { parseDnsLabel } from "../../api/dns-label.ts";
import { BACKEND_NAMES, type BackendName, isBackendName } from "../../api/network/backend-name.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { parseServiceKey, type ServiceKey, splitServiceKey } from "../../api/service-key.ts";

/** What is not left to `auto`. Of several that fit, that of the service counts, then of the namespace, then of the peer. */
export interface Pins {
  readonly peers: ReadonlyMap<ClusterId, BackendName>;
  readonly namespaces: ReadonlyMap<string, BackendName>;
  readonly services: ReadonlyMap<ServiceKey, BackendName>;
}

export const NO_PINS: Pins = { peers: new Map(), namespaces: new Map(), services: new Map() };

const FORM =
  'must be "<cluster>=<backend>", "<namespace>/*=<backend>" or "<namespace>/<service>=<backend>"';

/** Reads pins as they are written in settings; what is pinned twice to different backends is an error. */
export function parsePins(texts: readonly string[]): Result<Pins, string> {
  const peers = new Map<ClusterId, BackendName>();
  const namespaces = new Map<string, BackendName>();
  const services = new Map<ServiceKey, BackendName>();
  for (const text of texts) {
    const [what = "", backend, ...rest] = text.split("=");
    const fail = (rule: string): Result<never, string> =>
      err(`cannot parse pin: ${rule}: got ${JSON.stringify(text)}`);
    if (backend === undefined || rest.length > 0) return fail(FORM);
    if (!isBackendName(backend)) return fail(`backend must be one of ${BACKEND_NAMES.join(", ")}`);
    const put = <K>(map: Map<K, BackendName>, key: Result<K, string>): string | undefined => {
      if (!key.ok) return key.error;
      const before = map.get(key.value);
      if (before !== undefined && before !== backend) return `already pinned to ${before}`;
      map.set(key.value, backend);
      return undefined;
    };
    const problem = !what.includes("/")
      ? put(peers, parseClusterId(what))
      : what.endsWith("/*")
        ? put(namespaces, parseDnsLabel("namespace", what.slice(0, -2)))
        : put(services, parseServiceKey(what));
    if (problem !== undefined) return fail(problem);
  }
  return ok({ peers, namespaces, services });
}

/** What a service of a peer is pinned to beyond the peer's own choice; undefined: it goes as the peer does. */
export function servicePin(pins: Pins, service: ServiceKey): BackendName | undefined {
  if (pins.services.size === 0 && pins.namespaces.size === 0) return undefined;
  return pins.services.get(service) ?? pins.namespaces.get(splitServiceKey(service).namespace);
}
