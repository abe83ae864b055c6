import { expect, test } from "vitest";
import { redactObject, redactText } from "./redact.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const PEM = (kind: string): string =>
  `-----BEGIN ${kind}-----\nPLANTED0123456789abcdefPLANTED\n-----END ${kind}-----`;
const JWT = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJQTEFOVEVEIn0.PLANTED-signature`;

/** Every kind of secret that a clusterset has, each marked, as it stands in logs, flags, settings and files. */
const PLANTED: readonly (readonly [string, string])[] = [
  ["a private key", PEM("PRIVATE KEY")],
  ["an EC key", PEM("EC PRIVATE KEY")],
  ["an RSA key", PEM("RSA PRIVATE KEY")],
  ["an encrypted key", PEM("ENCRYPTED PRIVATE KEY")],
  ["an SSH key", PEM("OPENSSH PRIVATE KEY")],
  ["a key in JSON", JSON.stringify({ key: PEM("PRIVATE KEY") })],
  ["a key that a log cut off", PEM("PRIVATE KEY").slice(0, 50)],
  [
    "a key whose beginning is cut off",
    `\n${PEM("EC PRIVATE KEY").split("\n").slice(1).join("\n")}`,
  ],
  ["a kubeconfig's key", `    client-key-data: ${base64(PEM("EC PRIVATE KEY"))}`],
  ["a key in base64 anywhere", `read ${base64(PEM("PRIVATE KEY"))} bytes`],
  ["a join token", "joining with isthmus-join.east.PLANTED_token.pin.hub.example.com:8443 now"],
  ["a service account's token", `using ${JWT}.`],
  ["a bearer token", "GET /api Authorization: Bearer PLANTED.opaque-token"],
  ["a basic password", `proxy answered 407 to Basic ${base64("me:PLANTEDPLANTED")}`],
  ["a proxy's password", "CONNECT via http://me:PLANTED@proxy.example.com:3128/"],
  ["etcd's password", "--etcd-user=root --etcd-password=PLANTED --x"],
  ["a password in JSON", '{"user":"root","password":"PLANTED \\" more","port":1}'],
  ["a password in JSON in JSON", JSON.stringify({ text: '{"password":"PLANTED"}' })],
  ["a password in YAML", "user: root\npassword: PLANTED\nport: 1"],
  ["a DNS cookie secret", "--cookie-secrets=PLANTED0123456789abcdef"],
  ["a DNS cookie secret in YAML", "cookieSecrets: PLANTED0123456789"],
  ["a cookie", "GET / Cookie: session=1; id=PLANTED; more=PLANTED"],
  ["WireGuard's own key", "interface: wg0\n  private key: PLANTEDkey0123=\n"],
  ["WireGuard's shared key", "[Peer]\nPresharedKey = PLANTEDkey0123=\n"],
  ["a client secret", "oidc client_secret=PLANTED scope=x"],
  ["a variable", "AWS_SECRET_ACCESS_KEY=PLANTED HOME=/"],
  ["an API key", '{"apiKey": "PLANTED"}'],
];

test.each(PLANTED)("nothing is left of %s, in a text or anywhere in an object", (_, text) => {
  expect(text).toMatch(/PLANTED|UExBTlRFR|eyJzdWIi/);
  const shown = [
    redactText(`before ${text} after`),
    JSON.stringify(redactObject({ kind: "ConfigMap", data: { "file.yaml": text } })),
    JSON.stringify(redactObject({ kind: "Pod", metadata: { annotations: { note: text } } })),
    JSON.stringify(redactObject({ kind: "Pod", spec: { containers: [{ args: [text] }] } })),
    JSON.stringify(redactObject({ kind: "Secret", data: { x: text }, stringData: { y: text } })),
  ];
  for (const one of shown) expect(one).not.toMatch(/PLANTED/);
  // In base64, at any offset.
  for (const one of shown) expect(one).not.toMatch(/QTEFOVEVE|UExBTlRFR|BMQU5URU/);
});

test.each([
  [["--etcd-password", "PLANTED"]],
  [["--token", "PLANTED", "--x"]],
  [[{ name: "DB_PASSWORD", value: "PLANTED" }]],
  [[{ name: "TOKEN", value: "PLANTED" }]],
])("of a flag and its value beside it, and of a variable: %j", (args) => {
  expect(JSON.stringify(redactObject({ kind: "Pod", spec: { args } }))).not.toContain("PLANTED");
});

test("what only names a place is left, or nobody could help", () => {
  const args = [
    ...["--identity-secret=isthmus-system/isthmus-identity", "--join-token-file=/etc/join/token"],
    ...["--etcd-cert-file", "/etc/etcd/tls.crt", "--listen=:5353"],
  ];
  const volumes = [{ name: "join", secret: { secretName: "isthmus-join" } }];
  const pod = { kind: "Pod", spec: { args, volumes, serviceAccountName: "isthmus-dns" } };
  expect(redactObject(pod)).toEqual(pod);
  const log = '{"level":"warn","reason":"Secret isthmus-system/isthmus-identity is missing"}';
  expect(redactText(log)).toBe(log);
});
