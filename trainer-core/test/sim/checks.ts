import type { Outcome } from "./simulation.ts";
import { member } from "./keys.node.ts";

/** Everything that must hold after a run with a dishonest minority, as sentences about what does not. */
export function problemsOf(outcome: Outcome): string[] {
  const { honest, clients, state, exits, finished } = outcome;
  const problems: string[] = [];
  if (!finished)
    problems.push(`the epochs did not end within ${outcome.virtualMs} ms; the run is at ${state.runState}, step ${state.step}`);

  const hashes = new Map<number, Map<string, string[]>>();
  for (const { name, events } of honest) {
    for (const event of events) {
      if (event.type === "parameterHash") {
        const byHash = hashes.get(event.step) ?? new Map<string, string[]>();
        byHash.set(event.parameterHash, [...(byHash.get(event.parameterHash) ?? []), name]);
        hashes.set(event.step, byHash);
      }
      if (event.type === "stranded") problems.push(`${name} was stranded in epoch ${event.epoch}: ${event.reason}`);
      if (event.type === "resync") problems.push(`${name} had to take the model from others in epoch ${event.epoch}`);
      if (event.type === "epochLost") problems.push(`${name} lost epoch ${event.epoch}: ${event.reason}`);
      if (event.type === "error" && event.action.startsWith("event")) problems.push(`${name}: ${event.message}`);
    }
  }
  for (const [step, byHash] of hashes) {
    if (byHash.size > 1) problems.push(`after step ${step} there are ${byHash.size} different parameters`);
  }
  const steps = state.step - 1;
  for (let step = 1; step <= steps; step++) {
    const holders = [...(hashes.get(step)?.values() ?? [])].flat().length;
    if (holders !== honest.length) problems.push(`${holders} of ${honest.length} honest clients began step ${step}`);
  }

  const applied = honest[0].events.filter((event) => event.type === "roundBegan" && event.batches.length > 0).length;
  const training = honest[0].events.filter((event) => event.type === "trained").length;
  if (applied < training * 0.6) problems.push(`only ${applied} of ${training} training rounds were applied`);
  if (!(outcome.lossLast < outcome.lossFirst)) problems.push(`the loss went from ${outcome.lossFirst} to ${outcome.lossLast}`);

  for (const { name, adversary } of clients) {
    const number = Number.parseInt(name, 10);
    const exit = exits.get(Buffer.from(member(number).identity.session.publicKey).toString("hex"));
    if (adversary === null && exit !== undefined) problems.push(`honest client ${name} is ${exit}`);
    if (adversary === "equivocator" && exit !== "Ejected") problems.push(`equivocator ${name} is ${exit ?? "a member"}, not ejected`);
  }
  return problems;
}
