import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { ImportPort, ServiceImport } from "../../../api/mcs/service-import.ts";
import { AccessList } from "../../../dns-server/guard/access-list.ts";
import { ServerCookies } from "../../../dns-server/guard/server-cookies.ts";
import { anImport, aSlice } from "../../../dns-server/testing/objects.ts";
import {
  type TestResponder,
  type TestResponderOptions,
  testResponder,
  zoneOf,
} from "../../../dns-server/testing/test-responder.ts";

/** Secret of the RFC's own examples, so that cookies in rows can be compared with them (RFC 9018, appendix A). */
const COOKIE_SECRET = Buffer.from("e5e973e5a6b2a43f48e7dc849e37bfcf", "hex");
/** When every row is asked: the time of the first example of that appendix. */
const NOW_SECONDS = Date.parse("2019-06-05T10:53:05Z") / 1000;

/**
 * Reads the objects that a zone is made of, one a line:
 *
 *     namespace shop
 *     import shop/web ClusterSetIP 10.96.1.10 fd00::1 http:80/TCP :9000/UDP
 *     import shop/db Headless {dns.isthmus.dev/weights=east=3}
 *     slice shop/db east 10.1.1.1=db-0 !10.1.1.2=db-1 10.1.2.[1-40] pg:5432/TCP
 *     set ttl 30 | negative-ttl 7 | zone x.example | ns-name a.x | ns-addresses 10.0.0.1 | udp-payload 1232 | nsid pod |
 *         headless-max 2 | balancing east | allow 10.0.0.0/8 | reverse on | synced no
 *
 * Namespaces of imports exist unless some are given.
 */
export function readZone(lines: readonly string[]): TestResponder {
  const imports: ServiceImport[] = [];
  const slices: EndpointSlice[] = [];
  const namespaces: string[] = [];
  const settings = new Map<string, string>();
  for (const line of lines) {
    const [verb = "", ...words] = line.split(/\s+/);
    if (verb === "namespace") namespaces.push(...words);
    else if (verb === "import") imports.push(readImport(words));
    else if (verb === "slice") slices.push(readSlice(words, slices.length));
    else if (verb === "set") settings.set(words[0] ?? "", words.slice(1).join(" "));
    else throw new Error(`no such line in a zone: ${line}`);
  }
  const number = (key: string): number | undefined =>
    settings.has(key) ? Number(settings.get(key)) : undefined;
  const zone = zoneOf({
    imports,
    slices,
    ...(namespaces.length === 0 ? {} : { namespaces }),
    policy: given({
      endpointsMax: number("headless-max"),
      balancing: settings.has("balancing")
        ? given({ localCluster: settings.get("balancing") })
        : undefined,
    }),
  });
  return testResponder(
    settings.get("synced") === "no" ? undefined : zone,
    responderOptions(settings),
  );
}

function responderOptions(settings: ReadonlyMap<string, string>): TestResponderOptions {
  const number = (key: string): number | undefined =>
    settings.has(key) ? Number(settings.get(key)) : undefined;
  const nsid = settings.get("nsid");
  const allow = settings.get("allow");
  const access = allow === undefined ? undefined : AccessList.parse("allow", [allow]);
  if (access?.ok === false) throw new Error(access.error);
  return given({
    udpPayloadBytes: number("udp-payload"),
    answersReverse: settings.get("reverse") === "on" ? true : undefined,
    access: access?.value,
    edns: given({
      cookies: new ServerCookies([COOKIE_SECRET]),
      nsid: nsid === undefined ? undefined : Buffer.from(nsid),
      nowSeconds: () => NOW_SECONDS,
    }),
    settings: given({
      ttlSeconds: number("ttl"),
      negativeTtlSeconds: number("negative-ttl"),
      nsName: settings.get("ns-name"),
      nsAddresses: settings.get("ns-addresses")?.split(" "),
    }),
  });
}

function readImport([key = "", type = "", ...words]: readonly string[]): ServiceImport {
  const annotations = words
    .filter((word) => word.startsWith("{"))
    .map((word): [string, string] => {
      const [, name = "", value = ""] = /^\{([^=]+)=(.*)\}$/.exec(word) ?? [];
      return [name, value];
    });
  const made = anImport({
    key,
    isHeadless: type === "Headless",
    ips: words.filter(isAddress),
    ports: words.filter(isPort).map(readPort),
  });
  return {
    ...made,
    metadata: { ...made.metadata, annotations: Object.fromEntries(annotations) },
  };
}

function readSlice(
  [key = "", cluster = "", ...words]: readonly string[],
  index: number,
): EndpointSlice {
  return aSlice({
    key,
    cluster,
    name: `slice-${index}`,
    endpoints: words.filter((word) => !isPort(word)).flatMap(expandRange),
    ports: words.filter(isPort).map(readPort),
  });
}

/** `10.0.0.[1-3]` is three addresses. */
function expandRange(word: string): string[] {
  const [, before = "", from, to, after = ""] = /^(.*)\[(\d+)-(\d+)\](.*)$/.exec(word) ?? [];
  if (from === undefined || to === undefined) return [word];
  const count = Number(to) - Number(from) + 1;
  return Array.from({ length: count }, (_, index) => `${before}${Number(from) + index}${after}`);
}

function isPort(word: string): boolean {
  return /^[a-z0-9-]*:\d+\/(TCP|UDP|SCTP)$/.test(word);
}

function isAddress(word: string): boolean {
  return /^[0-9a-f.:]+$/i.test(word) && !isPort(word);
}

function readPort(word: string): ImportPort {
  const [, name = "", number, protocol] = /^(.*):(\d+)\/(.*)$/.exec(word) ?? [];
  return {
    ...(name === "" ? {} : { name }),
    port: Number(number),
    protocol: protocol as ImportPort["protocol"],
  };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined, as exact optional properties ask for. */
function given<T extends object>(fields: T): Given<T> {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as Given<T>;
}
