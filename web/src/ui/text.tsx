/** Small pieces of text that do something: copying, shortened addresses, times that stay true. */
import { useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { copyToClipboard } from "../lib/clipboard.ts";
import { formatDuration, formatRelative, shortAddress } from "../lib/format.ts";
import { classes } from "./classes.ts";
import { CheckIcon, CopyIcon } from "./icons.tsx";

export interface CopyTextProps {
  text: string;
  /** what is copied, for the button's name: "address" */
  label: string;
  children?: ReactNode;
}

/** Shows `children` (default: the text) and a button that copies the text. */
export function CopyText({ text, label, children }: CopyTextProps) {
  const [state, setState] = useState<"ready" | "copied" | "refused">("ready");
  useEffect(() => {
    if (state === "ready") return;
    const timer = setTimeout(() => setState("ready"), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => setState((await copyToClipboard(text)) ? "copied" : "refused");
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <span className="min-w-0 wrap-anywhere">{children ?? text}</span>
      <button
        aria-label={`Copy ${label}`}
        className="relative grid size-7 shrink-0 place-items-center rounded-md text-muted hover:bg-sunken hover:text-text pointer-coarse:size-9"
        onClick={() => void copy()}
        type="button"
      >
        {state === "copied" ? <CheckIcon className="size-4 text-good" /> : <CopyIcon className="size-4" />}
      </button>
      <span aria-live="polite" className={state === "refused" ? "text-xs text-bad" : "sr-only"}>
        {state === "copied" ? "Copied" : state === "refused" ? "Copying was refused" : ""}
      </span>
    </span>
  );
}

export interface AddressTextProps {
  address: string;
  /** for the copy button's name, default "address" */
  label?: string;
  className?: string;
}

export function AddressText({ address, label = "address", className }: AddressTextProps) {
  return (
    <CopyText label={`${label} ${shortAddress(address)}`} text={address}>
      <span className={classes("font-mono text-[0.925em] whitespace-nowrap", className)} title={address}>
        {shortAddress(address)}
      </span>
    </CopyText>
  );
}

/** One clock for all: the text of every relative time changes together, once a second. */
const ticks = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let nowMs = Date.now();

function subscribe(listener: () => void): () => void {
  ticks.add(listener);
  timer ??= setInterval(() => {
    nowMs = Date.now();
    for (const tick of ticks) tick();
  }, 1000);
  return () => {
    ticks.delete(listener);
    if (ticks.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time now in whole seconds of this page, in ms since 1970; renders once a second. */
export function useNowMs(): number {
  return useSyncExternalStore(subscribe, () => nowMs);
}

export interface RelativeTimeProps {
  ms: number;
  /** it has happened, whatever a clock that is ahead of this one says */
  isPast?: boolean;
}

/** "12 s ago", "in 3 min"; the exact time on hover. */
export function RelativeTime({ ms, isPast = false }: RelativeTimeProps) {
  const now = useNowMs();
  return (
    <time className="tabular whitespace-nowrap" dateTime={new Date(ms).toISOString()} title={new Date(ms).toLocaleString()}>
      {formatRelative(isPast ? Math.min(0, ms - now) : ms - now)}
    </time>
  );
}

export function Duration({ ms }: { ms: number }) {
  return <span className="tabular whitespace-nowrap">{formatDuration(ms)}</span>;
}
