import { expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { readRuntimeConfig, type RuntimeConfig } from "./runtimeConfig.ts";

const whole: RuntimeConfig = {
  title: "Nest",
  clusters: [
    {
      name: "localnet",
      label: "Local validator",
      rpcUrls: ["http://127.0.0.1:8899"],
      wsUrls: ["ws://127.0.0.1:8900"],
      chain: "solana:localnet",
      genesisHash: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
      programs: undefined,
      explorerUrl: "https://explorer.example/tx/{signature}",
      isTest: true,
    },
  ],
  coordinators: [{ label: "here", address: "/ip4/127.0.0.1/tcp/9/ws/p2p/12D3", runId: "r" }],
  dataUrls: { r: ["data/r/train.txt"] },
  iceServers: [{ urls: "stun:stun.example:3478", username: undefined, credential: undefined }],
};

it("a whole config and the smallest one are read", () => {
  expect(readRuntimeConfig(whole)).toEqual(whole);
  expect(readRuntimeConfig({ clusters: [], coordinators: [] })).toMatchObject({ clusters: [], coordinators: [] });
});

it.each([
  ["the file", []],
  ["the file", null],
  ["clusters", { coordinators: [] }],
  ["clusters[0].rpcUrls[0]", { ...whole, clusters: [{ ...whole.clusters[0], rpcUrls: ["ftp://x"] }] }],
  ["clusters[0].rpcUrls", { ...whole, clusters: [{ ...whole.clusters[0], rpcUrls: [] }] }],
  ["clusters[0].name", { ...whole, clusters: [{ ...whole.clusters[0], name: "tcp-0" }] }],
  ["clusters[0].chain", { ...whole, clusters: [{ ...whole.clusters[0], chain: "solana:other" }] }],
  ["clusters[0].isTest", { ...whole, clusters: [{ ...whole.clusters[0], isTest: "yes" }] }],
  ["clusters[0].genesisHash", { ...whole, clusters: [{ ...whole.clusters[0], genesisHash: "0OIl" }] }],
  ["clusters[0].explorerUrl", { ...whole, clusters: [{ ...whole.clusters[0], explorerUrl: "https://x/" }] }],
  ["clusters[0].explorerUrl", { ...whole, clusters: [{ ...whole.clusters[0], explorerUrl: "javascript://{signature}" }] }],
  ["clusters[1].name", { ...whole, clusters: [whole.clusters[0], whole.clusters[0]] }],
  ["coordinators[0].address", { ...whole, coordinators: [{ ...whole.coordinators[0], address: "/ip4/127.0.0.1/tcp/9/ws" }] }],
  ["rpcUrl", { ...whole, rpcUrl: "http://127.0.0.1" }],
  ["dataUrls.r", { ...whole, dataUrls: { r: "data" } }],
  ["iceServers[0].urls", { ...whole, iceServers: [{ urls: [] }] }],
])("a fault is told with its key: %s", (key, value) => {
  let caught: unknown;
  try {
    readRuntimeConfig(value);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(ConfigError);
  expect((caught as ConfigError).issues[0].key).toBe(key);
});
