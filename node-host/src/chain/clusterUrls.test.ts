import { expect, test } from "vitest";
import { clusterUrls, websocketOf } from "./clusterUrls.ts";

const none = { wsRpc: undefined, rpc2: undefined, wsRpc2: undefined, rpc3: undefined, wsRpc3: undefined };

test("the websocket of an RPC", () => {
  for (const [rpc, ws] of [
    ["http://127.0.0.1:8899", "ws://127.0.0.1:8900"],
    ["https://api.devnet.solana.com", "wss://api.devnet.solana.com"],
    ["https://api.devnet.solana.com/", "wss://api.devnet.solana.com/"],
    ["https://rpc.example.com/?api-key=a1", "wss://rpc.example.com/?api-key=a1"],
    ["https://rpc.example.com/v1/a1", "wss://rpc.example.com/v1/a1"],
    ["http://[::1]:8899", "ws://[::1]:8900"],
  ] as const)
    expect(websocketOf(rpc)).toBe(ws);
});

test("primary first, each once, quotes taken away", () => {
  expect(clusterUrls({ ...none, rpc: "http://127.0.0.1:8899" })).toEqual({
    rpcUrls: ["http://127.0.0.1:8899"],
    wsUrls: ["ws://127.0.0.1:8900"],
  });
  expect(
    clusterUrls({
      rpc: '"https://a.example"',
      wsRpc: "'wss://ws.a.example'",
      rpc2: "https://b.example",
      wsRpc2: undefined,
      rpc3: "https://b.example",
      wsRpc3: "wss://c.example",
    }),
  ).toEqual({
    rpcUrls: ["https://a.example", "https://b.example"],
    wsUrls: ["wss://ws.a.example", "wss://b.example", "wss://c.example"],
  });
});
