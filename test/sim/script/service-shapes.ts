import type { Service, ServicePort } from "../../../api/kube/service.ts";
import type { ServiceExport } from "../../../api/mcs/service-export.ts";
import { type ServiceKey, serviceKey } from "../../../api/service-key.ts";

export const SIM_NAMESPACES = ["shop", "bank"] as const;
/** Services that scripts export. */
export const SIM_SERVICES = ["web", "db"] as const;
/** A service that exists in every member, with endpoints, and is never exported (I2). */
export const PRIVATE_SERVICE = "private";

/** Every service that any script knows. */
export const SIM_KEYS: readonly ServiceKey[] = SIM_NAMESPACES.flatMap((namespace) =>
  [...SIM_SERVICES, PRIVATE_SERVICE].map((name) => serviceKey(namespace, name)),
);

type Shape = Service["spec"];

const HTTP: ServicePort = { name: "http", protocol: "TCP", port: 80, targetPort: 8080 };
const ADMIN: ServicePort = { name: "admin", protocol: "TCP", port: 81, targetPort: 8081 };

/** What a Service may look like; several disagree with each other in each property that is merged. */
export const SERVICE_SHAPES: readonly Shape[] = [
  { ports: [HTTP] },
  { ports: [HTTP, ADMIN] },
  { ports: [{ ...HTTP, port: 8000 }] },
  { ports: [{ ...HTTP, name: "web" }] },
  { clusterIP: "None", ports: [HTTP] },
  { type: "ExternalName", externalName: "example.com" },
  { type: "NodePort", ports: [HTTP], sessionAffinity: "ClientIP" },
  {
    type: "LoadBalancer",
    ports: [{ ...HTTP, appProtocol: "h2c" }],
    internalTrafficPolicy: "Local",
  },
  { ports: [{ protocol: "TCP", port: 80, targetPort: 8080 }] },
  { ports: [{ name: "dns", protocol: "UDP", port: 80, targetPort: 8053 }, ADMIN] },
  { clusterIP: "None" },
  // The same ports in another order are no conflict (CON-08).
  { ports: [ADMIN, HTTP] },
  { ports: [HTTP], ipFamilyPolicy: "PreferDualStack" },
  { clusterIP: "None", ports: [HTTP], ipFamilyPolicy: "PreferDualStack" },
  // Who writes its endpoints decides on their families: both, even in a cluster that has one.
  { clusterIP: "None", ports: [HTTP], selector: {} },
  {
    ports: [HTTP],
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
  },
  { ports: [HTTP], trafficDistribution: "PreferClose" },
];

/** What an export may say besides its name. */
export const EXPORT_SPECS: readonly NonNullable<ServiceExport["spec"]>[] = [
  {},
  { exportedLabels: { team: "red" } },
  { exportedLabels: { team: "blue", tier: "1" } },
  { exportedAnnotations: { "example.com/owner": "red" } },
  { exportedLabels: { team: "red" }, exportedAnnotations: { "example.com/owner": "a,b=c" } },
];
