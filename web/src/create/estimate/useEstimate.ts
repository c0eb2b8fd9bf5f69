/** The estimate of a config, from a chunk that is loaded when there is something to estimate. */
import type { RunConfig } from "@starling/config";
import { useEffect, useState } from "react";
import type * as Estimator from "./estimateRun.ts";
import type { Assumed, Estimate } from "./estimateRun.ts";

export type EstimateState = { kind: "none" } | { kind: "ready"; estimate: Estimate } | { kind: "unknown"; why: string };

/** Typing is not interrupted: the figures follow when it pauses. */
const PAUSE_MS = 250;

export interface Speed {
  clients: number;
  /** floating-point operations a second of one client */
  flops: number;
  bytesPerSecond: number;
  agreementSeconds: number;
}

export function useEstimate(config: RunConfig | null, { clients, flops, bytesPerSecond, agreementSeconds }: Speed): EstimateState {
  const [state, setState] = useState<EstimateState>({ kind: "none" });
  useEffect(() => {
    if (config === null) return;
    let stale = false;
    const timer = setTimeout(() => {
      void import("./estimateRun.ts").then(
        (module) => !stale && setState(estimated(module, config, { clients, flops, bytesPerSecond, agreementSeconds })),
        (error: unknown) => !stale && setState({ kind: "unknown", why: (error as Error).message }),
      );
    }, PAUSE_MS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [config, clients, flops, bytesPerSecond, agreementSeconds]);
  return state;
}

function estimated(
  { countModel, estimateRun, tokensPerSecondOf }: typeof Estimator,
  config: RunConfig,
  { flops, ...speed }: Speed,
): EstimateState {
  try {
    const assumed: Assumed = {
      ...speed,
      tokensPerSecond: tokensPerSecondOf(countModel(config)?.numParameters ?? 1, flops),
    };
    return { kind: "ready", estimate: estimateRun(config, assumed) };
  } catch (error) {
    return { kind: "unknown", why: (error as Error).message };
  }
}
