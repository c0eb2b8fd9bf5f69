import { runSeed } from "../trainer-core/test/sim/seedRun.ts";
import { scenarioOf } from "../trainer-core/test/sim/scenarios.ts";
const [a, b, epochs = 10, clients] = process.argv.slice(2).map(Number);
let n = 0;
const t = performance.now();
for (let s = a; s <= b; s++) {
  const sc = scenarioOf(s, { epochs, ...(clients ? { clients } : {}) });
  const o = await runSeed(sc, { onEpoch: process.env.V ? console.log : undefined });
  n += o.epochs;
  console.log(
    JSON.stringify({
      ...o,
      violation: o.violation && { i: o.violation.invariant, t: o.violation.text, atMs: o.violation.atMs, m: o.violation.members },
    }),
  );
  if (o.violation && process.env.V) console.log(sc, o.violation.events.join("\n"));
}
console.log(n, "epochs", (performance.now() - t) / n, "ms each");
