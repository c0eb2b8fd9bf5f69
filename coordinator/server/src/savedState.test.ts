import { parseRunConfig, toMachineConfig } from "@starling/config";
import { NEVER_EXPIRES, type SavedRun } from "@starling/sdk";
import { sha256 } from "@starling/sdk/bytes";
import { Machine } from "@starling/sdk/machine";
import { MAX_MEMBERS, MAX_MULTIADDR_CHARS, MAX_MULTIADDRS } from "@starling/sdk/members";
import { describe, expect, it } from "vitest";
import { ServerError } from "./errors.ts";
import { decodeSavedState, encodeSavedState, MAX_STATE_BYTES } from "./savedState.ts";
import { TEST_TOML } from "./testRun.ts";

const CONFIG_HASH = new Uint8Array(32).fill(1);
const machine = Machine.create("saved", toMachineConfig(parseRunConfig(TEST_TOML, { source: "the test" })), 5n);
machine.start(1_000n);

function run(members: number): SavedRun {
  const key = (kind: number, index: number): Uint8Array => sha256(new Uint8Array([kind, index >> 8, index]));
  return {
    bytes: machine.bytes(),
    nonce: 1n << 60n,
    runNowMs: 1_700_000_000_000n,
    members: Array.from({ length: members }, (_, index) => ({
      owner: key(0, index),
      session: key(1, index),
      peerId: key(2, index),
      chainHead: key(3, index),
      multiaddrs: Array.from({ length: MAX_MULTIADDRS }, () => "/".padEnd(MAX_MULTIADDR_CHARS, "x")),
      expiresMs: index % 2 === 0 ? NEVER_EXPIRES : 1n << 41n,
    })),
    ejectedOwners: [key(4, 0)],
  };
}

const file = encodeSavedState(run(2), CONFIG_HASH);

describe("a state file", () => {
  it("comes back as it was, the fullest one too", () => {
    const full = run(MAX_MEMBERS);
    const encoded = encodeSavedState(full, CONFIG_HASH);
    expect(encoded.length).toBeLessThan(MAX_STATE_BYTES);
    const decoded = decodeSavedState(encoded);
    expect(decoded.machine.state()).toEqual(machine.state());
    expect(decoded.configHash).toEqual(CONFIG_HASH);
    const { bytes: _, ...restored } = full;
    expect(decoded.restored).toEqual(restored);
  });

  it.each([
    ["nothing", new Uint8Array(0), /another file, or of a very old server/],
    ["text", new TextEncoder().encode("nonsense"), /another file/],
    ["the machine alone, as version 1 had it", machine.bytes(), /very old server/],
    [
      "of the version before",
      Uint8Array.from(file, (byte, i) => (i === 15 ? 2 : byte)),
      /of version 2, this server reads 3; start the server that wrote it/,
    ],
    ["of a newer version", Uint8Array.from(file, (byte, i) => (i === 15 ? 4 : byte)), /of version 4, this server reads 3/],
    ["its name alone", file.slice(0, 15), /of version undefined/],
    ["cut in its head", file.slice(0, 30), /checksum/],
    ["cut in its body", file.slice(0, -1), /checksum/],
    ["with a bit turned", Uint8Array.from(file, (byte, i) => (i === file.length - 9 ? byte ^ 1 : byte)), /checksum/],
    ["with more at its end", new Uint8Array([...file, 0]), /checksum/],
  ])("that is %s is refused with what to do", (_, bytes, message) => {
    expect(() => decodeSavedState(bytes)).toThrow(message);
    expect(() => decodeSavedState(bytes)).toThrow(ServerError);
  });

  it("never makes anything but a ServerError, whatever the bytes, with a right checksum too (seed 11)", () => {
    let state = 11;
    const random = (below: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
    const head = file.length - 48; // where the body may be damaged, behind name, version and checksum
    for (let i = 0; i < 600; i++) {
      const bytes = i % 3 === 0 ? file.slice(0, 48 + random(head)) : file.slice();
      for (let flips = 0; flips < 1 + (i % 5); flips++) bytes[48 + random(bytes.length - 48)] = random(256);
      if (i % 2 === 0) bytes.set(sha256(bytes.subarray(48)), 16);
      try {
        decodeSavedState(bytes).machine.state();
      } catch (error) {
        expect(error).toBeInstanceOf(ServerError);
      }
    }
  });
});
