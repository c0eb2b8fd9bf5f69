/** A draft as the wizard edits it: every change is kept, so that a closed tab loses nothing. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Draft } from "./drafts/draft.ts";
import { drafts, onOtherTab, withSent } from "./drafts/draftStore.ts";

const SAVE_AFTER_MS = 300;

export interface DraftHandle {
  draft: Draft;
  change(change: Partial<Draft> | ((draft: Draft) => Partial<Draft>)): void;
  /** writes now; a step that was sent must not be forgotten */
  save(change: Partial<Draft> | ((draft: Draft) => Partial<Draft>)): void;
  /** false: the browser keeps nothing, and the draft ends with the page */
  isKept: boolean;
  /** what another tab has made of this draft since: nothing is written here until one of the two is chosen */
  theirs: Draft | null;
  /** writes what is here over what the other tab wrote; what it has sent stays */
  keepOurs(): void;
}

export function useDraft(loaded: Draft): DraftHandle {
  const [draft, setDraft] = useState(loaded);
  const [isKept, setKept] = useState(true);
  const newest = useRef(loaded);
  const [theirs, setTheirs] = useState<Draft | null>(null);
  /** updatedMs of what was read or written here last */
  const over = useRef(loaded.updatedMs);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const write = useCallback((): void => {
    clearTimeout(timer.current);
    timer.current = undefined;
    const written = drafts().write(newest.current, over.current);
    if (written.kind === "overtaken") return setTheirs(written.theirs);
    over.current = newest.current.updatedMs;
    setKept(written.kind === "kept");
  }, []);
  const apply = useCallback((change: Partial<Draft> | ((draft: Draft) => Partial<Draft>)) => {
    const before = newest.current;
    const next = { ...before, ...(typeof change === "function" ? change(before) : change) };
    // a second tab that only shows the draft writes nothing
    if (JSON.stringify(next) === JSON.stringify(before)) return;
    // two versions are never of the same moment
    const updatedMs = Math.max(Date.now(), before.updatedMs + 1);
    newest.current = { ...next, updatedMs };
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
      // another tab's words stay, and what was sent from here is added to them: a second token would cost twice
      const { id, updatedMs, sent } = newest.current;
      const stored = drafts().read(id);
      if (stored !== null && stored.updatedMs !== updatedMs) drafts().write(withSent(stored, sent, Date.now()), null);
    },
    [apply, write],
  );
  const keepOurs = useCallback(() => {
    const stored = drafts().read(loaded.id);
    apply(stored === null ? {} : { sent: withSent(newest.current, stored.sent, 0).sent });
    over.current = stored?.updatedMs ?? over.current;
    write();
    setTheirs(null);
  }, [apply, loaded.id, write]);
  useEffect(() => onOtherTab(loaded.id, setTheirs), [loaded.id]);
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
  return { draft, change, save, isKept, theirs, keepOurs };
}
