import { assertNever } from "../../../api/invariant.ts";
import { decodeCredentials, decodeGreeting, decodeRequest } from "./decode.ts";
import { encodeAuthStatus, encodeMethodChoice, encodeReply } from "./encode.ts";
import {
  COMMAND,
  METHOD,
  type Problem,
  REPLY,
  type ReplyCode,
  type SocksAddress,
} from "./socks-message.ts";

/** The server's half of a SOCKS5 handshake, up to the request: bytes in, effects out. */
export interface SocksSession {
  readonly phase: "greeting" | "credentials" | "request" | "over";
  /** Method this server insists on; `usernamePassword` carries who the client is. */
  readonly method: (typeof METHOD)["none" | "usernamePassword"];
  /** BOUNDED: by the longest message, 513 bytes: a longer one would be complete or malformed. */
  readonly pending: Uint8Array;
  readonly username?: string;
}

export type SocksEffect =
  | { readonly kind: "write"; readonly bytes: Uint8Array }
  /** The request; `early` is what the client sent behind it. The session is over. */
  | {
      readonly kind: "connect" | "udp-associate";
      readonly address: SocksAddress;
      readonly username?: string;
      readonly early: Uint8Array;
    }
  | { readonly kind: "close"; readonly reason: string };

export interface SocksStep {
  readonly session: SocksSession;
  readonly effects: readonly SocksEffect[];
}

export function newSocksSession(method: SocksSession["method"]): SocksSession {
  return { phase: "greeting", method, pending: new Uint8Array(0) };
}

/** Takes in bytes as they come, in pieces of any size. */
export function socksStep(session: SocksSession, bytes: Uint8Array): SocksStep {
  if (session.phase === "over") return { session, effects: [] };
  let current: SocksSession = { ...session, pending: Buffer.concat([session.pending, bytes]) };
  const effects: SocksEffect[] = [];
  for (;;) {
    const step = stepOnce(current);
    effects.push(...step.effects);
    const moved = step.session.phase !== current.phase;
    current = step.session;
    if (!moved) return { session: current, effects };
  }
}

/** The reply to a request that led nowhere, or somewhere. Errors have no bound address to tell. */
export function replyBytes(code: ReplyCode, bound: SocksAddress = UNBOUND): Uint8Array {
  return encodeReply({ code, bound });
}

const UNBOUND: SocksAddress = { kind: "ip", host: "0.0.0.0", port: 0 };

function stepOnce(session: SocksSession): SocksStep {
  switch (session.phase) {
    case "greeting":
      return takeGreeting(session);
    case "credentials":
      return takeCredentials(session);
    case "request":
      return takeRequest(session);
    case "over":
      return { session, effects: [] };
    default:
      return assertNever(session.phase);
  }
}

function takeGreeting(session: SocksSession): SocksStep {
  const greeting = decodeGreeting(session.pending);
  if (greeting.kind === "incomplete") return { session, effects: [] };
  if (greeting.kind === "malformed") return over(session, greeting.message);
  if (!greeting.value.includes(session.method)) {
    // RFC 1928 section 3: "If the selected METHOD is X'FF', ... the client MUST close the connection."
    const refusal = encodeMethodChoice(METHOD.unacceptable);
    return over(session, "no acceptable authentication method", refusal);
  }
  const phase = session.method === METHOD.none ? "request" : "credentials";
  return {
    session: { ...session, phase, pending: session.pending.subarray(greeting.length) },
    effects: [{ kind: "write", bytes: encodeMethodChoice(session.method) }],
  };
}

function takeCredentials(session: SocksSession): SocksStep {
  const credentials = decodeCredentials(session.pending);
  if (credentials.kind === "incomplete") return { session, effects: [] };
  if (credentials.kind === "malformed") return over(session, credentials.message);
  const { username } = credentials.value;
  const pending = session.pending.subarray(credentials.length);
  return {
    session: { ...session, phase: "request", pending, username },
    effects: [{ kind: "write", bytes: encodeAuthStatus(0) }],
  };
}

function takeRequest(session: SocksSession): SocksStep {
  const request = decodeRequest(session.pending);
  if (request.kind === "incomplete") return { session, effects: [] };
  if (request.kind === "malformed") {
    return over(session, request.message, refusalOf(request.problem));
  }
  const { command, address } = request.value;
  if (command !== COMMAND.connect && command !== COMMAND.udpAssociate) {
    const refusal = replyBytes(REPLY.commandNotSupported);
    return over(session, `command must be 1 or 3: got ${command}`, refusal);
  }
  const kind = command === COMMAND.connect ? "connect" : "udp-associate";
  const early = session.pending.subarray(request.length);
  const username = session.username === undefined ? {} : { username: session.username };
  return { session: ended(session), effects: [{ kind, address, early, ...username }] };
}

function refusalOf(problem: Problem): Uint8Array | undefined {
  if (problem === "version") return undefined;
  return replyBytes(problem === "address-type" ? REPLY.addressTypeNotSupported : REPLY.failure);
}

function over(session: SocksSession, reason: string, last?: Uint8Array): SocksStep {
  const close: SocksEffect = { kind: "close", reason };
  const effects = last === undefined ? [close] : [{ kind: "write", bytes: last } as const, close];
  return { session: ended(session), effects };
}

function ended(session: SocksSession): SocksSession {
  return { ...session, phase: "over", pending: new Uint8Array(0) };
}
