import { multiaddr } from "@multiformats/multiaddr";
import { expect, test } from "vitest";
import { toMultiaddr } from "./address.ts";

test.each([
  ["127.0.0.1:4001", "/ip4/127.0.0.1/tcp/4001"],
  ["localhost:80", "/dns/localhost/tcp/80"],
  ["[::1]:9", "/ip6/::1/tcp/9"],
  ["/ip4/1.2.3.4/tcp/5/ws", "/ip4/1.2.3.4/tcp/5/ws"],
])("%s is %s", (address, expected) => {
  expect(toMultiaddr(address)).toBe(expected);
  expect(multiaddr(expected).toString()).toBe(expected);
});

test("WebSockets get their suffix", () => expect(toMultiaddr("host:1", "ws")).toBe("/dns/host/tcp/1/ws"));

test.each(["", "host", "host:", "host:0", "host:65536", ":1", "::1:1", "a b:1", "http://x:1"])("%j is refused", (address) => {
  expect(() => toMultiaddr(address)).toThrow(expect.objectContaining({ code: "malformed" }));
});
