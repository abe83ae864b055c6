import { expect, test } from "vitest";
import { anImport, aSlice, port } from "../../dns-server/testing/objects.ts";
import { testResponder, zoneOf } from "../../dns-server/testing/test-responder.ts";

const Z = "svc.clusterset.local";
const { ask } = testResponder(
  zoneOf({
    imports: [
      anImport({ key: "shop/idle", ips: ["10.96.1.1"], ports: [port("http", 80)] }),
      anImport({ key: "shop/http", isHeadless: true }),
    ],
    slices: [
      aSlice({
        key: "shop/http",
        cluster: "tcp",
        endpoints: ["10.1.0.1=http"],
        ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      }),
    ],
    namespaces: ["shop"],
  }),
);

test("DNS-15, VIP-18: a ClusterSetIP service without any endpoint is answered", () => {
  expect(ask(`idle.shop.${Z} A`)).toEqual(["NOERROR aa", `idle.shop.${Z} 5 IN A 10.96.1.1`]);
  expect(ask(`_http._tcp.idle.shop.${Z} SRV`)[0]).toBe("NOERROR aa");
  expect(ask(`_http._tcp.idle.shop.${Z} SRV`)).toHaveLength(3);
});

test("DNS-47: underscores tell ports from hosts, whatever hosts and clusters are called", () => {
  expect(ask(`http.tcp.http.shop.${Z} A`)).toEqual([
    "NOERROR aa",
    `http.tcp.http.shop.${Z} 5 IN A 10.1.0.1`,
  ]);
  expect(ask(`_http._tcp.http.shop.${Z} SRV`)[1]).toContain(`http.tcp.http.shop.${Z}`);
  expect(ask(`_http._tcp.http.shop.${Z} A`)).toHaveLength(2);
});

test("DNS-02, DNS-41: every answer is authoritative, negative ones carry the SOA", () => {
  for (const question of [`none.shop.${Z} A`, `idle.shop.${Z} AAAA`, `x.none.${Z} A`]) {
    const [head, authority, ...rest] = ask(question);
    expect(head).toMatch(/ aa$/);
    expect(authority).toMatch(/^; clusterset\.local 5 IN SOA /);
    expect(rest).toEqual([]);
  }
});
