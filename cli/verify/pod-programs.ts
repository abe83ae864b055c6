// What the pods of `isthmus verify` and `isthmus benchmark` run: plain JavaScript given to `node -e`, so that any image with Node will do, of whatever
// version of ours.

/** Port of the server in its pod. */
export const POD_PORT = 8080;

/** Serves on PORT: so many bytes at /bytes?n=NUMBER, below a gigabyte, and the name of its pod anywhere else. */
export const SERVER_PROGRAM = `
const { hostname } = require("node:os");
const { Readable } = require("node:stream");
const CHUNK = Buffer.alloc(65536);
function* bytes(count) {
  for (let left = count; left > 0; left -= CHUNK.length) yield left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
}
const server = require("node:http").createServer((request, response) => {
  const [, count] = /^\\/bytes\\?n=([0-9]{1,9})$/.exec(request.url) || [];
  if (count === undefined) return response.end(hostname());
  require("node:stream").pipeline(Readable.from(bytes(Number(count))), response, () => undefined);
});
server.listen(Number(process.env.PORT), () => console.log(JSON.stringify(server.address())));
process.on("SIGTERM", () => process.exit(0));
`;

/**
 * Resolves NAME and asks for http://NAME:PORT/hostname again and again, as any client in the cluster does: by its DNS, its search
 * list and its network. A line of JSON (\`client-report.ts\`) whenever what it sees is something else.
 */
export const CLIENT_PROGRAM = `
const dns = require("node:dns").promises;
const http = require("node:http");
const { NAME, PORT } = process.env;
const LIMIT_MS = 2000;
let said = "";
async function resolve() {
  const found = await Promise.allSettled([dns.resolve4(NAME), dns.resolve6(NAME)]);
  const addresses = found.flatMap((one) => (one.status === "fulfilled" ? one.value : [])).sort();
  const why = found.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
  return { addresses, ...(addresses.length === 0 && { nameError: why.join(", ") }) };
}
function request() {
  return new Promise((resolve) => {
    const start = performance.now();
    const fail = (error) => resolve({ requestError: error.message || error.code });
    const signal = AbortSignal.timeout(LIMIT_MS);
    const asked = http.get({ host: NAME, port: PORT, path: "/hostname", agent: false, signal }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => { body = (body + chunk).slice(0, 200); });
      answer.on("error", fail);
      answer.on("end", () => resolve({ status: answer.statusCode, body, ms: Math.round(performance.now() - start) }));
    });
    asked.on("error", fail);
  });
}
async function look() {
  const seen = { ...(await resolve()), ...(await request()) };
  const { ms, ...rest } = seen;
  const text = JSON.stringify(rest);
  if (text !== said) console.log(JSON.stringify(seen));
  said = text;
  setTimeout(look, 250);
}
look();
process.on("SIGTERM", () => process.exit(0));
`;

/**
 * Waits until NAME resolves, then resolves it and asks for it, DNS_RATE and RATE
 * times a second for SECONDS, one at a time, and takes BYTES once. One line of JSON (`cli/benchmark/pod-measures.ts`) at the end.
 */
export const MEASURE_PROGRAM = `
const dns = require("node:dns").promises;
const http = require("node:http");
const { NAME, PORT, DNS_RATE, RATE, SECONDS, BYTES } = process.env;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const get = (path) => new Promise((resolve) => {
  const signal = AbortSignal.timeout(60000);
  const asked = http.get({ host: NAME, port: PORT, path, agent: false, signal }, (answer) => {
    let length = 0;
    answer.on("data", (chunk) => { length += chunk.length; });
    answer.on("error", () => resolve(-1));
    answer.on("end", () => resolve(answer.statusCode === 200 ? length : -1));
  });
  asked.on("error", () => resolve(-1));
});
async function paced(attempt, rate) {
  const ms = [];
  let failed = 0;
  const start = performance.now();
  for (let index = 0; index < rate * SECONDS; index += 1) {
    const wait = start + index * 1000 / rate - performance.now();
    if (wait > 0) await pause(wait);
    if (performance.now() - start > SECONDS * 1000 + 2000) break;
    const sent = performance.now();
    if (await attempt()) ms.push(Math.round((performance.now() - sent) * 100) / 100);
    else failed += 1;
  }
  return { ms, failed, skipped: 0, elapsedMs: performance.now() - start };
}
const resolve = () => dns.resolve4(NAME).catch(() => dns.resolve6(NAME)).then(() => true, () => false);
(async () => {
  for (let tries = 0; tries < 200 && !((await resolve()) && (await get("/hostname")) > 0); tries += 1) await pause(250);
  const measures = { dns: await paced(resolve, Number(DNS_RATE)), request: await paced(async () => (await get("/hostname")) > 0, Number(RATE)) };
  const start = performance.now();
  const length = await get("/bytes?n=" + BYTES);
  const bulkMs = performance.now() - start;
  console.log(JSON.stringify({ ...measures, bytes: Number(BYTES), ...(length === Number(BYTES) && { bulkMs }) }));
})();
setInterval(() => undefined, 1000);
process.on("SIGTERM", () => process.exit(0));
`;
