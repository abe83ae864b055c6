import type { experimental } from "@grpc/grpc-js";
import type { ServingCertificate } from "./serving-certificate.ts";

/** Hands the broker's current certificate, and the authority that clients must chain to, to a gRPC server. */
export class GrpcCertificateProvider implements experimental.CertificateProvider {
  readonly #serving: ServingCertificate;
  readonly #caPem: string;
  /** BOUNDED: by the server credentials made with this provider. */
  readonly #unsubscribe = new Map<experimental.IdentityCertificateUpdateListener, () => void>();

  constructor(serving: ServingCertificate, caPem: string) {
    this.#serving = serving;
    this.#caPem = caPem;
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    // Not at once: the server registers itself for updates only after it has added its listeners.
    queueMicrotask(() => listener({ caCertificate: Buffer.from(this.#caPem) }));
  }

  removeCaCertificateListener(): void {
    // The authority does not change while a broker runs: nothing is kept for its listeners.
  }

  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    queueMicrotask(() => {
      const current = this.#serving.current();
      if (current !== undefined) listener(toUpdate(current));
    });
    this.#unsubscribe.set(
      listener,
      this.#serving.subscribe((identity) => listener(toUpdate(identity))),
    );
  }

  removeIdentityCertificateListener(
    listener: experimental.IdentityCertificateUpdateListener,
  ): void {
    this.#unsubscribe.get(listener)?.();
    this.#unsubscribe.delete(listener);
  }
}

function toUpdate(identity: {
  readonly keyPem: string;
  readonly chainPem: string;
}): experimental.IdentityCertificateUpdate {
  return {
    certificate: Buffer.from(identity.chainPem),
    privateKey: Buffer.from(identity.keyPem),
  };
}
