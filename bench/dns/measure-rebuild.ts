import { LABEL_SERVICE_NAME } from "../../api/mcs/labels.ts";
import { type ServiceKey, serviceKey } from "../../api/service-key.ts";
import { Responder } from "../../dns-server/answer/responder.ts";
import { deriveServiceRecords } from "../../dns-server/zone/derive-service-records.ts";
import { parseZoneConfig } from "../../dns-server/zone/zone-config.ts";
import { changeZone, EMPTY_ZONE } from "../../dns-server/zone/zone-snapshot.ts";
import { HEADLESS_SERVICES, headlessKey, headlessSlice, makeClusterset } from "./clusterset.ts";

export type RebuildFigures = {
  readonly what: string;
  readonly milliseconds: number;
};

const CHANGES = 2000;

/** CPU time of building the whole zone, and of one changed endpoint among 100: derive, publish, drop what was compiled. */
export function measureRebuild(): readonly RebuildFigures[] {
  const { namespaces, imports, slices } = makeClusterset();
  const slicesOf = new Map(slices.map((slice) => [keyOf(slice.metadata), [slice]]));
  let zone = EMPTY_ZONE;
  const whole = cpuMs(() => {
    const services = new Map(
      imports.map((serviceImport) => {
        const key = keyOf(serviceImport.metadata);
        return [key, derive(key, serviceImport, slicesOf.get(key) ?? [])] as const;
      }),
    );
    const exist = new Map(namespaces.map(({ metadata }) => [metadata.name, true]));
    zone = changeZone(zone, { serial: 1, services, namespaces: exist });
  });
  const config = parseZoneConfig({});
  if (!config.ok) throw new Error(config.error);
  const edns = { tcpIdleMs: 1, nowSeconds: () => 0 };
  const responder = new Responder(
    { config: config.value, udpPayloadBytes: 1232, edns },
    () => undefined,
  );
  const byKey = new Map(imports.map((one) => [keyOf(one.metadata), one]));
  const changes = cpuMs(() => {
    for (let round = 0; round < CHANGES; round++) {
      const index = round % HEADLESS_SERVICES;
      const [namespace = "", name = ""] = headlessKey(index).split("/");
      const key = serviceKey(namespace, name);
      const serviceImport = byKey.get(key);
      if (serviceImport === undefined) continue;
      const records = derive(key, serviceImport, [headlessSlice(index, round + 1)]);
      const services = new Map([[key, records]]);
      zone = changeZone(zone, { serial: round + 2, services, namespaces: new Map() });
      responder.setZone(zone, [key]);
    }
  });
  return [
    { what: "whole zone", milliseconds: whole },
    { what: "one endpoint changed", milliseconds: changes / CHANGES },
  ];
}

function derive(
  key: ServiceKey,
  serviceImport: Parameters<typeof deriveServiceRecords>[0]["serviceImport"],
  slices: Parameters<typeof deriveServiceRecords>[0]["slices"],
) {
  const { namespace, name } = serviceImport.metadata;
  const origin = `${name}.${namespace}.svc.clusterset.local`;
  return deriveServiceRecords({ key, origin, serviceImport, slices }).records;
}

/** Of an import by its name, of a slice by its label. */
function keyOf(metadata: {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}): ServiceKey {
  const service = metadata.labels?.[LABEL_SERVICE_NAME] ?? metadata.name;
  return serviceKey(metadata.namespace ?? "", service);
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
