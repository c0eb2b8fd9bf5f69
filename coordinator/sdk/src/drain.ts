import type { CoordinatorCore } from "./core.ts";

/** What `CoordinatorCore.pauseAndDrain` says. */
export function pauseAndDrain(core: CoordinatorCore, deadlineMs: number): Promise<boolean> {
  const isHalted = (): boolean => core.state().runState === "Paused" || core.state().runState === "Finished";
  if (!isHalted() && !core.state().pendingPause) core.setPaused(true);
  if (isHalted()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (drained: boolean): void => {
      cancel();
      unsubscribe();
      resolve(drained);
    };
    const cancel = core.clock.after(deadlineMs, () => finish(isHalted()));
    // the first call comes at once, before there is anything to undo: it is not halted then
    const unsubscribe = core.subscribe(() => {
      if (isHalted()) finish(true);
    });
  });
}
