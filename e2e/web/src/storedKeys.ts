/** The keys that the page keeps in this browser (web/src/worker/store), read as any script of the page could read them. */
import { expect, type Page } from "@playwright/test";
import type { KeyWatch } from "./keyWatch.ts";
import type { Recorder } from "./recorder.ts";

interface StoredIdentity {
  /** raw bytes by name */
  seeds: Record<string, number[]>;
  /** null: this browser has no Ed25519 */
  session: { extractable: boolean; exported: string } | null;
}

export async function storedIdentities(page: Page): Promise<StoredIdentity[]> {
  return page.evaluate(async () => {
    const wait = <T>(request: { result: T; onsuccess: unknown; onerror: unknown; error: unknown }): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(new Error(String(request.error)));
      });
    const database = await wait(indexedDB.open("starling"));
    const records = (await wait(database.transaction("identities").objectStore("identities").getAll())) as Record<string, unknown>[];
    database.close();
    const found: StoredIdentity[] = [];
    for (const record of records) {
      const seeds = Object.entries(record).filter((entry): entry is [string, Uint8Array] => ArrayBuffer.isView(entry[1]));
      const pair = record["session"] as CryptoKeyPair | null;
      const exported = async (key: CryptoKey): Promise<string> => {
        const tries = (["pkcs8", "raw", "jwk"] as const).map((format) =>
          crypto.subtle.exportKey(format as "pkcs8", key).then(
            () => format,
            () => "",
          ),
        );
        return (await Promise.all(tries)).join("");
      };
      found.push({
        seeds: Object.fromEntries(seeds.map(([name, bytes]) => [name, [...bytes]])),
        session: pair === null ? null : { extractable: pair.privateKey.extractable, exported: await exported(pair.privateKey) },
      });
    }
    return found;
  });
}

/** No secret of this browser is in what the page sent or printed, only this machine heard of it, no script reads the session key. */
export async function expectNothingSecret(page: Page, recorder: Recorder, keys: KeyWatch): Promise<void> {
  const stored = await storedIdentities(page);
  expect(stored.length, "identities in the page's store").toBeGreaterThan(0);
  expect(keys.made.length, "session keys that the browser made").toBeGreaterThan(0);
  const leaks: string[] = [];
  for (const { extractable, seed } of keys.made) {
    expect(extractable, "the session key may be read out").toBe(false);
    leaks.push(...recorder.leaks("the session key", seed));
  }
  for (const { seeds, session } of stored) {
    expect(session).toEqual({ extractable: false, exported: "" });
    for (const [name, bytes] of Object.entries(seeds)) leaks.push(...recorder.leaks(name, Uint8Array.from(bytes)));
  }
  expect([...new Set(leaks)]).toEqual([]);
  // a recorder that hears nothing would find nothing
  expect(recorder.sent.filter(({ what }) => what === "request").length).toBeGreaterThan(0);
  expect(recorder.sent.filter(({ what }) => what === "websocket sent").length).toBeGreaterThan(0);
  expect(recorder.hosts().filter((host) => !/^127\.0\.0\.1:\d+$/.test(host))).toEqual([]);
}
