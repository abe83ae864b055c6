import { writeFile } from "node:fs/promises";
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
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { kubeconfigText } from "../../sandbox/apiserver/auth/kubeconfig.ts";

/** Nobody listens there: a process that waits for this API server, or hub, does nothing else. */
const NOBODY = "127.0.0.1:1";

/** What processes are started with. */
export interface ProcessFiles {
  readonly kubeconfig: string;
  /** Of an API server that is away. */
  readonly away: string;
  readonly identity: string;
  /** Settings and policies that say nothing. */
  readonly empty: string;
}

export async function writeProcessFiles(
  folder: string,
  entry: Parameters<typeof kubeconfigText>[0][number],
): Promise<ProcessFiles> {
  const files = {
    kubeconfig: join(folder, "kubeconfig"),
    away: join(folder, "away"),
    identity: join(folder, "identity"),
    empty: join(folder, "empty.yaml"),
  };
  await writeFile(files.kubeconfig, kubeconfigText([entry]));
  await writeFile(files.away, kubeconfigText([{ ...entry, server: `https://${NOBODY}` }]));
  await writeFile(files.empty, "{}\n");
  await writeIdentity(files.identity);
  return files;
}

/** What a join would have given. */
async function writeIdentity(directory: string): Promise<void> {
  const material = must(await createAuthorityMaterial("default", clock));
  const authority = must(await CertificateAuthority.open(material, clock));
  const keyPem = await generateKeyPem();
  const request = must(await parseCertificateRequest(must(await createCertificateRequest(keyPem))));
  const clusterId = must(parseClusterId("one"));
  const peer = { clusterset: "default", clusterId, incarnation: 1 };
  const { certPem } = await authority.issueMember(request, peer);
  const caPem = authority.certPem;
  const store = new FileIdentityStore(directory, { clock });
  must(await store.save({ keyPem, certPem, caPem, brokerAddress: NOBODY }));
}

/** Each process with everything on that has metrics of its own; those that program a kernel wait for an API server that is away. */
export function commandLines(folder: string, files: ProcessFiles): readonly (readonly string[])[] {
  const { kubeconfig, away, identity, empty } = files;
  const member = ["--kubeconfig", kubeconfig, "--identity-dir", identity];
  const machine = ["--kubeconfig", away, "--node", "one", "--state-dir", folder];
  const paths = ["--backends", "underlay,vxlan,proxy", "--probe-listen", ":0"];
  const traces = ["--otlp-endpoint", `http://${NOBODY}`];
  return [
    [
      ...["broker", "--data-dir", join(folder, "hub"), "--listen", "127.0.0.1:0"],
      ...["--policy", empty, ...traces],
    ],
    ["controllers", ...member, ...paths, ...traces, "--config", empty],
    ["dns", "--kubeconfig", kubeconfig, "--listen", "127.0.0.1:0", ...traces, "--config", empty],
    ["gateway", ...machine],
    ["node-agent", ...machine],
    ["proxy", ...member, "--address", "127.0.0.1", "--listen", "127.0.0.1:0", ...traces],
  ];
}
