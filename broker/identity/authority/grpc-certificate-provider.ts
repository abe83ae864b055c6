import type { experimental } from "@grpc/grpc-js";
import { type Authorities, trustBundle } from "./authorities.ts";
import type { ServingCertificate } from "./serving-certificate.ts";

/** Hands the broker's current certificate, and the authorities that clients may chain to, to a gRPC server. */
export class GrpcCertificateProvider implements experimental.CertificateProvider {
  readonly #serving: ServingCertificate;
  readonly #authorities: Authorities;
  /** BOUNDED: by twice the server credentials made with this provider. */
  readonly #unsubscribe = new Map<
    experimental.IdentityCertificateUpdateListener | experimental.CaCertificateUpdateListener,
    () => void
  >();

  constructor(serving: ServingCertificate, authorities: Authorities) {
    this.#serving = serving;
    this.#authorities = authorities;
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    // Not at once: the server registers itself for updates only after it has added its listeners.
    const tell = (): void =>
      listener({ caCertificate: Buffer.from(trustBundle(this.#authorities)) });
    queueMicrotask(tell);
    this.#unsubscribe.set(listener, this.#authorities.subscribe(tell));
  }

  removeCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#forget(listener);
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
    this.#forget(listener);
  }

  #forget(
    listener:
      | experimental.IdentityCertificateUpdateListener
      | experimental.CaCertificateUpdateListener,
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
