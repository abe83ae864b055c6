import { expect, test } from "vitest";
import { joinLine } from "./join-line.ts";

const TOKEN = "isthmus-join.a.b.c.d";

test("names cluster and token", () => {
  expect(joinLine({ clusterId: "east", token: TOKEN, image: "isthmus" })).toBe(
    `isthmus install member --cluster-id east ${TOKEN} --apply`,
  );
});

test("names an image that was chosen for the hub: members' nodes would pull another", () => {
  expect(joinLine({ clusterId: "east", token: TOKEN, image: "r.example.com/isthmus:1" })).toBe(
    `isthmus install member --cluster-id east ${TOKEN} --apply --image r.example.com/isthmus:1`,
  );
});
