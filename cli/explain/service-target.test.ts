import { expect, test } from "vitest";
import { parseServiceTarget } from "./service-target.ts";

const WEB = { namespace: "shop", name: "web" };

test.each([
  { text: "web", want: { namespace: "default", name: "web" } },
  { text: "shop/web", want: WEB },
  { text: "web.shop.svc.clusterset.local", want: WEB },
  { text: "Web.Shop.svc.clusterset.local.", want: WEB },
  { text: "pod-1.east.web.shop.svc.clusterset.local", want: WEB },
  { text: "_http._tcp.web.shop.svc.clusterset.local", want: WEB },
  { text: "web.shop.svc", want: WEB },
])("$text is a service", ({ text, want }) => {
  expect(parseServiceTarget(text, "default")).toEqual({ ok: true, value: want });
});

test.each([
  { text: "", says: /service name/ },
  { text: "a/b/c", says: /NAMESPACE\/NAME/ },
  { text: "web.shop", says: /NAMESPACE\/NAME/ },
  { text: "svc.clusterset.local", says: /NAMESPACE\/NAME/ },
  { text: "shop/1web", says: /RFC 1035/ },
  { text: "Shop/web", says: /namespace/ },
])("$text is none", ({ text, says }) => {
  expect(parseServiceTarget(text, "default")).toEqual({
    ok: false,
    error: expect.stringMatching(says),
  });
});
