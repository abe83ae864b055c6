import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { BrokerClient } from "../../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { type BackoffOptions, backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { BROKER_SERVER_NAME } from "../../identity/authority/certificate-authority.ts";
import type { MemberIdentity } from "../../identity/member/member-identity.ts";

/** `over`: the broker says that this life of the cluster id has ended before. */
export type LeaveOutcome = "left" | "over";

const ATTEMPT_MS = 10_000;
const RETRY: BackoffOptions = { firstMs: 500, maxMs: 5_000 };
/** Nothing changes by trying again. */
const REFUSALS: readonly status[] = [status.UNAUTHENTICATED, status.UNIMPLEMENTED];

/**
 * Tells the broker that this cluster leaves: the others drop its rows. Tries each address in turn until the deadline.
 * Error: what failed last; nothing is known to have changed then.
 */
export async function leaveClusterset(
  identity: MemberIdentity,
  options: { readonly otherAddresses: readonly string[]; readonly timeoutMs: number },
  deps: { readonly clock: Clock; readonly random: Random },
): Promise<Result<LeaveOutcome, string>> {
  const addresses = [identity.brokerAddress, ...options.otherAddresses];
  using limit = deadline(deps.clock, options.timeoutMs);
  let last = `broker must answer within ${options.timeoutMs} ms: it was not asked in time`;
  for (let attempt = 0; !limit.signal.aborted; attempt += 1) {
    const address = addresses[attempt % addresses.length] ?? identity.brokerAddress;
    using turn = deadline(deps.clock, ATTEMPT_MS, limit.signal);
    const error = await callLeave(address, identity, turn.signal);
    if (error === undefined) return ok("left");
    if (error.code === status.PERMISSION_DENIED) return ok("over");
    last = `${address}: ${error.details}`;
    if (REFUSALS.includes(error.code)) break;
    await sleep(deps.clock, backoffMs(RETRY, attempt, deps.random), limit.signal);
  }
  return err(`cannot leave: ${last}`);
}

/** Undefined when it was done. */
function callLeave(
  address: string,
  { caPem, keyPem, certPem }: MemberIdentity,
  signal: AbortSignal,
): Promise<ServiceError | undefined> {
  const [ca, key, certificate] = [Buffer.from(caPem), Buffer.from(keyPem), Buffer.from(certPem)];
  const client = new BrokerClient(address, credentials.createSsl(ca, key, certificate), {
    "grpc.ssl_target_name_override": BROKER_SERVER_NAME,
    "grpc.default_authority": BROKER_SERVER_NAME,
    "grpc.enable_retries": 0,
  });
  return new Promise((resolve) => {
    const call = client.leave({}, (error) => {
      signal.removeEventListener("abort", onAbort);
      client.close();
      resolve(error ?? undefined);
    });
    const onAbort = (): void => call.cancel();
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
