/**
 * Drafts in localStorage, one entry each, so that two tabs with two drafts do not overwrite one another. Two tabs with one draft: a
 * write names the version that it changes, and is refused where another tab has written since.
 */
import { readDraft, type Draft, type Sent } from "./draft.ts";

const PREFIX = "starling.draft.";

export interface DraftStore {
  /** newest first; entries that cannot be read are left alone and left out */
  list(): Draft[];
  read(id: string): Draft | null;
  /** `overMs`: updatedMs of the version that this changes, as it was read or written here; null: whatever is there */
  write(draft: Draft, overMs: number | null): Written;
  remove(id: string): void;
}

export type Written =
  | { kind: "kept" }
  /** the browser keeps nothing: storage full or refused */
  | { kind: "not-kept" }
  /** another tab has written since: nothing was written */
  | { kind: "overtaken"; theirs: Draft };

/** Their draft, with what either of the two has sent: that is on the chain, whoever's words stay. Ours goes first where both say. */
export function withSent(theirs: Draft, ours: Sent, nowMs: number): Draft {
  const { owner, mint, done } = theirs.sent;
  const sent: Sent = { owner: ours.owner ?? owner, mint: ours.mint ?? mint, done: [...new Set([...done, ...ours.done])] };
  return { ...theirs, sent, updatedMs: Math.max(nowMs, theirs.updatedMs + 1) };
}

/** `storage`: null where the browser refuses one (private windows); drafts then live as long as the page. */
export function draftStore(storage: Storage | null): DraftStore {
  const memory = new Map<string, string>();
  const keys = (): string[] => {
    const stored = storage === null ? [] : Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? "");
    return [...new Set([...stored.filter((key) => key.startsWith(PREFIX)), ...memory.keys()])];
  };
  const textOf = (key: string): string | null => memory.get(key) ?? storage?.getItem(key) ?? null;
  const draftOf = (key: string): Draft | null => {
    const text = textOf(key);
    return text === null ? null : readDraft(text);
  };
  return {
    list: () =>
      keys()
        .map(draftOf)
        .filter((draft) => draft !== null)
        .sort((a, b) => b.updatedMs - a.updatedMs),
    read: (id) => draftOf(PREFIX + id),
    write(draft, overMs) {
      const theirs = overMs === null ? null : draftOf(PREFIX + draft.id);
      if (theirs !== null && theirs.updatedMs !== overMs) return { kind: "overtaken", theirs };
      const text = JSON.stringify(draft);
      try {
        if (storage === null) throw new DOMException("no storage", "SecurityError");
        storage.setItem(PREFIX + draft.id, text);
        memory.delete(PREFIX + draft.id);
        return { kind: "kept" };
      } catch {
        memory.set(PREFIX + draft.id, text);
        return { kind: "not-kept" };
      }
    },
    remove(id) {
      memory.delete(PREFIX + id);
      storage?.removeItem(PREFIX + id);
    },
  };
}

/** Calls `heard` when another tab writes the draft; returns how to stop. */
export function onOtherTab(id: string, heard: (theirs: Draft) => void): () => void {
  const listen = ({ key, newValue }: StorageEvent): void => {
    const theirs = key === PREFIX + id && newValue !== null ? readDraft(newValue) : null;
    if (theirs !== null) heard(theirs);
  };
  addEventListener("storage", listen);
  return () => removeEventListener("storage", listen);
}

let shared: DraftStore | null = null;

/** The page's. */
export function drafts(): DraftStore {
  if (shared) return shared;
  try {
    shared = draftStore(localStorage);
  } catch {
    shared = draftStore(null);
  }
  return shared;
}
