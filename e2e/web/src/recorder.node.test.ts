import { randomBytes } from "node:crypto";
import type { BrowserContext } from "@playwright/test";
import { getBase58Decoder } from "@solana/kit";
import { expect, it } from "vitest";
import { Recorder, type Sent } from "./recorder.ts";

const secret = randomBytes(32);
const recorder = new Recorder({ on: () => undefined, pages: () => [] } as unknown as BrowserContext);
const sending = (bytes: Buffer): string[] => {
  const sent: Sent = { what: "request", url: "http://127.0.0.1/", bytes };
  recorder.sent.splice(0, recorder.sent.length, sent);
  return recorder.leaks("secret", secret);
};

it.each([
  ["bytes", secret],
  ["hex", Buffer.from(secret.toString("hex"))],
  ["upper-case hex", Buffer.from(secret.toString("hex").toUpperCase())],
  ["base64", Buffer.from(secret.toString("base64"))],
  ["base64 within 33 bytes", Buffer.from(Buffer.concat([Buffer.from([7]), secret]).toString("base64"))],
  ["base64 within 66 bytes", Buffer.from(Buffer.concat([Buffer.from([7, 8]), secret, secret]).toString("base64"))],
  ["base64url", Buffer.from(secret.toString("base64url"))],
  ["base58", Buffer.from(getBase58Decoder().decode(secret))],
  ["numbers", Buffer.from(JSON.stringify([...secret]))],
])("a secret is found as %s, wherever it stands", (_form, bytes) => {
  expect(sending(Buffer.concat([Buffer.from("before "), bytes, Buffer.from(" after")])).length, secret.toString("hex")).toBeGreaterThan(0);
});

it("another 32 bytes are not taken for it", () => {
  const other = randomBytes(32);
  const forms = [other, Buffer.from(other.toString("base64")), Buffer.from(other.toString("hex")), Buffer.from(JSON.stringify([...other]))];
  expect(forms.flatMap(sending), other.toString("hex")).toEqual([]);
});
