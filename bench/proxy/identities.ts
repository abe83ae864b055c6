import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseClusterId } from "../../api/cluster-id.ts";
import { must } from "../../api/result.ts";
import {
  CertificateAuthority,
  createAuthorityMaterial,
} from "../../broker/identity/authority/certificate-authority.ts";
import {
  createCertificateRequest,
  parseCertificateRequest,
} from "../../broker/identity/authority/certificate-request.ts";
import { generateKeyPem } from "../../broker/identity/authority/key-pair.ts";
import type { TunnelIdentity } from "../../connectivity/proxy/tunnel/tunnel-identity.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";

/** Keys and certificates of both sides, for our proxies and, as files, for haproxy's. */
export interface BenchIdentities {
  readonly west: TunnelIdentity;
  readonly east: TunnelIdentity;
  readonly files: { readonly ca: string; readonly west: string; readonly east: string };
}

export async function makeIdentities(folder: string): Promise<BenchIdentities> {
  const material = must(await createAuthorityMaterial("bench", systemClock));
  const authority = must(await CertificateAuthority.open(material, systemClock));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const member = async (name: string): Promise<TunnelIdentity> => {
    const keyPem = await generateKeyPem();
    const request = must(
      await parseCertificateRequest(must(await createCertificateRequest(keyPem))),
    );
    const cluster = must(parseClusterId(name));
    const peer = { clusterset: "bench", clusterId: cluster, incarnation: 1 };
    const { certPem } = await authority.issueMember(request, peer);
    return { cluster, keyPem, certPem, authorities: [authority.certPem] };
  };
  const [west, east] = [await member("west"), await member("east")];
  const serverKey = await generateKeyPem();
  const { publicKey } = must(
    await parseCertificateRequest(must(await createCertificateRequest(serverKey))),
  );
  const server = await authority.issueBroker(publicKey, ["localhost"], 86_400_000);
  return {
    west,
    east,
    files: {
      ca: file("ca.pem", authority.certPem),
      west: file("west.pem", `${west.keyPem}${west.certPem}`),
      east: file("east.pem", `${serverKey}${server.certPem}`),
    },
  };
}
