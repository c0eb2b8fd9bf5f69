import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Identity } from "@starling/sdk";
import { toHex } from "@starling/sdk/bytes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadIdentity } from "./identityFile.ts";

describe("loadIdentity", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starling-identity-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("makes a file that only its owner reads, and reads it back; each start has a chain of its own", () => {
    const path = join(folder, "keys", "rig.id");
    const first = loadIdentity(path);
    first.identity.beginChain();
    first.save();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => loadIdentity(path)).toThrow(
      expect.objectContaining({
        code: "identity-in-use",
        message: expect.stringMatching(new RegExp(`in use by the process ${process.pid}: .*file of its own`)),
      }),
    );
    first.release();
    const second = loadIdentity(path);
    second.identity.beginChain();
    expect(toHex(second.identity.peer.publicKey)).toBe(toHex(first.identity.peer.publicKey));
    expect(toHex(second.identity.membership().chainHead)).not.toBe(toHex(first.identity.membership().chainHead));
  });

  it("reads the existing system's key files, raw and hex, and leaves them as they are", () => {
    const seed = new Uint8Array(32).map((_, i) => i);
    writeFileSync(join(folder, "raw"), seed);
    writeFileSync(join(folder, "hex"), `${toHex(seed)}\n`);
    const [raw, hex] = ["raw", "hex"].map((name) => loadIdentity(join(folder, name)));
    expect(toHex(raw.identity.peer.publicKey)).toBe(toHex(hex.identity.peer.publicKey));
    raw.save();
    expect(new Uint8Array(readFileSync(join(folder, "raw")))).toEqual(seed);
  });

  it("without a path takes the keys and the owner that it is given: a container without a disk finds its session again", () => {
    const fresh = Identity.generate().secrets();
    const owner = new Uint8Array(32).fill(7);
    const { identity } = loadIdentity(undefined, { owner, fresh });
    expect(identity.membership()).toMatchObject({ owner, session: new Identity(fresh).session.publicKey });
  });

  it("without a path makes new keys each time", () => {
    const keys = [1, 2].map(() => toHex(loadIdentity(undefined).identity.peer.publicKey));
    expect(keys[0]).not.toBe(keys[1]);
  });

  it.each<[string, (path: string) => void]>([
    ["words", (path) => writeFileSync(path, "hello")],
    ["31 bytes", (path) => writeFileSync(path, new Uint8Array(31))],
    ["JSON of something else", (path) => writeFileSync(path, '{"a":1}')],
    ["a folder", (path) => mkdirSync(path)],
  ])("refuses %s by the option's name", (_, make) => {
    const path = join(folder, "x.id");
    make(path);
    expect(() => loadIdentity(path)).toThrow(
      expect.objectContaining({ code: "identity", message: expect.stringContaining("--identity-secret-key-path") }),
    );
  });

  it("says when the file cannot be written", () => {
    const blocked = join(folder, "file");
    writeFileSync(blocked, "");
    chmodSync(blocked, 0o400);
    expect(() => loadIdentity(join(blocked, "rig.id"))).toThrow(/identity file .*cannot be (read|written)|--identity-secret-key-path/);
  });
});
