/** Accounts outlive programs: a field that moves makes every account on every cluster unreadable. */
import { MACHINE_OFFSET, ROUND_BYTES, TABLE_BYTES } from "@starling/programs/accounts";
import { Chain } from "@starling/programs/harness";
import { Scenario } from "@starling/programs/scenario";
import { LAYOUT } from "@starling/sdk/generated/machineLayout";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { currentLayout, type Layout, LAYOUT_FILE } from "./layout.ts";

const WHAT_TO_DO =
  "an account's layout changed. If that is meant: raise the machine's LAYOUT_VERSION or the accounts' VERSION, say in docs/programs.md what becomes of " +
  "existing accounts, then `node coordinator/programs/test/layout.ts --write`";

describe("the layout of all accounts", () => {
  it("is the committed one", () => {
    expect(currentLayout(), WHAT_TO_DO).toEqual(JSON.parse(readFileSync(LAYOUT_FILE, "utf8")));
  });

  it("is what the program makes", () => {
    const layout = JSON.parse(readFileSync(LAYOUT_FILE, "utf8")) as Layout;
    const run = Scenario.warmup(new Chain(), 1);
    const { memberAccount, sessionAccount } = run.member(0);
    const made = {
      run: run.at.run,
      config: run.at.config,
      epochTable: run.at.table0,
      round: run.at.round0,
      member: memberAccount,
      session: sessionAccount,
    };
    // the IDL has these as bytes to the account's end
    const machines: Record<string, number> = { run: MACHINE_OFFSET.run + LAYOUT.Run.bytes, epochTable: TABLE_BYTES, round: ROUND_BYTES };
    for (const [name, address] of Object.entries(made)) {
      const { bytes } = layout[`coordinator.${name}`];
      expect(run.chain.data(address).length, name).toBe(bytes === "rest" ? machines[name] : bytes);
    }
  });
});
