/** Drafts in localStorage, one entry each, so that two tabs with two drafts do not overwrite one another. */
import { readDraft, type Draft } from "./draft.ts";

const PREFIX = "starling.draft.";

export interface DraftStore {
  /** newest first; entries that cannot be read are left alone and left out */
  list(): Draft[];
  read(id: string): Draft | null;
  /** false where the browser keeps nothing: storage full or refused */
  write(draft: Draft): boolean;
  remove(id: string): void;
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
    write(draft) {
      const text = JSON.stringify(draft);
      try {
        if (storage === null) throw new DOMException("no storage", "SecurityError");
        storage.setItem(PREFIX + draft.id, text);
        memory.delete(PREFIX + draft.id);
        return true;
      } catch {
        memory.set(PREFIX + draft.id, text);
        return false;
      }
    },
    remove(id) {
      memory.delete(PREFIX + id);
      storage?.removeItem(PREFIX + id);
    },
  };
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
