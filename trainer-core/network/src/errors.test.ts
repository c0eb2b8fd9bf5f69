import { streamPair } from "@libp2p/utils";
import { expect, test } from "vitest";
import { errorText } from "./errors.ts";

test("an event that libp2p rejects with is told by what it carries", async () => {
  const [one] = await streamPair();
  const waiting = new Promise((_, reject) => one.addEventListener("close", reject)).catch(errorText);
  one.abort(new Error("the peer is frozen"));
  expect(await waiting).toBe("the peer is frozen");
  expect(errorText(new Event("close"))).toBe("the connection ended (close)");
});
