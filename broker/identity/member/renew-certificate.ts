import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { BrokerClient, type RenewResponse } from "../../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { BROKER_SERVER_NAME } from "../authority/certificate-authority.ts";
import { createCertificateRequest } from "../authority/certificate-request.ts";
import { generateKeyPem } from "../authority/key-pair.ts";
import { type MemberIdentity, nameOf, parseMemberIdentity } from "./member-identity.ts";

export interface RenewalFailure {
  /** refused: this life of the member is over, or its certificate is not accepted: only an admin can help. */
  readonly kind: "refused" | "unreachable" | "untrusted";
  /** What failed, the rule, the value seen. */
  readonly message: string;
}

const MAX_ANSWER_BYTES = 1024 * 1024;
const REFUSALS: readonly status[] = [
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.INVALID_ARGUMENT,
];

/**
 * Asks the broker at this address for a certificate for a new key, once. The answer comes from a server that the present
 * authorities vouch for; what it says must still be about the same member.
 */
export async function renewCertificate(
  identity: MemberIdentity,
  address: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<Result<MemberIdentity, RenewalFailure>> {
  const keyPem = await generateKeyPem();
  const request = await createCertificateRequest(keyPem);
  if (!request.ok) return fail("untrusted", request.error);
  const answer = await callRenew(identity, address, request.value, signal);
  if (!answer.ok) return answer;
  const { certificateChain: certPem, caCertificate: caPem } = answer.value;
  const { brokerAddress } = identity;
  const renewed = parseMemberIdentity({ keyPem, certPem, caPem, brokerAddress }, nowMs);
  if (!renewed.ok) return fail("untrusted", renewed.error);
  const [was, is] = [nameOf(identity), nameOf(renewed.value)];
  return was === is
    ? ok(renewed.value)
    : fail("untrusted", `cannot renew: certificate must be for ${was}: got one for ${is}`);
}

function callRenew(
  { keyPem, certPem, caPem }: MemberIdentity,
  address: string,
  certificateRequest: Uint8Array,
  signal: AbortSignal,
): Promise<Result<RenewResponse, RenewalFailure>> {
  const [ca, key, cert] = [Buffer.from(caPem), Buffer.from(keyPem), Buffer.from(certPem)];
  const client = new BrokerClient(address, credentials.createSsl(ca, key, cert), {
    "grpc.ssl_target_name_override": BROKER_SERVER_NAME,
    "grpc.default_authority": BROKER_SERVER_NAME,
    "grpc.max_receive_message_length": MAX_ANSWER_BYTES,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
  });
  return new Promise((resolve) => {
    const finish = (result: Result<RenewResponse, RenewalFailure>): void => {
      signal.removeEventListener("abort", onAbort);
      client.close();
      resolve(result);
    };
    const call = client.renew({ certificateRequest }, (error, response) =>
      finish(error === null ? ok(response) : fromServiceError(address, error)),
    );
    const onAbort = (): void => call.cancel();
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function fromServiceError(address: string, error: ServiceError): Result<never, RenewalFailure> {
  const isRefused = REFUSALS.includes(error.code);
  return isRefused
    ? fail("refused", error.details)
    : fail("unreachable", `cannot reach broker: ${address}: ${error.details}`);
}

function fail(kind: RenewalFailure["kind"], message: string): Result<never, RenewalFailure> {
  return err({ kind, message });
}
