import "reflect-metadata";
import { subscribe } from "node:diagnostics_channel";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { must } from "../../api/result.ts";
import { silentAudit } from "../../broker/audit/audit-log.ts";
import { soleAuthority } from "../../broker/identity/authority/authorities.ts";
import {
  type AuthorityMaterial,
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
import { openPlace, type PlaceChoice, type PlaceDeps } from "../../broker/place/open-place.ts";
import { startBroker } from "../../broker/server/start-broker.ts";
import type { Store } from "../../broker/store/store.ts";
import { connectKube } from "../../cli/cluster/connect-kube.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { FanOutWatch } from "./fan-out-watch.ts";
import type { BrokerQuestion, BrokerReady, BrokerStart, BrokerUsage } from "./process-messages.ts";
import { clusterAt } from "./workload.ts";

// The broker as it is run, with TLS, gRPC and a log on disk, in a process of its own: `fork(server.ts, [BrokerStart])`.

/** Members ping rarely: what is counted is what changes cost. */
const HEARTBEAT_MS = 60_000;

/** Bytes of all connections so far, those that have ended included. */
function countBytes(): () => Pick<BrokerUsage, "sentBytes" | "receivedBytes"> {
  const ended = { sentBytes: 0, receivedBytes: 0 };
  const open = new Set<Socket>();
  subscribe("net.server.socket", (message) => {
    const { socket } = message as { readonly socket: Socket };
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      ended.sentBytes += socket.bytesWritten;
      ended.receivedBytes += socket.bytesRead;
    });
  });
  return () => {
    let { sentBytes, receivedBytes } = ended;
    for (const socket of open) {
      sentBytes += socket.bytesWritten;
      receivedBytes += socket.bytesRead;
    }
    return { sentBytes, receivedBytes };
  };
}

/** The same authority after the broker was started again. */
async function authorityIn(dataDir: string): Promise<CertificateAuthority> {
  const path = join(dataDir, "authority.json");
  if (!existsSync(path)) {
    const material = must(await createAuthorityMaterial("bench", clock));
    writeFileSync(path, JSON.stringify(material));
  }
  const material: AuthorityMaterial = JSON.parse(readFileSync(path, "utf8"));
  return must(await CertificateAuthority.open(material, clock));
}

function choiceOf({ place, dataDir }: BrokerStart, { meter }: PlaceDeps): PlaceChoice {
  switch (place.kind) {
    case "file":
      return { kind: "file", dataDir };
    case "etcd": {
      const access = { endpoints: place.endpoints, caFile: undefined };
      return {
        kind: "etcd",
        access: { ...access, certFile: undefined, keyFile: undefined },
        prefix: "/bench",
      };
    }
    case "kubernetes": {
      const { kubeconfig, namespace } = place;
      const { client } = must(connectKube({ kubeconfig }, {}, meter));
      return { kind: "kubernetes", client, namespace, clusterset: "bench" };
    }
  }
}

async function openStore(start: BrokerStart, deps: PlaceDeps): Promise<Store> {
  const place = must(openPlace(choiceOf(start, deps), deps));
  return must(await place.openStore(new AbortController().signal));
}

async function main(start: BrokerStart): Promise<void> {
  const { members, dataDir, port } = start;
  process.on("disconnect", () => process.exit(0));
  const bytes = countBytes();
  const fanOut = new FanOutWatch();
  const { meter } = fanOut;
  const authority = await authorityIn(dataDir);
  const authorities = soleAuthority(authority);
  const serving = new ServingCertificate({ hosts: [] }, { authorities, clock, random, log });
  must(await serving.start(new AbortController().signal));
  const store = await openStore(start, { clock, random, log, meter });
  fanOut.watch(store);
  const broker = must(
    await startBroker(
      {
        clusterset: "bench",
        listen: { host: "127.0.0.1", port },
        heartbeatIntervalMs: HEARTBEAT_MS,
      },
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
  process.on("message", (question: BrokerQuestion) => {
    if (question === "fan-out") {
      process.send?.(fanOut.take());
      return;
    }
    globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const usage: BrokerUsage = {
      residentMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
      cpuMs: Math.round((user + system) / 1000),
      rows: store.table.rowCount(),
      ...bytes(),
    };
    process.send?.(usage);
  });
  const ready: BrokerReady = { identities, port: broker.listen.port };
  process.send?.(ready);
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

const [, , start = "{}"] = process.argv;
await main(JSON.parse(start));
