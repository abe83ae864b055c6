import type { Verb } from "./verb.ts";

interface VerbEntry {
  readonly path: readonly string[];
  readonly summary: string;
  /** Loaded only when called: start-up pays for one verb, not for all. */
  readonly load: () => Promise<Verb>;
  readonly hidden?: true;
}

export const VERBS: readonly VerbEntry[] = [
  {
    path: ["demo"],
    summary:
      "a whole clusterset on this machine: hub, members, sample service, first cross-cluster answer",
    load: async () => (await import("./verbs/demo.ts")).demoVerb,
  },
  {
    path: ["broker", "backup"],
    summary: "write all that the broker must not lose into a file",
    load: async () => (await import("./verbs/broker-backup.ts")).brokerBackupVerb,
  },
  {
    path: ["broker", "restore"],
    summary: "put a backup into an empty store",
    load: async () => (await import("./verbs/broker-restore.ts")).brokerRestoreVerb,
  },
  {
    path: ["broker"],
    summary: "run the hub's broker",
    load: async () => (await import("./verbs/broker.ts")).brokerVerb,
  },
  {
    path: ["token", "create"],
    summary: "make a single-use join token for one cluster id",
    load: async () => (await import("./verbs/token-create.ts")).tokenCreateVerb,
  },
  {
    path: ["members"],
    summary: "list the members: who is connected, rows, certificates",
    load: async () => (await import("./verbs/members.ts")).membersVerb,
  },
  {
    path: ["revoke"],
    summary: "end a cluster's membership now, its rows withdrawn or frozen",
    load: async () => (await import("./verbs/revoke.ts")).revokeVerb,
  },
  {
    path: ["authority", "rotate"],
    summary: "replace the clusterset's certificate authority without a drop",
    load: async () => (await import("./verbs/authority.ts")).authorityRotateVerb,
  },
  {
    path: ["authority"],
    summary: "show the clusterset's certificate authority and its rotation",
    load: async () => (await import("./verbs/authority.ts")).authorityVerb,
  },
  {
    path: ["audit"],
    summary: "print the audit log of joins, renewals, refusals and revocations",
    load: async () => (await import("./verbs/audit.ts")).auditVerb,
  },
  {
    path: ["install", "hub"],
    summary: "make this cluster the hub of a clusterset; prints a join line per --cluster",
    load: async () => (await import("./verbs/install-hub.ts")).installHubVerb,
  },
  {
    path: ["install", "member"],
    summary: "make this cluster a member: definitions, roles, policies, controllers and DNS",
    load: async () => (await import("./verbs/install-member.ts")).installMemberVerb,
  },
  {
    path: ["upgrade"],
    summary: "bring what was installed in this cluster to this program's version",
    load: async () => (await import("./verbs/upgrade.ts")).upgradeVerb,
  },
  {
    path: ["uninstall"],
    summary: "remove what was installed in this cluster; prints a receipt",
    load: async () => (await import("./verbs/uninstall.ts")).uninstallVerb,
  },
  {
    path: ["wire-dns"],
    summary: "have this cluster's DNS send clusterset.local to Isthmus, or take that back",
    load: async () => (await import("./verbs/wire-dns.ts")).wireDnsVerb,
  },
  {
    path: ["export"],
    summary: "export a Service to the clusterset",
    load: async () => (await import("./verbs/export.ts")).exportVerb,
  },
  {
    path: ["unexport"],
    summary: "end a Service's export",
    load: async () => (await import("./verbs/export.ts")).unexportVerb,
  },
  {
    path: ["auto-export"],
    summary: "show what auto-export exports, and what its quota leaves out; writes nothing",
    load: async () => (await import("./verbs/auto-export.ts")).autoExportVerb,
  },
  {
    path: ["explain"],
    summary: "walk a service's whole way and name the first thing that is wrong",
    load: async () => (await import("./verbs/explain.ts")).explainVerb,
  },
  {
    path: ["completion"],
    summary: "print shell completion: bash, zsh or fish",
    load: async () => (await import("./verbs/completion.ts")).completionVerb,
  },
  {
    path: ["join"],
    summary: "join this cluster to a clusterset: trade a token for an identity",
    load: async () => (await import("./verbs/join.ts")).joinVerb,
  },
  {
    path: ["leave"],
    summary: "take this cluster out of its clusterset and remove what Isthmus made in it",
    load: async () => (await import("./verbs/leave.ts")).leaveVerb,
  },
  {
    path: ["controllers"],
    summary: "run a member's export and import controllers",
    load: async () => (await import("./verbs/controllers.ts")).controllersVerb,
  },
  {
    path: ["dns"],
    summary: "run a member's authoritative DNS server",
    load: async () => (await import("./verbs/dns.ts")).dnsVerb,
  },
  {
    path: ["gateway"],
    summary: "carry traffic between this cluster's nodes and other clusters' gateways (root)",
    load: async () => (await import("./verbs/gateway.ts")).gatewayVerb,
  },
  {
    path: ["node-agent"],
    summary: "send a node's traffic for other clusters to the gateways (root, on every node)",
    load: async () => (await import("./verbs/node-agent.ts")).nodeAgentVerb,
  },
  {
    path: ["proxy"],
    summary: "carry connections to and from other members, one by one, over a single TCP port",
    load: async () => (await import("./verbs/proxy.ts")).proxyVerb,
  },
  {
    path: ["status"],
    summary: "show a member's exports, imports and membership",
    load: async () => (await import("./verbs/status.ts")).statusVerb,
  },
  {
    path: ["verify"],
    summary: "show that clusters reach each other's services, with a service made for it",
    load: async () => (await import("./verbs/verify.ts")).verifyVerb,
  },
  {
    path: ["benchmark"],
    summary: "measure propagation, names, requests and throughput between live clusters",
    load: async () => (await import("./verbs/benchmark.ts")).benchmarkVerb,
  },
  {
    path: ["gather"],
    summary: "write a support bundle, keys and tokens left out",
    load: async () => (await import("./verbs/gather.ts")).gatherVerb,
  },
  {
    path: ["crds"],
    summary:
      "print the custom resource definitions, or install them, and our namespace, with --apply",
    load: async () => (await import("./verbs/crds.ts")).crdsVerb,
  },
  {
    path: ["dns-worker"],
    summary: "one worker of a DNS server with several",
    load: async () => (await import("./verbs/dns-worker.ts")).dnsWorkerVerb,
    hidden: true,
  },
  {
    path: ["manifests"],
    summary: "print a member's roles and admission policies, or install them with --apply",
    load: async () => (await import("./verbs/manifests.ts")).manifestsVerb,
  },
  {
    path: ["sandbox-member"],
    summary: "one embedded cluster of the demo: API server, pods and network",
    load: async () => (await import("./verbs/sandbox-member.ts")).sandboxMemberVerb,
    hidden: true,
  },
];
