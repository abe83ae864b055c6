import {
  CUSTOM_RESOURCE_DEFINITIONS,
  type CustomResourceDefinition,
} from "../../../api/kube/custom-resource-definition.ts";
import { must } from "../../../api/result.ts";
import { parseAuthorityRecord } from "../../../broker/identity/authority/authority-record.ts";
import { CertificateAuthority } from "../../../broker/identity/authority/certificate-authority.ts";
import {
  createCertificateRequest,
  parseCertificateRequest,
} from "../../../broker/identity/authority/certificate-request.ts";
import { generateKeyPem } from "../../../broker/identity/authority/key-pair.ts";
import { FileIdentityStore } from "../../../broker/identity/member/file-identity-store.ts";
import { FolderRecords } from "../../../broker/shared/folder-records.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { systemClock as clock } from "../../../runtime/clock/system-clock.ts";
import { mustRunCli } from "../harness/run-cli.ts";
import { type ExplainedMember, type ExplainWorld, goodCorefile } from "./explain-world.ts";
import type { Breakage } from "./local-breakages.ts";

/** A breakage of a whole member, one at a time, asked about from member-2. */
export interface GlobalBreakage extends Omit<Breakage, "from" | "service"> {
  /** @returns how to put it right again. */
  readonly break: (world: ExplainWorld, members: Members) => Promise<() => Promise<void>>;
}

interface Members {
  readonly a: ExplainedMember;
  readonly b: ExplainedMember;
}

const HOUR_MS = 3_600_000;

/** In this order: what is put right again need not have recovered, since what comes next is nearer to the beginning of the way. */
export const GLOBAL_BREAKAGES: readonly GlobalBreakage[] = [
  {
    broken: "wrong Corefile: another address",
    ...{ check: "cluster DNS", says: /where isthmus dns is not/ },
    break: (world, { b }) =>
      withCorefile(world, b, (text) => text.replace("127.0.0.1", "10.96.0.99")),
  },
  {
    broken: "wrong Corefile: no such zone",
    ...{ check: "cluster DNS", says: /does not know zone/ },
    break: (world, { b }) =>
      withCorefile(world, b, (text) => text.replace("clusterset.local:53", "elsewhere.local:53")),
  },
  {
    broken: "DNS server down",
    ...{ check: "DNS answer", says: /does not answer/ },
    break: async (_world, { b }) => {
      await b.processes.dns.stop();
      return async () => b.processes.dns.start();
    },
  },
  {
    broken: "dead path",
    ...{ check: "path", says: /path to member-1 over underlay is dead/ },
    break: async (_world, { a }) => {
      const { pid } = a.processes.controllers;
      if (pid === undefined) throw new Error("the controllers of member-1 do not run");
      // They answer probes no more, and the broker has not noticed yet.
      process.kill(pid, "SIGSTOP");
      return async () => void process.kill(pid, "SIGCONT");
    },
  },
  {
    broken: "the exporting cluster's controllers not running",
    ...{ check: "exporters", says: /member-1 has not been heard at the broker/ },
    break: async (_world, { a }) => {
      await a.processes.controllers.stop();
      return async () => a.processes.controllers.start();
    },
  },
  {
    broken: "broker away",
    ...{ check: "broker", says: /not connected to the broker/ },
    break: async ({ demo }) => {
      const { broker } = demo.processes;
      await broker.stop();
      return async () => broker.start();
    },
  },
  {
    broken: "controllers not running",
    ...{ check: "controllers", says: /stopped/ },
    break: async (_world, { b }) => {
      await b.processes.controllers.stop();
      return async () => b.processes.controllers.start();
    },
  },
  {
    broken: "expired certificate",
    ...{ check: "certificate", says: /expired at/ },
    break: async (world, { b }) => {
      const { controllers, identityDir } = b.processes;
      await controllers.stop();
      const store = new FileIdentityStore(identityDir, { clock });
      const before = must(await store.load());
      if (before === undefined) throw new Error("member-2 has no identity");
      must(await store.save({ ...before, ...(await expiredCertificate(world, before)) }));
      controllers.start();
      return async () => {
        await controllers.stop();
        must(await store.save(before));
        controllers.start();
      };
    },
  },
  {
    broken: "skewed CRD",
    ...{ check: "definitions", says: /has no spec\.ipFamilies/ },
    break: async (world, { b }) => {
      const name = "serviceimports.multicluster.x-k8s.io";
      const ref = { resource: CUSTOM_RESOURCE_DEFINITIONS, name };
      const found = await b.client.get<CustomResourceDefinition>(ref, { signal: world.signal });
      if (!found.ok) throw new Error(found.error.message);
      const skewed: typeof found.value.spec.versions = JSON.parse(
        JSON.stringify(found.value.spec.versions),
        (key, value: unknown) => (key === "ipFamilies" ? undefined : value),
      );
      await setVersions(world, b, skewed);
      return () => setVersions(world, b, found.value.spec.versions);
    },
  },
  {
    broken: "revoked member",
    ...{ check: "broker", says: /refuses this cluster/ },
    break: async ({ demo }, { b }) => {
      await mustRunCli(["revoke", b.id, "--data-dir", demo.processes.brokerDataDir]);
      return async () => undefined;
    },
  },
];

async function withCorefile(
  world: ExplainWorld,
  member: ExplainedMember,
  change: (text: string) => string,
): Promise<() => Promise<void>> {
  await world.setCorefile(member, change(goodCorefile(member)));
  return () => world.setCorefile(member, goodCorefile(member));
}

async function setVersions(
  world: ExplainWorld,
  member: ExplainedMember,
  versions: CustomResourceDefinition["spec"]["versions"],
): Promise<void> {
  const name = "serviceimports.multicluster.x-k8s.io";
  const patched = await member.client.mergePatch(
    { resource: CUSTOM_RESOURCE_DEFINITIONS, name },
    { spec: { versions } },
    { signal: world.signal },
  );
  if (!patched.ok) throw new Error(patched.error.message);
}

/** Of the clusterset's own authority, as if it had signed it two hours ago for one. */
async function expiredCertificate(
  { demo }: ExplainWorld,
  identity: Parameters<CertificateAuthority["issueMember"]>[1],
): Promise<{ readonly keyPem: string; readonly certPem: string }> {
  const records = new FolderRecords(demo.processes.brokerDataDir);
  const record = must(await records.read("authority"));
  const { current } = must(parseAuthorityRecord(record?.text ?? ""));
  const before: Clock = { ...clock, nowMs: () => clock.nowMs() - 2 * HOUR_MS };
  const authority = must(await CertificateAuthority.open(current, before));
  const keyPem = await generateKeyPem();
  const request = must(await createCertificateRequest(keyPem));
  const parsed = must(await parseCertificateRequest(request));
  const { certPem } = await authority.issueMember(parsed, identity, HOUR_MS);
  return { keyPem, certPem };
}
