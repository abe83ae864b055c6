import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import {
  BrokerClient,
  type JoinRequest,
  type JoinResponse,
} from "../../../api/broker/broker.gen.ts";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { type BackoffOptions, backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { BROKER_SERVER_NAME } from "../authority/certificate-authority.ts";
import { createCertificateRequest } from "../authority/certificate-request.ts";
import { generateKeyPem } from "../authority/key-pair.ts";
import { type JoinToken, parseJoinToken } from "../token/join-token.ts";
import { parseBrokerAddress } from "./broker-address.ts";
import { fetchAuthority } from "./fetch-authority.ts";
import type { IdentityStore } from "./identity-store.ts";
import { type MemberIdentity, parseMemberIdentity } from "./member-identity.ts";
import { parseTrustedAuthorities } from "./trusted-authorities.ts";

export interface JoinOptions {
  readonly clusterId: string;
  readonly token: string;
  /** host:port. @default the address in the token */
  readonly address?: string;
  /** For the whole of it, retries included. @default 60 s */
  readonly timeoutMs?: number;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

/** `message` says what failed, the rule and the value seen; never the token. */
export interface JoinFailure {
  /** refused: a retry cannot help. unreachable: it may. */
  readonly kind: "invalid" | "untrusted" | "refused" | "unreachable" | "storage";
  readonly message: string;
}

interface Deps {
  readonly store: IdentityStore;
  readonly clock: Clock;
  readonly random: Random;
}

const TIMEOUT_MS = 60_000;
const ATTEMPT_MS = 10_000;
const RETRY: BackoffOptions = { firstMs: 500, maxMs: 5_000 };
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Makes this cluster a member: checks the broker's authority against the token before the token is shown
 * to it, redeems the token, checks what came back and stores it. The key is stored first, so that a join
 * cut short anywhere can be repeated with the same token until that expires.
 */
export async function joinClusterset(
  options: JoinOptions,
  deps: Deps,
): Promise<Result<MemberIdentity, JoinFailure>> {
  const clusterId = parseClusterId(options.clusterId);
  if (!clusterId.ok) return fail("invalid", clusterId.error);
  const token = parseJoinToken(options.token);
  if (!token.ok) return fail("invalid", token.error);
  const address = options.address ?? token.value.brokerAddress;
  if (address === undefined) {
    return fail("invalid", "cannot join: broker address must be given: the token carries none");
  }
  const key = await joinKey(deps.store);
  if (!key.ok) return fail("storage", key.error);
  const request = await createCertificateRequest(key.value);
  if (!request.ok) return fail("storage", request.error);
  using limit = deadline(deps.clock, options.timeoutMs ?? TIMEOUT_MS, options.signal);
  const wire: JoinRequest = {
    clusterId: clusterId.value,
    token: options.token.trim(),
    certificateRequest: request.value,
  };
  const answer = await redeem(address, token.value, wire, { ...deps, signal: limit.signal });
  if (!answer.ok) return answer;
  return keep(clusterId.value, address, key.value, { answer: answer.value, deps });
}

/** The answer comes from a server that the token vouches for; what it says must still fit. */
async function keep(
  clusterId: string,
  brokerAddress: string,
  keyPem: string,
  { answer, deps }: { readonly answer: PinnedAnswer; readonly deps: Deps },
): Promise<Result<MemberIdentity, JoinFailure>> {
  const { certificateChain: certPem, caCertificate: caPem } = answer.response;
  const trusted = parseTrustedAuthorities(caPem);
  if (!trusted.ok) return fail("untrusted", trusted.error);
  if (!trusted.value.some((ca) => ca.toString() === answer.caPem)) {
    return fail("untrusted", "cannot join: authorities must include the one that the token names");
  }
  const material = { keyPem, certPem, caPem, brokerAddress };
  const identity = parseMemberIdentity(material, deps.clock.nowMs());
  if (!identity.ok) return fail("untrusted", identity.error);
  if (identity.value.clusterId !== clusterId) {
    return fail(
      "untrusted",
      `cannot join: certificate must be for ${clusterId}: got one for ${identity.value.clusterId}`,
    );
  }
  const saved = await deps.store.save(material);
  return saved.ok ? identity : fail("storage", saved.error);
}

async function joinKey(store: IdentityStore): Promise<Result<string, string>> {
  const stored = await store.loadJoinKey();
  if (!stored.ok) return stored;
  if (stored.value !== undefined) return ok(stored.value);
  const made = await generateKeyPem();
  const saved = await store.saveJoinKey(made);
  return saved.ok ? ok(made) : saved;
}

interface PinnedAnswer {
  readonly response: JoinResponse;
  /** The authority that was pinned: the answer must name it, and may name the next one too. */
  readonly caPem: string;
}

interface Attempt extends Omit<Deps, "store"> {
  readonly signal: AbortSignal;
}

/** Tries until the broker says yes or no, or the deadline passes; the last failure is told. */
async function redeem(
  address: string,
  token: JoinToken,
  request: JoinRequest,
  { clock, random, signal }: Attempt,
): Promise<Result<PinnedAnswer, JoinFailure>> {
  let last: Result<PinnedAnswer, JoinFailure> = fail(
    "unreachable",
    `cannot reach broker: ${address} must answer within the deadline: it was not asked in time`,
  );
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    using limit = deadline(clock, ATTEMPT_MS, signal);
    const result = await redeemOnce(address, token, request, limit.signal);
    if (result.ok || result.error.kind !== "unreachable") return result;
    last = result;
    await sleep(clock, backoffMs(RETRY, attempt, random), signal);
  }
  return last;
}

async function redeemOnce(
  address: string,
  token: JoinToken,
  request: JoinRequest,
  signal: AbortSignal,
): Promise<Result<PinnedAnswer, JoinFailure>> {
  const endpoint = parseBrokerAddress(address);
  if (!endpoint.ok) return fail("invalid", endpoint.error);
  const authority = await fetchAuthority(endpoint.value, token.authorities, signal);
  if (!authority.ok) {
    return fail(
      authority.error.startsWith("cannot trust") ? "untrusted" : "unreachable",
      authority.error,
    );
  }
  const response = await callJoin(address, authority.value, request, signal);
  return response.ok ? ok({ response: response.value, caPem: authority.value }) : response;
}

function callJoin(
  address: string,
  caPem: string,
  request: JoinRequest,
  signal: AbortSignal,
): Promise<Result<JoinResponse, JoinFailure>> {
  const client = new BrokerClient(address, credentials.createSsl(Buffer.from(caPem)), {
    "grpc.ssl_target_name_override": BROKER_SERVER_NAME,
    "grpc.default_authority": BROKER_SERVER_NAME,
    "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
    "grpc.enable_retries": 0,
  });
  return new Promise((resolve) => {
    const finish = (result: Result<JoinResponse, JoinFailure>): void => {
      signal.removeEventListener("abort", onAbort);
      client.close();
      resolve(result);
    };
    const call = client.join(request, (error, response) =>
      finish(error === null ? ok(response) : fromServiceError(address, error)),
    );
    const onAbort = (): void => call.cancel();
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

const RETRYABLE: readonly status[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNKNOWN,
];

function fromServiceError(address: string, error: ServiceError): Result<never, JoinFailure> {
  const retryable = RETRYABLE.includes(error.code);
  return fail(
    retryable ? "unreachable" : "refused",
    retryable ? `cannot reach broker: ${address}: ${error.details}` : error.details,
  );
}

function fail(kind: JoinFailure["kind"], message: string): Result<never, JoinFailure> {
  return err({ kind, message });
}
