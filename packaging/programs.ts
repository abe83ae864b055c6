/**
 * What is shipped: one file per process, each with the verbs that run in its container or pod; `isthmus` has every verb that a
 * person calls. The demo is not among them: it needs the checkout.
 */
export const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  isthmus: [],
  broker: [
    "broker",
    "broker backup",
    "broker restore",
    "token create",
    "members",
    "revoke",
    "authority",
    "authority rotate",
    "audit",
  ],
  controllers: ["controllers", "join", "leave", "status"],
  dns: ["dns", "dns-worker"],
  gateway: ["gateway"],
  "node-agent": ["node-agent"],
  proxy: ["proxy"],
};

/** Verbs that no shipped program has. */
export const NOT_SHIPPED: readonly string[] = ["demo", "sandbox-member"];
