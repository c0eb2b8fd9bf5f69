import { expect, it } from "vitest";
import { announcedAddresses } from "./announced.ts";

it("takes IP addresses with the port that is listened on, and multiaddrs as they are", () => {
  expect(announcedAddresses(undefined, 0)).toBeUndefined();
  expect(announcedAddresses(["203.0.113.7", "2001:db8::1", "/dns4/rig.example.org/tcp/4001"], 4001)).toEqual([
    "/ip4/203.0.113.7/tcp/4001",
    "/ip6/2001:db8::1/tcp/4001",
    "/dns4/rig.example.org/tcp/4001",
  ]);
});

it("says what is wrong with others", () => {
  expect(() => announcedAddresses(["203.0.113.7"], 0)).toThrow(/needs --bind-p2p-port/);
  for (const bad of ["rig.example.org", "/ip4/999.0.0.1/tcp/1", "/nonsense/1", ""]) {
    expect(() => announcedAddresses([bad], 4001)).toThrow(/must be an IP address, or a multiaddr/);
  }
});
