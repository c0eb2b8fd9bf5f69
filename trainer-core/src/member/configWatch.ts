/**
 * A run's configuration can change while it is paused. What this process has computed from the one before (model, data, schedule) is
 * then wrong, so it must be started again; a service manager does that at once, a tab by itself.
 */
import type { CoordinatorPort } from "@starling/sdk";
import { Machine } from "@starling/sdk/machine";

const LOOK_EVERY_MS = 10_000;

export interface ConfigWatch {
  /** resolves to a sentence when the configuration is another one than at the start */
  changed: Promise<string>;
  stop(): void;
}

/** `toml`: the configuration that this process works by. Looks at once, while the run is paused, and when it goes on. */
export function watchConfig(coordinator: CoordinatorPort, toml: string): ConfigWatch {
  const changed = Promise.withResolvers<string>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    coordinator.runInfo().then(
      ({ configToml }) => {
        // empty: another one is being written
        if (configToml === toml || configToml === "") return;
        changed.resolve("the run has a new configuration: this client ends, and takes it up when it is started again");
      },
      () => undefined, // that no RPC answers is told elsewhere; it is asked again
    );
  };
  // it may have changed while the kernels were compiled
  look();
  const undo = coordinator.subscribe(({ bytes }) => {
    const isPaused = Machine.load(bytes).state().runState === "Paused";
    if (isPaused === (timer !== undefined)) return;
    if (isPaused) timer = setInterval(look, LOOK_EVERY_MS);
    else {
      clearInterval(timer);
      timer = undefined;
      look();
    }
  });
  return {
    changed: changed.promise,
    stop: () => {
      undo();
      clearInterval(timer);
    },
  };
}
