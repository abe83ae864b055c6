import { isIP } from "node:net";
import { err, ok, type Result } from "../../../api/result.ts";
import { type BackoffOptions, backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { Authorities } from "./authorities.ts";
import { generateKeyPem, importKeyPair } from "./key-pair.ts";

const LIFETIME_MS = 90 * 24 * 3600 * 1000;
/** Looked at this often: long timers overflow, and wall clocks jump. */
const CHECK_MS = 3600 * 1000;
const RETRY: BackoffOptions = { firstMs: 1000, maxMs: 600_000 };
/** BOUNDED: by this many names in one certificate. */
const MAX_HOSTS = 100;
const HOST =
  /^(?=.{1,253}$)(\*\.)?[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i;

export interface ServingIdentity {
  readonly keyPem: string;
  /** Leaf first, then the authority that signed it: a joining member checks the latter against its token. */
  readonly chainPem: string;
}

export interface ServingCertificateOptions {
  /** Host names and IPs by which others know the broker. Members need none of them. */
  readonly hosts: readonly string[];
  /** @default 90 days */
  readonly lifetimeMs?: number;
}

interface Deps {
  readonly authorities: Authorities;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * The broker's server certificate, kept in memory and renewed after two thirds of its life, and as soon as another
 * authority signs.
 */
export class ServingCertificate {
  readonly #hosts: readonly string[];
  readonly #lifetimeMs: number;
  readonly #deps: Deps;
  #current: ServingIdentity | undefined;
  #renewAtMs = 0;
  #failures = 0;
  #timer: Timer | undefined;
  /** Of the authority that signed the current one. */
  #signer: string | undefined;
  /** BOUNDED: by its users, one per server. */
  readonly #listeners = new Set<(identity: ServingIdentity) => void>();

  constructor(options: ServingCertificateOptions, deps: Deps) {
    this.#hosts = options.hosts;
    this.#lifetimeMs = options.lifetimeMs ?? LIFETIME_MS;
    this.#deps = deps;
  }

  /** Issues the first certificate and keeps renewing until the signal aborts. */
  async start(signal: AbortSignal): Promise<Result<ServingIdentity, string>> {
    const hosts = checkHosts(this.#hosts);
    if (!hosts.ok) return hosts;
    const first = await this.#renew();
    if (!first.ok || signal.aborted) return first;
    const { authorities } = this.#deps;
    const unsubscribe = authorities.subscribe(() => {
      if (authorities.signing.fingerprint === this.#signer) return;
      this.#timer?.cancel();
      void this.#renewAndSchedule(signal);
    });
    const stop = (): void => {
      unsubscribe();
      this.#timer?.cancel();
    };
    signal.addEventListener("abort", stop, { once: true });
    this.#schedule(signal);
    return first;
  }

  current(): ServingIdentity | undefined {
    return this.#current;
  }

  /** Called with each new certificate. Returns the way to stop it. */
  subscribe(listener: (identity: ServingIdentity) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #schedule(signal: AbortSignal): void {
    const { clock, random } = this.#deps;
    const delayMs =
      this.#failures === 0
        ? Math.min(CHECK_MS, Math.max(1000, this.#renewAtMs - clock.nowMs()))
        : backoffMs(RETRY, this.#failures - 1, random);
    this.#timer?.cancel();
    this.#timer = clock.setTimer(delayMs, () => {
      if (clock.nowMs() < this.#renewAtMs) this.#schedule(signal);
      else void this.#renewAndSchedule(signal);
    });
  }

  async #renewAndSchedule(signal: AbortSignal): Promise<void> {
    const renewed = await this.#renew();
    if (signal.aborted) return;
    if (renewed.ok) {
      this.#failures = 0;
      this.#deps.log.info("broker certificate renewed");
    } else {
      this.#failures += 1;
      this.#deps.log.error("broker certificate not renewed", { err: renewed.error });
    }
    this.#schedule(signal);
  }

  async #renew(): Promise<Result<ServingIdentity, string>> {
    const { authorities, clock } = this.#deps;
    const authority = authorities.signing;
    try {
      const keyPem = await generateKeyPem();
      const keys = await importKeyPair(keyPem);
      if (!keys.ok) return keys;
      const issued = await authority.issueBroker(
        keys.value.publicKey,
        this.#hosts,
        this.#lifetimeMs,
      );
      const nowMs = clock.nowMs();
      if (issued.notAfterMs <= nowMs)
        return err("cannot issue broker certificate: authority expired");
      const identity = { keyPem, chainPem: issued.certPem + authority.certPem };
      this.#current = identity;
      this.#signer = authority.fingerprint;
      const isSuperseded = authorities.signing.fingerprint !== authority.fingerprint;
      this.#renewAtMs = isSuperseded ? nowMs : nowMs + ((issued.notAfterMs - nowMs) * 2) / 3;
      for (const listener of this.#listeners) listener(identity);
      return ok(identity);
    } catch (error) {
      return err(
        `cannot issue broker certificate: ${error instanceof Error ? error.message : "unknown error"}`,
      );
    }
  }
}

function checkHosts(hosts: readonly string[]): Result<undefined, string> {
  if (hosts.length > MAX_HOSTS) {
    return err(`cannot issue broker certificate: at most ${MAX_HOSTS} hosts: got ${hosts.length}`);
  }
  const bad = hosts.find((host) => isIP(host) === 0 && !HOST.test(host));
  if (bad === undefined) return ok(undefined);
  return err(
    `cannot issue broker certificate: each host must be a DNS name or an IP address: got ${JSON.stringify(bad.slice(0, 300))}`,
  );
}
