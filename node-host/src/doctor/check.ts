/** A check of `starling doctor`: looks at one thing, says what it found and, where something is wrong, what to do. */
import type { doctorOptions, OptionsOf } from "@starling/config";

export type DoctorOptions = OptionsOf<typeof doctorOptions>;

export type CheckStatus = "ok" | "warn" | "fail" | "skip";

export interface Finding {
  status: CheckStatus;
  /** what is there; for a skipped check why it was skipped */
  found: string;
  /** one sentence: what to do. With warn and fail. */
  remedy?: string;
}

export interface Check {
  id: string;
  title: string;
  /** A check that throws has failed: the error's message is what it found. */
  run: (signal: AbortSignal) => Promise<Finding>;
  /** longer and it has failed; default 10 s */
  timeoutMs?: number;
}

export interface CheckResult extends Finding {
  id: string;
  title: string;
  seconds: number;
}

export const ok = (found: string): Finding => ({ status: "ok", found });
export const warn = (found: string, remedy: string): Finding => ({ status: "warn", found, remedy });
export const fail = (found: string, remedy: string): Finding => ({ status: "fail", found, remedy });
export const skip = (found: string): Finding => ({ status: "skip", found });

const DEFAULT_TIMEOUT_MS = 10_000;

/** Never rejects. */
export async function runCheck({ id, title, run, timeoutMs = DEFAULT_TIMEOUT_MS }: Check): Promise<CheckResult> {
  const startedMs = performance.now();
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => {
      controller.abort(new Error(`took longer than ${timeoutMs / 1000} s`));
      resolve(fail(`no answer within ${timeoutMs / 1000} s`, "Run it again; if it hangs again, restart the machine or look at its logs."));
    }, timeoutMs);
  });
  const finding = await Promise.race([
    run(controller.signal).catch((error: Error) => fail(error.message, "This check itself failed: please report it.")),
    late,
  ]);
  clearTimeout(timer);
  return { id, title, ...finding, seconds: Math.round(performance.now() - startedMs) / 1000 };
}
