import {
  type ClientDuplexStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import {
  KVClient,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
  WatchClient,
  type WatchRequest,
  type WatchResponse,
} from "../../../../api/etcd/etcd.gen.ts";
import { err, ok, type Result } from "../../../../api/result.ts";
import type { Clock } from "../../../../runtime/clock/clock.ts";
import type { EtcdEndpoint } from "./etcd-endpoints.ts";

export interface EtcdClientOptions {
  /** Of one call at one member. @default 2000 */
  readonly callMs?: number;
}

interface Member {
  readonly kv: KVClient;
  readonly watch: WatchClient;
}

const CALL_MS = 2000;
/** A page of the largest items, and more. */
const RECEIVE_BYTES = 128 * 1024 * 1024;
const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": RECEIVE_BYTES,
  // etcd refuses pings more often than every 5 s.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 3000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1000,
  "grpc.use_local_subchannel_pool": 1,
};

export interface CallAnswer<T> {
  readonly response: T;
  /** An earlier attempt got no answer: it may have had its effect before this one. */
  readonly isRepeated: boolean;
}

/**
 * Calls to an etcd cluster over v3 gRPC: at one member as long as it answers, at the next when it does not. Members that
 * have lost their leader are passed over too (`hasleader`, as etcd's own clients say).
 */
export class EtcdClient {
  readonly #members: readonly Member[];
  readonly #clock: Clock;
  readonly #callMs: number;
  readonly #metadata = new Metadata();
  #current = 0;
  /** BOUNDED: by the calls under way. */
  readonly #calls = new Set<ClientUnaryCall>();
  #isClosed = false;

  constructor(
    options: EtcdClientOptions,
    deps: { readonly endpoints: readonly EtcdEndpoint[]; readonly clock: Clock },
  ) {
    this.#clock = deps.clock;
    this.#callMs = options.callMs ?? CALL_MS;
    this.#metadata.set("hasleader", "true");
    this.#members = deps.endpoints.map(({ target, credentials }) => ({
      kv: new KVClient(target, credentials, CHANNEL_OPTIONS),
      watch: new WatchClient(target, credentials, CHANNEL_OPTIONS),
    }));
  }

  range(request: RangeRequest): Promise<Result<CallAnswer<RangeResponse>, ServiceError>> {
    return this.#call<RangeResponse>(({ kv }, options, callback) =>
      kv.range(request, this.#metadata, options, callback),
    );
  }

  txn(request: TxnRequest): Promise<Result<CallAnswer<TxnResponse>, ServiceError>> {
    return this.#call<TxnResponse>(({ kv }, options, callback) =>
      kv.txn(request, this.#metadata, options, callback),
    );
  }

  /** A stream of changes at the member in use; `passOver` chooses another for the next one. */
  watch(): ClientDuplexStream<WatchRequest, WatchResponse> {
    return this.#member().watch.watch(this.#metadata);
  }

  passOver(): void {
    this.#current = (this.#current + 1) % this.#members.length;
  }

  close(): void {
    this.#isClosed = true;
    for (const call of this.#calls) call.cancel();
    for (const { kv, watch } of this.#members) {
      kv.close();
      watch.close();
    }
  }

  /** Each member once, the one in use twice: its connection may just have been cut. */
  async #call<T>(start: StartCall<T>): Promise<Result<CallAnswer<T>, ServiceError>> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#attempt(start);
      if (answer.ok) return ok({ response: answer.value, isRepeated: attempt > 0 });
      if (!isTransient(answer.error.code) || attempt >= this.#members.length) return answer;
      this.passOver();
    }
  }

  #attempt<T>(start: StartCall<T>): Promise<Result<T, ServiceError>> {
    if (this.#isClosed) return Promise.resolve(err(CLOSED));
    return new Promise((resolve) => {
      const options = { deadline: this.#clock.nowMs() + this.#callMs };
      const call = start(this.#member(), options, (error, response) => {
        this.#calls.delete(call);
        resolve(error === null ? ok(response) : err(error));
      });
      this.#calls.add(call);
    });
  }

  #member(): Member {
    const member = this.#members[this.#current];
    if (member === undefined) throw new RangeError("an etcd client has at least one endpoint");
    return member;
  }
}

const CLOSED: ServiceError = Object.assign(new Error("client is closed"), {
  code: status.CANCELLED,
  details: "client is closed",
  metadata: new Metadata(),
});

type StartCall<T> = (
  member: Member,
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, response: T) => void,
) => ClientUnaryCall;

function isTransient(code: status): boolean {
  return (
    code === status.UNAVAILABLE ||
    code === status.DEADLINE_EXCEEDED ||
    code === status.INTERNAL ||
    code === status.UNKNOWN
  );
}
