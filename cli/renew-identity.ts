import { err, ok, type Result } from "../api/result.ts";
import { CertificateRenewal } from "../broker/identity/member/certificate-renewal.ts";
import type { FileIdentityStore } from "../broker/identity/member/file-identity-store.ts";
import type { IdentityStore } from "../broker/identity/member/identity-store.ts";
import type { MemberIdentity } from "../broker/identity/member/member-identity.ts";
import { renewCertificate } from "../broker/identity/member/renew-certificate.ts";
import type { RunMemberDeps } from "./run-member.ts";

/** Error: no identity is stored, or it cannot be used, and what to do. */
export async function loadIdentity(
  store: FileIdentityStore,
  directory: string,
): Promise<Result<MemberIdentity, string>> {
  const loaded = await store.load();
  if (!loaded.ok) return loaded;
  return loaded.value === undefined
    ? err(`no identity in ${directory}: run "isthmus join" first`)
    : ok(loaded.value);
}

/**
 * Keeps an identity fresh for as long as the process runs: whether it leads or stands by, so that a replica that takes over
 * has a certificate that is good. Call `run`.
 */
export function renewIdentity(
  identity: MemberIdentity,
  options: { readonly store: IdentityStore; readonly otherAddresses: readonly string[] },
  deps: Omit<RunMemberDeps, "client">,
): CertificateRenewal {
  const { store, otherAddresses } = options;
  return new CertificateRenewal(
    identity,
    { addresses: [identity.brokerAddress, ...otherAddresses] },
    {
      ...deps,
      store,
      renew: (present, address, signal) =>
        renewCertificate(present, address, deps.clock.nowMs(), signal),
    },
  );
}
