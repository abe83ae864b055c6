import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface DnsperfOptions {
  readonly port: number;
  /** File of questions. */
  readonly questions: string;
  readonly seconds: number;
  /** Core that the generator is pinned to; everywhere without it. */
  readonly core?: number;
  /** Questions a second; as many as are answered without it. */
  readonly perSecond?: number;
  /** Sockets it asks from. @default 20 */
  readonly clients?: number;
  /** Address it asks from, of the loopback network. */
  readonly from?: string;
  /** Questions that may wait for an answer; who asks more than is answered needs many. @default 500 */
  readonly outstanding?: number;
  /** Gets the core before others, as far as that is allowed: so that its times are not those of another generator. */
  readonly isAhead?: boolean;
  /** Measures no times: printing them costs the generator half of its speed. */
  readonly isQuiet?: boolean;
}

export interface DnsperfResult {
  readonly perSecond: number;
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  /** Share of the answers with the code NOERROR, percent; 0 when none is. */
  readonly noErrorPercent: number;
  /** Of answers; only with `perSecond`. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Asks beside a load, for the times of answers: the load's own generator is busy, and its times would be its own. */
export const PROBE = { perSecond: 500, clients: 4, isAhead: true } as const;

/** Outstanding questions when it asks as fast as it can. */
const OUTSTANDING = 500;

/**
 * Runs dnsperf once, asking with EDNS. Without a rate it finds the most that is answered; with one it also prints every
 * answer's time, from which the percentiles come.
 */
export async function dnsperf(options: DnsperfOptions): Promise<DnsperfResult> {
  const { port, questions, seconds, core, perSecond, clients = 20, isQuiet, from } = options;
  const outstanding = options.outstanding ?? OUTSTANDING;
  const ahead = options.isAhead === true ? ["nice", "-n", "-5"] : [];
  const pin = core === undefined ? ahead : [...ahead, "taskset", "-c", `${core}`];
  const [program = "", ...args] = [
    ...pin,
    ...["dnsperf", "-s", "127.0.0.1", "-p", `${port}`, "-d", questions, "-l", `${seconds}`],
    ...["-c", `${clients}`, "-q", `${outstanding}`, "-e", "-t", "2"],
    ...(from === undefined ? [] : ["-a", from]),
    ...(perSecond === undefined ? [] : ["-Q", `${Math.round(perSecond)}`]),
    ...(perSecond === undefined || isQuiet === true ? [] : ["-v"]),
  ];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(child, "exit");
  const times: number[] = [];
  let summary = "";
  for await (const line of createInterface({ input: child.stdout })) {
    // "> NOERROR name type seconds"; "> T name type" for those that were lost.
    if (line.startsWith("> T ")) continue;
    if (line.startsWith("> ")) times.push(Number(line.slice(line.lastIndexOf(" "))) * 1000);
    else summary += `${line}\n`;
  }
  const [code] = await exited;
  if (code !== 0) throw new Error(`dnsperf exited with ${code}: ${summary}`);
  const number = (pattern: RegExp): number => Number(pattern.exec(summary)?.[1]);
  times.sort((left, right) => left - right);
  return {
    perSecond: Math.round(number(/Queries per second:\s+([\d.]+)/)),
    sent: number(/Queries sent:\s+(\d+)/),
    answered: number(/Queries completed:\s+(\d+)/),
    lost: number(/Queries lost:\s+(\d+)/),
    noErrorPercent: Number(/NOERROR \d+ \(([\d.]+)%\)/.exec(summary)?.[1] ?? 0),
    p50Ms: times[Math.floor(times.length * 0.5)] ?? 0,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}
