import { z } from "zod";
import { parseDnsLabel } from "../../api/dns-label.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { FileIdentityStore } from "../../broker/identity/member/file-identity-store.ts";
import type { IdentityStore } from "../../broker/identity/member/identity-store.ts";
import { SecretIdentityStore } from "../../broker/identity/member/secret-identity-store.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { SYSTEM_NAMESPACE } from "../cluster/system-namespace.ts";

const DEFAULT_IDENTITY_DIR = ".isthmus/identity";

/** Where a member's identity is kept: the same two for every verb that has to do with it. */
export const identitySettings = {
  identityDir: z
    .string()
    .default(DEFAULT_IDENTITY_DIR)
    .describe("directory of the member's key, certificate and authority"),
  identitySecret: z
    .string()
    .refine((text) => parseSecretName(text).ok, "must be [NAMESPACE/]NAME")
    .optional()
    .describe(
      `[NAMESPACE/]NAME of a Secret in this cluster that holds them instead, for replicas and pods that move; without a namespace: ${SYSTEM_NAMESPACE}`,
    ),
} as const;

type IdentitySettings = z.output<z.ZodObject<typeof identitySettings>>;

export interface IdentityPlace {
  readonly store: IdentityStore;
  /** For people: `in DIRECTORY`, `in Secret NAMESPACE/NAME`. */
  readonly where: string;
}

/** @param connect is asked for the cluster's client only when a Secret is meant. */
export function identityPlaceOf(
  { identityDir, identitySecret }: IdentitySettings,
  connect: () => Result<KubeClient, string>,
  deps: { readonly clock: Clock; readonly signal: AbortSignal },
): Result<IdentityPlace, string> {
  if (identitySecret === undefined) {
    return ok({ store: new FileIdentityStore(identityDir, deps), where: `in ${identityDir}` });
  }
  const name = parseSecretName(identitySecret);
  if (!name.ok) return name;
  const client = connect();
  if (!client.ok) return client;
  return ok({
    store: new SecretIdentityStore(name.value, { ...deps, client: client.value }),
    where: `in Secret ${name.value.namespace}/${name.value.name}`,
  });
}

interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

function parseSecretName(text: string): Result<SecretName, string> {
  const parts = text.split("/");
  const [namespace, name] = parts.length === 1 ? [SYSTEM_NAMESPACE, text] : parts;
  const rule = `cannot use identity Secret: must be [NAMESPACE/]NAME: got ${JSON.stringify(text.slice(0, 80))}`;
  if (parts.length > 2 || namespace === undefined || name === undefined) return err(rule);
  const isGood = [namespace, name].every((part) => parseDnsLabel("part", part).ok);
  return isGood ? ok({ namespace, name }) : err(rule);
}
