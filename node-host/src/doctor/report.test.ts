import { describe, expect, it } from "vitest";
import type { CheckResult } from "./check.ts";
import { checkLines, summary } from "./report.ts";

const result = (status: CheckResult["status"], title = "Disk"): CheckResult => ({
  id: "disk",
  title,
  status,
  found: "/data is full: nothing more can be written to this place at all",
  remedy: status === "ok" || status === "skip" ? undefined : "Delete old checkpoints.",
  seconds: 0.1,
});

describe("the doctor's report", () => {
  it("is aligned, wraps what is long below itself, and keeps marks and colours to terminals", () => {
    const plain = checkLines(result("fail"), 10, { isTerminal: false, columns: 60, colours: false });
    expect(plain).toEqual([
      "FAIL Disk        /data is full: nothing more can be written",
      "                 to this place at all",
      "                 → Delete old checkpoints.",
    ]);
    const coloured = checkLines(result("fail"), 10, { isTerminal: true, columns: 100, colours: true });
    expect(coloured[0]).toBe("\u001b[31m✗\u001b[0m Disk        /data is full: nothing more can be written to this place at all");
    for (const line of checkLines(result("warn"), 10, { isTerminal: true, columns: 60, colours: false }))
      expect(line.length).toBeLessThanOrEqual(60);
  });

  it("ends with one sentence", () => {
    expect(summary([result("ok"), result("skip")])).toBe(
      "Everything that was looked at is in order; 1 skipped (not asked for, or not for this machine).",
    );
    expect(summary([result("ok"), result("warn", "Clock")])).toBe("This machine can train; 1 thing could be better: Clock.");
    expect(summary([result("warn"), result("fail", "Ports"), result("fail", "Data")])).toBe(
      "2 things must be mended before this machine can train: Ports, Data.",
    );
  });
});
