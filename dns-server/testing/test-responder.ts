import { encode } from "dns-packet";
import { InvariantError } from "../../api/invariant.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { type ServiceKey, serviceKey } from "../../api/service-key.ts";
import type { AnswerCacheLimits } from "../answer/answer-cache.ts";
import type { Client, Transport } from "../answer/client.ts";
import type { EdnsSettings } from "../answer/edns-options.ts";
import { Responder, type ResponderOptions } from "../answer/responder.ts";
import { MESSAGE_BYTES_MAX } from "../wire/dns-numbers.ts";
import type { EndpointPolicy } from "../zone/choose-endpoints.ts";
import { deriveServiceRecords } from "../zone/derive-service-records.ts";
import type { ServiceRecords } from "../zone/service-records.ts";
import { parseZoneConfig, type ZoneSettings } from "../zone/zone-config.ts";
import { changeZone, EMPTY_ZONE, type ZoneSnapshot } from "../zone/zone-snapshot.ts";
import { messageText, toQuestion } from "./message-text.ts";

export interface ZoneObjects {
  readonly imports?: readonly ServiceImport[];
  readonly slices?: readonly EndpointSlice[];
  /** @default those of the imports */
  readonly namespaces?: readonly string[];
  readonly policy?: EndpointPolicy;
}

const SERIAL = 7;

/** The zone of these objects, built without any shell. */
export function zoneOf(objects: ZoneObjects): ZoneSnapshot {
  const imports = objects.imports ?? [];
  const services = new Map<ServiceKey, ServiceRecords | undefined>();
  for (const serviceImport of imports) {
    const { namespace = "", name } = serviceImport.metadata;
    const key = serviceKey(namespace, name);
    const slices = (objects.slices ?? []).filter(
      ({ metadata }) =>
        metadata.namespace === namespace && metadata.labels?.[LABEL_SERVICE_NAME] === name,
    );
    const origin = `${name}.${namespace}.svc.clusterset.local`;
    const { policy } = objects;
    const input = {
      key,
      origin,
      serviceImport,
      slices,
      ...(policy === undefined ? {} : { policy }),
    };
    services.set(key, deriveServiceRecords(input).records);
  }
  const names = objects.namespaces ?? imports.map(({ metadata }) => metadata.namespace ?? "");
  const namespaces = new Map(names.map((name) => [name, true]));
  return changeZone(EMPTY_ZONE, { serial: SERIAL, services, namespaces });
}

/** Who asks in tests. */
export const CLIENT: Client = clientAt("192.0.2.1");

/** A client to whom nothing is sent later. */
export function clientAt(address: string): Client {
  return {
    address,
    later: () => () => {
      throw new InvariantError("nothing was to be sent later", { address });
    },
  };
}

export interface TestResponder {
  readonly responder: Responder;
  /** `[code flags, records...]` of "name TYPE", asked with EDNS of 4096 bytes over TCP. */
  readonly ask: (question: string) => readonly string[];
  readonly send: (packet: Buffer, transport?: Transport, client?: Client) => Buffer;
}

export interface TestResponderOptions
  extends Pick<
    ResponderOptions,
    "access" | "ahead" | "hides" | "limitRate" | "answersReverse" | "forward" | "forwardAccess"
  > {
  readonly settings?: ZoneSettings;
  readonly udpPayloadBytes?: number;
  readonly edns?: Partial<EdnsSettings>;
  readonly cacheLimits?: AnswerCacheLimits;
}

export function testResponder(
  zone: ZoneSnapshot | undefined,
  options: TestResponderOptions = {},
): TestResponder {
  const config = parseZoneConfig(options.settings ?? {});
  if (!config.ok) throw new InvariantError("settings of a test are right", { error: config.error });
  const responder = new Responder(
    {
      config: config.value,
      udpPayloadBytes: options.udpPayloadBytes ?? 1232,
      ...options,
      edns: { tcpIdleMs: 10_000, nowSeconds: () => 1_780_000_000, ...options.edns },
      cacheLimits: options.cacheLimits ?? { entriesMax: 1000, bytesMax: 1_000_000 },
    },
    () => undefined,
  );
  if (zone !== undefined) responder.setZone(zone, []);
  const send = (packet: Buffer, transport: Transport = "udp", client = CLIENT): Buffer => {
    const response = responseTo(responder, packet, transport, client);
    if (response === undefined) throw new InvariantError("packet is answered", { packet });
    return response;
  };
  return { responder, send, ask: (text) => messageText(send(queryPacket(text), "tcp")) };
}

/** The response as memory of its own; undefined for silence. */
export function responseTo(
  responder: Responder,
  packet: Buffer,
  transport: Transport = "udp",
  client: Client = CLIENT,
): Buffer | undefined {
  const into = Buffer.alloc(MESSAGE_BYTES_MAX);
  const bytes = responder.respond(packet, packet.length, transport, into, client);
  return bytes <= 0 ? undefined : into.subarray(0, bytes);
}

export interface QueryDraft {
  readonly id?: number;
  readonly flags?: number;
  /** No OPT without it. */
  readonly ednsBytes?: number;
  readonly isDnssecOk?: boolean;
  readonly ednsVersion?: number;
  /** Options of OPT: code, and data in hexadecimal. */
  readonly options?: readonly (readonly [code: number, data: string])[];
}

export function queryPacket(question: string, draft: QueryDraft = { ednsBytes: 4096 }): Buffer {
  const packet = encode({
    type: "query",
    id: draft.id ?? 4711,
    flags: draft.flags ?? 0,
    questions: [toQuestion(question)],
    additionals:
      draft.ednsBytes === undefined
        ? []
        : [
            {
              type: "OPT",
              name: ".",
              udpPayloadSize: draft.ednsBytes,
              extendedRcode: 0,
              ednsVersion: draft.ednsVersion ?? 0,
              flags: draft.isDnssecOk === true ? 0x8000 : 0,
              flag_do: draft.isDnssecOk === true,
              options: [],
            },
          ],
  });
  if (draft.ednsBytes === undefined) return packet;
  // dns-packet writes a size of 0 as 4096, and only options that it knows.
  packet.writeUInt16BE(draft.ednsBytes, packet.length - 8);
  const options = Buffer.concat((draft.options ?? []).map(([code, data]) => option(code, data)));
  packet.writeUInt16BE(options.length, packet.length - 2);
  return Buffer.concat([packet, options]);
}

function option(code: number, hex: string): Buffer {
  const data = Buffer.from(hex, "hex");
  const header = Buffer.alloc(4);
  header.writeUInt16BE(code, 0);
  header.writeUInt16BE(data.length, 2);
  return Buffer.concat([header, data]);
}
