import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tuningStore } from "./tuningStore.ts";

const root = mkdtempSync(join(tmpdir(), "starling-tiles-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const adapter = { vendor: "acme", architecture: "x", device: "9000", description: "1.2", isFallbackAdapter: false };
const entry = { gpu: { forward: { small: "32x32x32" } } };

test("keeps what each adapter measured, and takes a broken or unwritable file for an empty one", async () => {
  const file = join(root, "a", "tiles.json");
  const store = tuningStore(file);
  expect(await store.read(adapter)).toBeNull();
  await store.write(adapter, entry);
  await store.write({ ...adapter, device: "9001" }, {});
  expect(await tuningStore(file).read(adapter)).toEqual(entry);
  expect(Object.keys(JSON.parse(readFileSync(file, "utf8")) as object)).toEqual(["acme / x / 9000 / 1.2", "acme / x / 9001 / 1.2"]);
  for (const broken of ["{", "[]", "null", '{"acme / x / 9000 / 1.2": 7}']) {
    writeFileSync(file, broken);
    expect(await store.read(adapter)).toBeNull();
  }
  const unwritable = tuningStore(join(file, "below", "a", "file"));
  await unwritable.write(adapter, entry);
  expect(await unwritable.read(adapter)).toBeNull();
});
