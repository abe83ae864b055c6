import "reflect-metadata";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Result } from "../../api/result.ts";
import { silentAudit } from "../../broker/audit/audit-log.ts";
import { soleAuthority } from "../../broker/identity/authority/authorities.ts";
import {
  CertificateAuthority,
  createAuthorityMaterial,
} from "../../broker/identity/authority/certificate-authority.ts";
import {
  createCertificateRequest,
  parseCertificateRequest,
} from "../../broker/identity/authority/certificate-request.ts";
import { GrpcCertificateProvider } from "../../broker/identity/authority/grpc-certificate-provider.ts";
import { generateKeyPem } from "../../broker/identity/authority/key-pair.ts";
import { ServingCertificate } from "../../broker/identity/authority/serving-certificate.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { startBroker } from "../../broker/server/start-broker.ts";
import { openBrokerStore } from "../../broker/store/departures/open-broker-store.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { clusterAt } from "./workload.ts";

// The broker as it is run, with TLS, gRPC and a log on disk, in a process of its own: `fork(server.ts, [members])`.

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

async function main(members: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "isthmus-bench-"));
  process.on("exit", () => rmSync(dataDir, { recursive: true, force: true }));
  process.on("disconnect", () => process.exit(0));
  const material = must(await createAuthorityMaterial("bench", clock));
  const authority = must(await CertificateAuthority.open(material, clock));
  const authorities = soleAuthority(authority);
  const serving = new ServingCertificate({ hosts: [] }, { authorities, clock, random, log });
  must(await serving.start(new AbortController().signal));
  const store = must(await openBrokerStore({ dataDir }, { clock, random, log, meter }));
  const broker = must(
    await startBroker(
      { clusterset: "bench", listen: { host: "127.0.0.1", port: 0 } },
      {
        store,
        authority: {
          join: async () => ({ ok: false, error: { kind: "denied", text: "no joins here" } }),
        },
        renewals: {
          renew: async () => ({ ok: false, error: { kind: "denied", text: "no renewals here" } }),
        },
        audit: silentAudit,
        certificates: new GrpcCertificateProvider(serving, authorities),
        clock,
        log,
        meter,
      },
    ),
  );
  const brokerAddress = `127.0.0.1:${broker.listen.port}`;
  const identities: MemberIdentity[] = [];
  for (let at = 0; at < members; at++) {
    identities.push(await identityOf(authority, at, brokerAddress));
  }
  process.on("message", () => {
    globalThis.gc?.();
    process.send?.({ memory: process.memoryUsage().rss, cpu: process.cpuUsage() });
  });
  process.send?.({ identities });
}

async function identityOf(
  authority: CertificateAuthority,
  at: number,
  brokerAddress: string,
): Promise<MemberIdentity> {
  const keyPem = await generateKeyPem();
  const request = must(await parseCertificateRequest(must(await createCertificateRequest(keyPem))));
  const peer = { clusterId: clusterAt(at), clusterset: "bench", incarnation: 1 };
  const { certPem } = await authority.issueMember(request, peer);
  return { ...peer, keyPem, certPem, caPem: authority.certPem, brokerAddress };
}

await main(Number(process.argv[2]));
