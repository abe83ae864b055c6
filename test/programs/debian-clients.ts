import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { output, type Place } from "./place.ts";

/** Runs a client at a place against a server somewhere, and throws when it does not get what it should. */
export type DebianTalk = (place: Place, host: string, port: number) => Promise<void>;

const CURL = ["curl", "-s", "-S"];

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** HTTP/1.1: curl sends and fetches megabytes over one connection. */
export const talkHttp: DebianTalk = async (place, host, port) => {
  const url = `http://${host}:${port}/`;
  const body = "x".repeat(5_000_000);
  const args = [...CURL, "--http1.1", "--data-binary", "@-", url];
  assert.equal(await output(place, args, { input: body }), sha256(body));
  const twice = await output(place, [...CURL, "-w", "%{num_connects} ", url, url]);
  assert.equal(twice.length, 2 * (3_000_000 + 2));
  assert.equal(twice.slice(-2), "0 ");
};

/** HTTP/2: curl without TLS, as services inside a cluster speak it. */
export const talkHttp2: DebianTalk = async (place, host, port) => {
  const url = `http://${host}:${port}/a`;
  const said = await output(place, [...CURL, "--http2-prior-knowledge", url]);
  assert.ok(said === "2.0 /a ".repeat(10_000), `got ${said.length} bytes: ${said.slice(0, 80)}`);
};

/** PostgreSQL: psql copies a table in and out, and hears that a query fails. */
export const talkPostgres: DebianTalk = async (place, host, port) => {
  const psql = (...commands: readonly string[]): Promise<string> =>
    output(place, [
      ...["psql", "-h", host, "-p", String(port), "-U", "isthmus", "-d", "postgres", "-X", "-q"],
      ...["-v", "ON_ERROR_STOP=1", "-A", "-t", ...commands.flatMap((each) => ["-c", each])],
    ]);
  const rows = "select n, md5(n::text) from generate_series(1, 50000) n";
  await psql(`create table t as ${rows}`);
  const text = await psql("copy t to stdout");
  assert.equal(text.split("\n").length, 50_001);
  const same = await psql(
    "select count(*), md5(string_agg(n || ' ' || md5, ',' order by n)) from t",
    `select count(*), md5(string_agg(n || ' ' || md5, ',' order by n)) from (${rows}) s`,
  );
  const [stored, made] = same.trim().split("\n");
  assert.equal(stored, made);
  await assert.rejects(psql("select 1/0"), /division by zero/);
};

/** Redis: redis-cli stores a megabyte and gets it back; redis-benchmark pipelines. */
export const talkRedis: DebianTalk = async (place, host, port) => {
  const at = ["-h", host, "-p", String(port)];
  const value = "0123456789abcdef".repeat(65_536);
  const set = ["redis-cli", ...at, "-x", "set", "key"];
  assert.equal(await output(place, set, { input: value }), "OK\n");
  const got = await output(place, ["redis-cli", ...at, "get", "key"]);
  assert.ok(got === `${value}\n`, `got ${got.length} bytes: ${got.slice(0, 80)}`);
  const args = [...at, "-q", "-n", "2000", "-c", "20", "-P", "16", "-t", "set,get"];
  const said = await output(place, ["redis-benchmark", ...args]);
  for (const what of ["SET", "GET"]) {
    assert.match(said, new RegExp(`${what}: [\\d.]+ requests per second`));
  }
};

/** DNS: dig asks over UDP, and over TCP. */
export const talkDns: DebianTalk = async (place, host, port) => {
  for (const way of ["+notcp", "+tcp"]) {
    const args = [`@${host}`, "-p", String(port), way, "+short", "+tries=5", "web.test", "A"];
    assert.equal(await output(place, ["dig", ...args]), "192.0.2.7\n");
  }
};

/** iperf3 over UDP: datagrams arrive whole, and the two ends agree on how many. */
export const talkIperf: DebianTalk = async (place, host, port) => {
  const args = ["-c", host, "-p", String(port), "-u", "-b", "5M", "-l", "1200", "-t", "1", "-J"];
  const { end } = JSON.parse(await output(place, ["iperf3", ...args]));
  const { sum_sent: sent, sum_received: received } = end;
  assert.ok(sent.packets > 100, `sent ${sent.packets}`);
  assert.ok(received.packets > sent.packets / 2, `received ${received.packets}`);
  assert.ok(received.lost_packets < sent.packets / 2, `lost ${received.lost_packets}`);
};
