import { type ClientDuplexStream, credentials, type ServiceError, status } from "@grpc/grpc-js";
import {
  BrokerClient,
  type BrokerMessage,
  type MemberMessage,
} from "../../../api/broker/broker.gen.ts";
import { invariant } from "../../../api/invariant.ts";
import { BROKER_SERVER_NAME } from "../../identity/authority/certificate-authority.ts";
import type { MemberIdentity } from "../../identity/member/member-identity.ts";
import { LIMITS } from "../../wire/limits.ts";
import type { StreamEnd, StreamHandlers, SyncStream, SyncTransport } from "../sync-transport.ts";

export interface GrpcSyncTransportOptions {
  /** Asked anew for each stream: certificates are renewed. */
  readonly identity: () => Pick<MemberIdentity, "keyPem" | "certPem" | "caPem">;
  /** host:port, tried in turn, one per stream. At least one. */
  readonly addresses: readonly [string, ...string[]];
}

/** An admin must act: see the Sync call in broker.proto. */
const REJECTIONS: readonly status[] = [
  status.INVALID_ARGUMENT,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.UNIMPLEMENTED,
];

/**
 * Streams to the broker over gRPC with mutual TLS. Each stream has a channel of its own, so that the
 * library's backoff never hides a broker that is back: when to try again is the step machine's to say.
 */
export class GrpcSyncTransport implements SyncTransport {
  readonly #addresses: readonly string[];
  readonly #identity: GrpcSyncTransportOptions["identity"];
  #next = 0;

  constructor({ identity, addresses }: GrpcSyncTransportOptions) {
    this.#addresses = addresses;
    this.#identity = identity;
  }

  open(handlers: StreamHandlers): SyncStream {
    const address = this.#addresses[this.#next % this.#addresses.length];
    invariant(address !== undefined, "a transport has an address");
    this.#next += 1;
    const { keyPem, certPem, caPem } = this.#identity();
    const [ca, key, cert] = [Buffer.from(caPem), Buffer.from(keyPem), Buffer.from(certPem)];
    const client = new BrokerClient(address, credentials.createSsl(ca, key, cert), {
      "grpc.ssl_target_name_override": BROKER_SERVER_NAME,
      "grpc.default_authority": BROKER_SERVER_NAME,
      "grpc.max_receive_message_length": LIMITS.messageBytes,
      "grpc.max_send_message_length": LIMITS.messageBytes,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
    });
    return new GrpcSyncStream(client, address, handlers);
  }

  close(): void {
    // Streams own their channels.
  }
}

class GrpcSyncStream implements SyncStream {
  readonly #client: BrokerClient;
  readonly #call: ClientDuplexStream<MemberMessage, BrokerMessage>;
  readonly #handlers: StreamHandlers;
  #isOpen = true;

  constructor(client: BrokerClient, address: string, handlers: StreamHandlers) {
    this.#client = client;
    this.#handlers = handlers;
    this.#call = client.sync();
    this.#call.on("data", (message: BrokerMessage) => {
      if (this.#isOpen) handlers.onMessage(message);
    });
    this.#call.on("drain", () => {
      if (this.#isOpen) handlers.onWritable();
    });
    // Also raised after `close`: a stream without a listener for errors would end the process.
    this.#call.on("error", (error: ServiceError) => this.#ended(endOf(address, error)));
    this.#call.on("end", () =>
      this.#ended({ kind: "lost", reason: `${address}: broker ended the stream` }),
    );
  }

  send(message: MemberMessage): boolean {
    return this.#isOpen && this.#call.write(message);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#call.cancel();
    this.#client.close();
  }

  #ended(end: StreamEnd): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#client.close();
    this.#handlers.onClosed(end);
  }
}

function endOf(address: string, error: ServiceError): StreamEnd {
  const reason = `${address}: ${error.details}`;
  return { kind: REJECTIONS.includes(error.code) ? "rejected" : "lost", reason };
}
