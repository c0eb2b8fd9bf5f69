/** Catches the signing keys that the page has WebCrypto make, so that a test knows what to look for in what the page sends. */
import { randomBytes } from "node:crypto";
import type { BrowserContext } from "@playwright/test";

export interface MadeKey {
  /** as the page asked for it; it gets exactly such a key */
  extractable: boolean;
  /** 32 bytes of Ed25519 */
  seed: Uint8Array;
}

export class KeyWatch {
  readonly made: MadeKey[] = [];

  static async install(context: BrowserContext): Promise<KeyWatch> {
    const watch = new KeyWatch();
    const binding = `keyWatch${randomBytes(6).toString("hex")}`;
    await context.exposeBinding(binding, (_source, { extractable, seed }: { extractable: boolean; seed: number[] }) => {
      watch.made.push({ extractable, seed: Uint8Array.from(seed) });
    });
    await context.addInitScript(pageHalf, binding);
    return watch;
  }
}

/** Runs in the page: no imports, nothing from around it. */
function pageHalf(binding: string): void {
  // an insecure page has no WebCrypto
  if (globalThis.crypto?.subtle === undefined) return;
  const proto = Object.getPrototypeOf(crypto.subtle) as SubtleCrypto;
  const generate = proto.generateKey as unknown as (algorithm: unknown, extractable: boolean, usages: KeyUsage[]) => Promise<CryptoKeyPair>;
  const generateKey = async (algorithm: string | { name: string }, extractable: boolean, usages: KeyUsage[]): Promise<unknown> => {
    const name = typeof algorithm === "string" ? algorithm : algorithm.name;
    if (name !== "Ed25519") return generate.call(crypto.subtle, algorithm, extractable, usages);
    const pair = await generate.call(crypto.subtle, algorithm, true, usages);
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
    const tell = (globalThis as unknown as Record<string, (key: object) => Promise<void>>)[binding]!;
    await tell({ extractable, seed: [...new Uint8Array(pkcs8).slice(-32)] });
    const privateKey = await crypto.subtle.importKey(
      "pkcs8",
      pkcs8,
      name,
      extractable,
      usages.filter((usage) => usage === "sign"),
    );
    return { privateKey, publicKey: pair.publicKey };
  };
  Object.defineProperty(proto, "generateKey", { value: generateKey, configurable: true, writable: true });
}
