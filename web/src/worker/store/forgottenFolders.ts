/** Which runs' tensors this browser need not keep any longer: each folder holds a whole model, and a run may never be trained here again. */

/** `<run> <16 hex digits of the peer id>`, as openTensorFolders names it; what else stands there is not ours to remove */
const OURS = /_20[0-9a-f]{16}$/;
/** unused for so long, a run is not being trained here any more; its model comes from the peers where it is after all */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
/** folders that stay, with the one that is opened: a quota is soon full of models */
const MOST_FOLDERS = 5;

export interface FolderAge {
  name: string;
  /** lastModified of its newest file, Unix ms; null: it has no file */
  newestMs: number | null;
}

/** Names to remove, never `opened`. Pure. */
export function forgottenFolders(folders: readonly FolderAge[], opened: string, nowMs: number): string[] {
  return folders
    .filter(({ name }) => name !== opened && OURS.test(name))
    .toSorted((a, b) => (b.newestMs ?? 0) - (a.newestMs ?? 0))
    .filter(({ newestMs }, at) => at >= MOST_FOLDERS - 1 || nowMs - (newestMs ?? 0) > KEPT_MS)
    .map(({ name }) => name);
}
