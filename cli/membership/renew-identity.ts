import { CertificateRenewal } from "../../broker/identity/member/certificate-renewal.ts";
import type { IdentityStore } from "../../broker/identity/member/identity-store.ts";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import { renewCertificate } from "../../broker/identity/member/renew-certificate.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";

/**
 * Keeps an identity fresh for as long as the process runs: whether it leads or stands by, so that a replica that takes over
 * has a certificate that is good. Call `run`.
 */
export function renewIdentity(
  identity: MemberIdentity,
  options: { readonly store: IdentityStore; readonly otherAddresses: readonly string[] },
  deps: {
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly meter: Meter;
  },
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
