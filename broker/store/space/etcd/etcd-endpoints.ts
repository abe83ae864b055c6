import { readFileSync } from "node:fs";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { err, ok, type Result } from "../../../../api/result.ts";

export interface EtcdAccess {
  /** As http://host:port or https://host:port, all of one cluster. */
  readonly endpoints: readonly string[];
  /** PEM files, for https. @default the system's authorities, no client certificate */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface EtcdEndpoint {
  /** As gRPC takes it. */
  readonly target: string;
  readonly credentials: ChannelCredentials;
}

/** Error: an endpoint is none, or a file cannot be read. */
export function etcdEndpoints(access: EtcdAccess): Result<readonly EtcdEndpoint[], string> {
  const { endpoints, caFile, certFile, keyFile } = access;
  if (endpoints.length === 0) return err("etcd: at least one endpoint must be given: got none");
  if ((certFile === undefined) !== (keyFile === undefined)) {
    return err("etcd: a certificate and its key must be given together: got one of them");
  }
  let secure: ChannelCredentials;
  try {
    secure = credentials.createSsl(read(caFile), read(keyFile), read(certFile));
  } catch (cause) {
    return err(`etcd: cannot use certificates: ${cause instanceof Error ? cause.message : "?"}`);
  }
  const found: EtcdEndpoint[] = [];
  for (const text of endpoints) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const isHttp = url?.protocol === "http:" || url?.protocol === "https:";
    if (url === undefined || !isHttp || url.port === "") {
      return err(`etcd: endpoint must be http://host:port or https://host:port: got ${text}`);
    }
    const isSecure = url.protocol === "https:";
    found.push({
      target: url.host,
      credentials: isSecure ? secure : credentials.createInsecure(),
    });
  }
  return ok(found);
}

function read(file: string | undefined): Buffer | null {
  return file === undefined ? null : readFileSync(file);
}
