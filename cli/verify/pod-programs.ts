// What the pods of `isthmus verify` run: plain JavaScript given to `node -e`, so that any image with Node will do, of whatever
// version of ours.

/** Port of the server in its pod. */
export const POD_PORT = 8080;

/** Serves the name of its pod at /hostname, on PORT. */
export const SERVER_PROGRAM = `
const { hostname } = require("node:os");
const server = require("node:http").createServer((request, response) => response.end(hostname()));
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
