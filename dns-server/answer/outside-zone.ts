import type { ServiceKey } from "../../api/service-key.ts";
import { type ToClient, toClientResponse, toUpstreamQuery } from "../forward/forwarded-message.ts";
import type { AccessList } from "../guard/access-list.ts";
import { FLAG, RCODE, TYPE } from "../wire/dns-numbers.ts";
import type { ZoneConfig } from "../zone/zone-config.ts";
import type { ZoneSnapshot } from "../zone/zone-snapshot.ts";
import { NOTHING_NOW, type Transport } from "./client.ts";
import { EXTENDED_ERRORS, type ExtendedError } from "./extended-errors.ts";
import type { Question } from "./question.ts";
import { labelsBefore } from "./question-name.ts";
import type { AnswerObserver } from "./responder.ts";
import { ReverseNames } from "./reverse-names.ts";
import { type ResponseFrame, roomForOptions, writeAnswer, writeError } from "./write-response.ts";

/** What others know. `query` is the question as they are asked (`toUpstreamQuery`); `questionEnd` the first byte after it. */
export interface Forward {
  /** What is known without asking; undefined when somebody is to be asked. */
  readonly recall: (query: Buffer, questionEnd: number, transport: Transport) => Reply | undefined;
  /** Asks. Keeps `query`. */
  readonly ask: (query: Buffer, questionEnd: number, transport: Transport) => Promise<Reply>;
}

/** What others say; messages repeat the question of the query. */
export type Reply =
  | { readonly kind: "answer"; readonly response: Buffer }
  /** It is older than its records allow, and nobody knows better (RFC 8767). */
  | { readonly kind: "stale"; readonly response: Buffer }
  /** With what they said, where they said something. `isKept`: some time ago (RFC 9520). */
  | { readonly kind: "failure"; readonly response: Buffer | undefined; readonly isKept: boolean };

export interface OutsideZoneOptions {
  readonly config: ZoneConfig;
  readonly answersReverse: boolean;
  readonly forward: Forward | undefined;
  /** Whose questions are sent on: a resolver for everybody would be a tool for attacks. */
  readonly forwardAccess: AccessList | undefined;
}

/** Questions about names that are not of the zone: addresses of ours, and what others are asked instead of us. */
export class OutsideZone {
  readonly #reverse: ReverseNames | undefined;
  readonly #forward: Forward | undefined;
  readonly #forwardAccess: AccessList | undefined;
  readonly #observe: AnswerObserver;
  #serial: number | undefined;

  constructor(options: OutsideZoneOptions, observe: AnswerObserver) {
    this.#reverse = options.answersReverse ? new ReverseNames(options.config) : undefined;
    this.#forward = options.forward;
    this.#forwardAccess = options.forwardAccess;
    this.#observe = observe;
  }

  setZone(zone: ZoneSnapshot, changed: Iterable<ServiceKey>): void {
    // The first zone is new as a whole, whatever its last step was.
    this.#reverse?.update(zone, this.#serial === undefined ? allServices(zone) : changed);
    this.#serial = zone.serial;
  }

  /** Bytes written, NOTHING_NOW, or undefined when the question is to be refused. */
  answer(frame: ResponseFrame, question: Question): number | undefined {
    const { query } = frame;
    if (query.type === TYPE.PTR && this.#reverse !== undefined && this.#serial !== undefined) {
      const labels = labelsBefore(question.bytes, question.nameBytes - 1);
      const answer = labels === undefined ? undefined : this.#reverse.answer(labels);
      if (answer !== undefined) {
        this.#observe(query.type, RCODE.NOERROR, frame.transport);
        return writeAnswer(frame, answer, this.#serial, 0);
      }
    }
    const isTransfer = query.type === TYPE.AXFR || query.type === TYPE.IXFR;
    // Without RD the client asks what this server itself knows.
    const isWanted = !isTransfer && (query.flags & FLAG.RD) !== 0;
    if (this.#forward === undefined || !isWanted) return undefined;
    if (this.#forwardAccess?.holds(frame.client.address) === false) return undefined;
    return this.#sendOn(frame, this.#forward);
  }

  /** The frame is read before the first wait: it belongs to the next query afterwards. */
  #sendOn(frame: ResponseFrame, forward: Forward): number {
    const { packet, query, transport, into, bytesMax, options } = frame;
    const { type, id } = query;
    const questionEnd = query.nameEnd + 4;
    const ownOptions = Buffer.from(options.bytes.subarray(0, options.length));
    const client: ToClient = { id, questionEnd, bytesMax, options: ownOptions };
    const asked = toUpstreamQuery(packet, query, Math.min(bytesMax, frame.ednsBytes));
    const known = forward.recall(asked, questionEnd, transport);
    if (known !== undefined) {
      const message = clientResponse(known, client) ?? this.#failure(frame, known);
      this.#observe(type, rcodeOf(message), transport);
      return message.copy(into);
    }
    const failure = this.#failure(frame);
    const reply = frame.client.later();
    const answered = (said: Reply): void => {
      const message = clientResponse(said, client) ?? failure;
      this.#observe(type, rcodeOf(message), transport);
      reply(message);
    };
    void forward.ask(asked, questionEnd, transport).then(answered);
    return NOTHING_NOW;
  }

  /** SERVFAIL of our own, because nobody said anything. */
  #failure(frame: ResponseFrame, known?: Reply): Buffer {
    const { query, into, options } = frame;
    const why = known === undefined ? EXTENDED_ERRORS.noUpstream : EXTENDED_ERRORS.upstreamFailed;
    options.explain(why, roomForOptions(frame, query.nameEnd + 4));
    return Buffer.from(into.subarray(0, writeError(frame, RCODE.SERVFAIL, 0)));
  }
}

/** Undefined for a failure of which nobody said anything. */
function clientResponse(reply: Reply, client: ToClient): Buffer | undefined {
  const { response } = reply;
  if (response === undefined) return undefined;
  const why = explanationOf(reply);
  if (why === undefined) return toClientResponse(response, client);
  return toClientResponse(response, {
    ...client,
    options: Buffer.concat([client.options, why]),
  });
}

function explanationOf(reply: Reply): ExtendedError | undefined {
  switch (reply.kind) {
    case "answer":
      return undefined;
    case "stale": {
      const isDenial = rcodeOf(reply.response) === RCODE.NXDOMAIN;
      return isDenial ? EXTENDED_ERRORS.staleDenial : EXTENDED_ERRORS.staleAnswer;
    }
    case "failure":
      return reply.isKept ? EXTENDED_ERRORS.upstreamFailed : undefined;
  }
}

function rcodeOf(message: Buffer): number {
  return (message[3] ?? 0) & 0xf;
}

function* allServices(zone: ZoneSnapshot): Generator<ServiceKey> {
  for (const [, { services }] of zone.namespaces) {
    for (const [, { key }] of services) yield key;
  }
}
