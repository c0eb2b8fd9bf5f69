import { ConfigError } from "@starling/config";
import { NetworkError } from "@starling/network";
import { CoordinatorError } from "@starling/sdk";
import { ActionError, type ActionErrorCode } from "@starling/sdk/actions/errors";
import { ChainError, type ChainErrorCode } from "@starling/sdk/solana/chainError";
import { programRefusal } from "@starling/sdk/solana/transactionError";
import { LOCAL_PROGRAMS } from "@starling/sdk/solana/pdas";
import { describe, expect, it } from "vitest";
import { explain } from "./explain.ts";
import { PageError, type PageErrorCode } from "./pageError.ts";

const refusalOf = (name: string) => {
  for (let number = 6000; number < 6200; number++) {
    const found = programRefusal(LOCAL_PROGRAMS, LOCAL_PROGRAMS.treasurer, number);
    if (found.name === name) return found;
  }
  throw new Error(`the treasurer has no refusal ${name}`);
};

describe("explain", () => {
  it.each<[ActionErrorCode, string, string | undefined]>([
    ["not-found", "Not found", undefined],
    ["not-allowed", "This wallet may not do that", undefined],
    ["bad-argument", "That value cannot be used", undefined],
    ["unfunded", "Not enough funds", "retry"],
    ["wrong-state", "Not possible right now", undefined],
    ["unknown-outcome", "Not known yet what became of it", "check-again"],
    ["cancelled", "Cancelled", undefined],
    ["nothing-to-do", "Nothing to do", undefined],
    ["chain", "The network is not as it should be", undefined],
  ])("ActionError %s", (code, title, action) => {
    expect(explain(new ActionError(code, "the reason"))).toMatchObject({ title, action });
  });

  it.each<[ChainErrorCode, string, string | undefined]>([
    ["bad-argument", "That value cannot be used", undefined],
    ["not-found", "Not found on this network", undefined],
    ["wrong-account", "The network is not as it should be", undefined],
    ["rejected", "The network refused it", "retry"],
    ["unfunded", "Not enough SOL", "retry"],
    ["expired", "It was not carried out in time", "retry"],
    ["unknown", "Not known yet what became of it", "check-again"],
    ["unreachable", "The network does not answer", "retry"],
    ["rpc", "A node of the network refused to answer", "retry"],
    ["aborted", "Stopped", undefined],
    ["closed", "Stopped", undefined],
  ])("ChainError %s", (code, title, action) => {
    expect(explain(new ChainError(code, "the reason"))).toMatchObject({ title, action });
  });

  it.each<[PageErrorCode, string, string | undefined]>([
    ["no-wallet", "No wallet is connected", "connect"],
    ["wallet-network", "The wallet is on another network", "switch-network"],
    ["wallet-cannot-sign", "This wallet cannot be used here", "connect"],
    ["wallet-failed", "The wallet could not sign", "retry"],
    ["wrong-network", "Wrong network", "switch-network"],
  ])("PageError %s", (code, title, action) => {
    expect(explain(new PageError(code, "the reason"))).toMatchObject({ title, action });
  });

  it("an unknown outcome names its transaction and is never told as a failure", () => {
    const told = explain(new ActionError("unknown-outcome", "x", { signature: "5igNature" }));
    expect(told.text).toContain("5igNature");
    expect(told.tone).toBe("warn");
    expect(`${told.title} ${told.text}`).not.toMatch(/fail/i);
  });

  it("a short treasury and nothing to claim have their own sentences", () => {
    const short = new ChainError("rejected", "treasurer: ...", { refusal: refusalOf("VaultShort") });
    expect(explain(short)).toMatchObject({ title: "The treasury holds less than that", action: "retry" });
    const nothing = new ChainError("rejected", "treasurer: ...", { refusal: refusalOf("NothingAsked") });
    expect(explain(nothing).title).toBe("Nothing to claim");
  });

  it("any other refusal is told in the program's words, and that nothing changed", () => {
    const refusal = refusalOf("UnsupportedMint");
    const { text } = explain(new ChainError("rejected", "x", { refusal }));
    expect(text.toLowerCase()).toContain(refusal.message.toLowerCase());
    expect(text).toMatch(/Nothing changed\.$/);
  });

  it("coordinator, network and config errors keep what they say", () => {
    expect(explain(new CoordinatorError("bad-grant", "no grant for this key")).text).toBe("No grant for this key.");
    expect(explain(new CoordinatorError("unreachable", "x")).title).toBe("The coordinator does not answer");
    expect(explain(new NetworkError("timeout", "no answer")).title).toBe("That peer does not answer in time");
    expect(explain(new ConfigError("toml", "line 3")).text).toBe("Line 3.");
  });

  it("a copy from a Worker is explained as the error itself", () => {
    const error = new ChainError("unreachable", "no RPC node answers");
    expect(explain({ name: error.name, code: error.code, message: error.message })).toEqual(explain(error));
  });

  it("what browsers throw", () => {
    expect(explain(new DOMException("", "AbortError")).tone).toBe("neutral");
    expect(explain(new DOMException("", "QuotaExceededError")).title).toBe("No room left");
    expect(explain(new TypeError("Failed to fetch")).title).toBe("Nothing answers there");
    expect(explain(new TypeError("Failed to fetch dynamically imported module: x")).title).toMatch(/could not be loaded/);
  });

  it.each([undefined, null, "", "text", 7, {}, [], new Error(""), Symbol("s").toString(), { name: "ActionError", code: "no-such-code" }])(
    "never throws, always a whole sentence: %o",
    (thrown) => {
      const { title, text } = explain(thrown);
      expect(title).not.toBe("");
      expect(text).toMatch(/^\S.*[.!?…]$/s);
    },
  );
});
