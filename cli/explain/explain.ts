import { checkAddress } from "./checks/address.ts";
import { checkAudience } from "./checks/audience.ts";
import { checkBackend } from "./checks/backend.ts";
import { checkBroker } from "./checks/broker.ts";
import { checkCertificate } from "./checks/certificate.ts";
import { checkClusterDns } from "./checks/cluster-dns.ts";
import { checkControllers } from "./checks/controllers.ts";
import { checkDefinitions } from "./checks/definitions.ts";
import { checkDnsAnswer } from "./checks/dns-answer.ts";
import { checkEndpoints } from "./checks/endpoints.ts";
import { checkExport } from "./checks/export.ts";
import { checkExporters } from "./checks/exporters.ts";
import { checkHostNames } from "./checks/host-names.ts";
import { checkImport } from "./checks/import.ts";
import { checkMembership } from "./checks/membership.ts";
import { checkMerge } from "./checks/merge.ts";
import { checkNamespace } from "./checks/namespace.ts";
import { checkPackets } from "./checks/packets.ts";
import { checkPath } from "./checks/path.ts";
import { checkPolicy } from "./checks/policy.ts";
import { checkReadiness } from "./checks/readiness.ts";
import { checkRow } from "./checks/row.ts";
import { checkService } from "./checks/service.ts";
import { checkSlices } from "./checks/slices.ts";
import type { Facts } from "./facts.ts";
import type { Check, Finding } from "./finding.ts";

/** The whole way, in the order in which one thing needs the one before. */
const WAY: readonly (readonly [string, Check])[] = [
  ["membership", checkMembership],
  ["definitions", checkDefinitions],
  ["certificate", checkCertificate],
  ["controllers", checkControllers],
  ["broker", checkBroker],
  ["readiness", checkReadiness],
  ["namespace", checkNamespace],
  ["policy", checkPolicy],
  ["service", checkService],
  ["export", checkExport],
  ["audience", checkAudience],
  ["endpoints", checkEndpoints],
  ["broker row", checkRow],
  ["import", checkImport],
  ["merge", checkMerge],
  ["exporters", checkExporters],
  ["backend", checkBackend],
  ["path", checkPath],
  ["slices", checkSlices],
  ["host names", checkHostNames],
  ["clusterset IP", checkAddress],
  ["cluster DNS", checkClusterDns],
  ["DNS answer", checkDnsAnswer],
  ["packets", checkPackets],
];

export interface Explanation {
  readonly service: string;
  /** Which cluster was looked at; absent: it does not say. */
  readonly cluster?: string;
  readonly findings: readonly Finding[];
  /** The first thing on the way that is wrong: what comes after it may be so because of it. */
  readonly firstWrong?: Finding;
  /** How many checks nobody could make. */
  readonly untested: number;
}

/** Walks the whole way of one service, from its export to a packet. */
export function explain(facts: Facts): Explanation {
  const findings = WAY.map(([check, look]): Finding => ({ check, ...look(facts) }));
  const firstWrong = findings.find(({ verdict }) => verdict === "wrong");
  const cluster = facts.membership.ok ? facts.membership.value.clusterId : undefined;
  return {
    service: `${facts.namespace}/${facts.name}`,
    ...(cluster === undefined ? {} : { cluster }),
    findings,
    ...(firstWrong === undefined ? {} : { firstWrong }),
    untested: findings.filter(({ verdict }) => verdict === "not tested").length,
  };
}
