import { must } from "../../../api/result.ts";
import "reflect-metadata";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CertificateAuthority,
  createAuthorityMaterial,
} from "../../../broker/identity/authority/certificate-authority.ts";
import {
  createCertificateRequest,
  parseCertificateRequest,
} from "../../../broker/identity/authority/certificate-request.ts";
import { generateKeyPem } from "../../../broker/identity/authority/key-pair.ts";
import { testCluster } from "../../../broker/wire/row-arbitrary.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";

export interface EtcdCertificates {
  readonly caFile: string;
  readonly server: { readonly certFile: string; readonly keyFile: string };
  readonly client: { readonly certFile: string; readonly keyFile: string };
}

/** An authority of its own, a certificate for servers on loopback and one for a client, as files. */
export async function makeEtcdCertificates(folder: string): Promise<EtcdCertificates> {
  const material = must(await createAuthorityMaterial("etcd", systemClock));
  const authority = must(await CertificateAuthority.open(material, systemClock));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const request = async (keyPem: string) =>
    must(await parseCertificateRequest(must(await createCertificateRequest(keyPem))));
  const serverKey = await generateKeyPem();
  const { publicKey } = await request(serverKey);
  const server = await authority.issueBroker(publicKey, ["127.0.0.1", "localhost"], 3600_000);
  const clientKey = await generateKeyPem();
  const client = await authority.issueMember(await request(clientKey), {
    clusterId: testCluster("client"),
    incarnation: 1,
    clusterset: "etcd",
  });
  return {
    caFile: await file("ca.pem", authority.certPem),
    server: {
      certFile: await file("server.pem", server.certPem),
      keyFile: await file("server-key.pem", serverKey),
    },
    client: {
      certFile: await file("client.pem", client.certPem),
      keyFile: await file("client-key.pem", clientKey),
    },
  };
}
