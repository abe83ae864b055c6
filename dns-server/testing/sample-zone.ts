import { anImport, aSlice, port } from "./objects.ts";
import { zoneOf } from "./test-responder.ts";

/** One service of every kind in `shop`; `hidden` has a service but is no namespace here, `bare` is the reverse. */
export const SAMPLE_ZONE = zoneOf({
  imports: [
    anImport({ ips: ["10.96.1.10"], ports: [port("http", 80), port("https", 443)] }),
    anImport({ key: "shop/dual", ips: ["10.96.1.11", "fd00:96::b"], ports: [port("http", 80)] }),
    anImport({
      key: "shop/multi",
      ips: ["10.96.1.13"],
      ports: [port("tcp", 42), port("udp", 42, "UDP"), port("sctp", 43, "SCTP")],
    }),
    anImport({ key: "shop/plain", ips: ["10.96.1.12"], ports: [{ port: 80, protocol: "TCP" }] }),
    anImport({ key: "shop/noports", ips: ["10.96.1.14"] }),
    anImport({ key: "shop/noip", ports: [port("http", 80)] }),
    anImport({ key: "shop/db", isHeadless: true }),
    anImport({ key: "shop/pods", isHeadless: true }),
    anImport({ key: "shop/notready", isHeadless: true }),
    anImport({ key: "shop/empty", isHeadless: true }),
    anImport({ key: "shop/portless", isHeadless: true }),
    anImport({ key: "shop/twin", isHeadless: true }),
    anImport({ key: "hidden/web", ips: ["10.96.1.99"] }),
  ],
  slices: [
    aSlice({ endpoints: ["10.1.0.1=web-0"], ports: [{ name: "http", port: 8080 }] }),
    aSlice({
      key: "shop/db",
      endpoints: ["10.1.1.1=db-0", "10.1.1.2=db-1"],
      ports: [{ name: "pg", port: 5432, protocol: "TCP" }],
    }),
    aSlice({
      key: "shop/db",
      cluster: "west",
      endpoints: ["10.2.1.1=db-0", "!10.2.1.2=db-1"],
      ports: [{ name: "pg", port: 15432, protocol: "TCP" }],
    }),
    aSlice({
      key: "shop/pods",
      endpoints: ["10.1.2.1"],
      ports: [{ name: "http", port: 8080 }],
    }),
    aSlice({
      key: "shop/pods",
      endpoints: ["fd00:1:2::", "::5"],
      ports: [{ name: "http", port: 8080 }],
    }),
    aSlice({ key: "shop/notready", endpoints: ["!10.1.3.1=a"] }),
    aSlice({ key: "shop/portless", endpoints: ["10.1.4.1=a"] }),
    aSlice({
      key: "shop/twin",
      name: "twin-1",
      endpoints: ["10.1.6.1=h"],
      ports: [{ name: "a", port: 80 }],
    }),
    aSlice({
      key: "shop/twin",
      name: "twin-2",
      endpoints: ["10.1.6.1=h"],
      ports: [{ name: "b", port: 81 }],
    }),
    aSlice({
      key: "shop/twin",
      name: "twin-3",
      endpoints: ["fd00::6=h"],
      ports: [{ name: "a", port: 80 }],
    }),
  ],
  namespaces: ["shop", "bare"],
});
