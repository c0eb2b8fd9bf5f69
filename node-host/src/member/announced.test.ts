import { expect, it } from "vitest";
import { announcedAddresses } from "./announced.ts";

it("takes IP addresses with the port that is listened on, and multiaddrs as they are", () => {
  expect(announcedAddresses(undefined, { tcp: 0, webSocket: 0, webRtc: null })).toBeUndefined();
  expect(announcedAddresses(["203.0.113.7"], { tcp: 4001, webSocket: 4002, webRtc: 4003 })).toEqual([
    "/ip4/203.0.113.7/tcp/4001",
    "/ip4/203.0.113.7/udp/4003/webrtc-direct",
    "/ip4/203.0.113.7/tcp/4002/ws",
  ]);
  const ports = { tcp: 4001, webSocket: 0, webRtc: null };
  expect(announcedAddresses(["203.0.113.7", "2001:db8::1", "/dns4/rig.example.org/tcp/4001"], ports)).toEqual([
    "/ip4/203.0.113.7/tcp/4001",
    "/ip6/2001:db8::1/tcp/4001",
    "/dns4/rig.example.org/tcp/4001",
  ]);
});

it("says what is wrong with others", () => {
  expect(() => announcedAddresses(["203.0.113.7"], { tcp: 0, webSocket: 0, webRtc: null })).toThrow(/needs --bind-p2p-port/);
  for (const bad of ["rig.example.org", "/ip4/999.0.0.1/tcp/1", "/nonsense/1", ""]) {
    expect(() => announcedAddresses([bad], { tcp: 4001, webSocket: null, webRtc: null })).toThrow(/must be an IP address, or a multiaddr/);
  }
});
