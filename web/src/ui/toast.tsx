/** Short notes that pass: said in a live region that is always there, gone after a while unless something is wrong. */
import { useSyncExternalStore, type ReactNode } from "react";
import { classes } from "./classes.ts";
import { TONE_ICON, type Tone } from "./feedback.tsx";
import { CloseIcon } from "./icons.tsx";

export interface Toast {
  tone?: Tone;
  title: ReactNode;
  text?: ReactNode;
}

interface Shown extends Toast {
  id: number;
}

const SHOWN_MS = 6000;
const MAX_SHOWN = 4;

let shown: readonly Shown[] = [];
let nextId = 0;
const listeners = new Set<() => void>();

function change(next: readonly Shown[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

const dismiss = (id: number) => change(shown.filter((toast) => toast.id !== id));

/** Also usable outside of components. What is bad stays until it is closed. */
export function showToast(toast: Toast): void {
  const id = nextId++;
  change([...shown, { ...toast, id }].slice(-MAX_SHOWN));
  if (toast.tone !== "bad") setTimeout(() => dismiss(id), SHOWN_MS);
}

const EDGE: Record<Tone, string> = {
  neutral: "text-muted",
  good: "text-good",
  warn: "text-warn",
  bad: "text-bad",
  info: "text-info",
};

/** Stands once in the layout. */
export function Toasts() {
  const toasts = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  return (
    <div
      aria-label="Notes"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-0 z-40 flex flex-col items-center gap-2 p-4 sm:items-end"
      role="log"
    >
      {toasts.map((toast) => {
        const tone = toast.tone ?? "neutral";
        const Icon = TONE_ICON[tone];
        return (
          <div
            className="pointer-events-auto flex w-full max-w-sm gap-3 rounded-xl border border-line bg-surface p-3 shadow-raised"
            key={toast.id}
          >
            <Icon className={classes("mt-px", EDGE[tone])} />
            <div className="min-w-0 grow">
              <p className="font-medium">{toast.title}</p>
              {toast.text !== undefined && <div className="text-sm break-words text-muted">{toast.text}</div>}
            </div>
            <button
              aria-label="Dismiss"
              className="grid size-7 shrink-0 place-items-center rounded-md text-muted hover:bg-sunken hover:text-text"
              onClick={() => dismiss(toast.id)}
              type="button"
            >
              <CloseIcon className="size-4" />
            </button>
          </div>
        );
      })}
    </div>
  );
}
