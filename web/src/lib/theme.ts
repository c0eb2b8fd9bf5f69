/** Light or dark: the system's scheme until the reader chooses; the choice is kept in localStorage. */
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";
const KEY = "starling.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

/** null: storage is refused (private window), or nothing was chosen */
function chosen(): Theme | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : null;
  } catch {
    return null;
  }
}

let override = chosen();

const inForce = (): Theme => override ?? (dark.matches ? "dark" : "light");

function apply(): void {
  document.documentElement.dataset.theme = inForce();
  for (const listener of listeners) listener();
}

/** Before the first render, once. */
export function startTheme(): void {
  dark.addEventListener("change", apply);
  apply();
}

export function setTheme(theme: Theme): void {
  override = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // the choice then lasts as long as the page
  }
  apply();
}

/** The scheme in force; renders when it changes. Canvas charts read their colours anew then. */
export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, inForce);
}
