import { test } from "vitest";
import { scenarioOf } from "./scenarios.ts";
import { problemsOf } from "./checks.ts";
import { Simulation } from "./simulation.ts";

test("try", { timeout: 200_000 }, async () => {
  const first = Number(process.env.SEED ?? 1);
  const count = Number(process.env.COUNT ?? 200);
  const t0 = performance.now();
  let bad = 0;
  for (let seed = first; seed < first + count; seed++) {
    const scenario = scenarioOf(seed);
    const outcome = await new Simulation(scenario).run();
    const problems = problemsOf(outcome);
    if (problems.length > 0) {
      bad++;
      console.log(seed, JSON.stringify({ ...scenario, config: undefined }), outcome.virtualMs, problems.slice(0, 6));
      if (count === 1) for (const c of outcome.honest.slice(0, Number(process.env.SHOW ?? 2))) { console.log(c.name); for (const e of c.events) console.log(JSON.stringify(e)); }
    }
  }
  console.log("bad", bad, "ms/run", (performance.now() - t0) / count);
});
