import { describe, expect, test } from "vitest";
import type { FormNode } from "@starling/config";
import { RUN_FORM } from "./formValues.ts";
import { outlineOf, stepOfPath, type ConfigStep } from "./outline.ts";

const STEPS: readonly ConfigStep[] = ["model", "data", "optimizer", "rounds"];

function leaves(node: FormNode): string[] {
  if (node.kind === "table") return node.parts.flatMap(leaves);
  return [node.key];
}

describe("the steps", () => {
  const shown = STEPS.flatMap((step) =>
    outlineOf(step).flatMap(({ basic, advanced }) => [...basic, ...advanced].map(({ key }) => [key, step])),
  );

  test("show every key of the schema once, where problems are sent to", () => {
    const elsewhere = ["run_id", "config.earning_rate_total_shared", "config.slashing_rate_per_client"];
    expect([...shown.map(([key]) => key), ...elsewhere].sort()).toEqual(leaves(RUN_FORM).sort());
    for (const [key, step] of shown) expect([key, stepOfPath(key!)]).toEqual([key, step]);
  });

  test("fold away what few people change", () => {
    const basic = outlineOf("rounds").flatMap((group) => group.basic.map(({ key }) => key));
    expect(basic).toContain("config.total_steps");
    expect(basic).not.toContain("config.straggler_grace");
  });
});
