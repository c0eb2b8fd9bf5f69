/** A draft as the wizard edits it: every change is kept, so that a closed tab loses nothing. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Draft } from "./drafts/draft.ts";
import { drafts } from "./drafts/draftStore.ts";

const SAVE_AFTER_MS = 300;

export interface DraftHandle {
  draft: Draft;
  change(change: Partial<Draft> | ((draft: Draft) => Partial<Draft>)): void;
  /** writes now; a step that was sent must not be forgotten */
  save(change: Partial<Draft> | ((draft: Draft) => Partial<Draft>)): void;
  /** false: the browser keeps nothing, and the draft ends with the page */
  isKept: boolean;
}

export function useDraft(loaded: Draft): DraftHandle {
  const [draft, setDraft] = useState(loaded);
  const [isKept, setKept] = useState(true);
  const newest = useRef(loaded);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const write = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = undefined;
    setKept(drafts().write(newest.current));
  }, []);
  const apply = useCallback((change: Partial<Draft> | ((draft: Draft) => Partial<Draft>)) => {
    const before = newest.current;
    newest.current = { ...before, ...(typeof change === "function" ? change(before) : change), updatedMs: Date.now() };
    setDraft(newest.current);
  }, []);
  const change = useCallback(
    (next: Parameters<DraftHandle["change"]>[0]) => {
      apply(next);
      timer.current ??= setTimeout(write, SAVE_AFTER_MS);
    },
    [apply, write],
  );
  const save = useCallback(
    (next: Parameters<DraftHandle["save"]>[0]) => {
      apply(next);
      write();
    },
    [apply, write],
  );
  useEffect(() => {
    // a tab that is closed or hidden on a phone gets no other chance
    const flush = (): void => {
      if (timer.current !== undefined) write();
    };
    addEventListener("pagehide", flush);
    return () => {
      removeEventListener("pagehide", flush);
      flush();
    };
  }, [write]);
  return { draft, change, save, isKept };
}
