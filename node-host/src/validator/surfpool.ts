/** Surfpool's native module, which has no types of its own, and the sentence where this platform has none. */
import { createRequire } from "node:module";
import { HostError } from "../errors.ts";

const PACKAGE = "@solana/surfpool-linux-x64-gnu";

export interface SurfnetConfig {
  offline: boolean;
  slotTimeMs: number;
  /** `clock`: a slot each `slotTimeMs`, as on a real cluster. `transaction` would stand still while nobody sends anything. */
  blockProductionMode: "clock";
}

/** The part of the module's class that is used here. */
export interface Surfnet {
  readonly rpcUrl: string;
  readonly wsUrl: string;
  fundSol(address: string, lamports: number): void;
  /** events pile up until they are taken */
  drainEvents(): unknown[];
  stop(): void;
}

interface SurfpoolModule {
  Surfnet: { startWithConfig(config: SurfnetConfig): Surfnet };
}

/** Errors: HostError bad-option where the package is missing. */
export function startSurfnet(config: SurfnetConfig): Surfnet {
  let module: SurfpoolModule;
  try {
    module = createRequire(import.meta.url)(PACKAGE) as SurfpoolModule;
  } catch (cause) {
    const here = `${process.platform}-${process.arch}`;
    throw new HostError(
      "bad-option",
      here === "linux-x64"
        ? `the local validator needs the package ${PACKAGE}, which is not installed: run npm install without --omit=optional (${(cause as Error).message})`
        : `the local validator runs on linux-x64 only, this is ${here}: start it there, or name another cluster by --rpc`,
      { cause },
    );
  }
  return module.Surfnet.startWithConfig(config);
}
