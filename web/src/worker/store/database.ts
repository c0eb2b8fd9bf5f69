/** The page's own store in this browser: IndexedDB `starling`. Keys that nothing can read are kept as the browser's key objects. */

const NAME = "starling";
const VERSION = 1;
export const IDENTITIES = "identities";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => request.result.createObjectStore(IDENTITIES, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () =>
      reject(
        new Error(`this browser keeps nothing for this page (${request.error?.message ?? "IndexedDB failed"}): allow it to store data`),
      );
    request.onblocked = () => reject(new Error("another tab holds an older version of this page's store: close it"));
  });
}

/** One transaction; resolves when it is on the disk. Errors: the browser's, with a sentence. */
export async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(IDENTITIES, mode, { durability: "strict" });
      const request = work(transaction.objectStore(IDENTITIES));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () =>
        reject(new Error(`this browser could not keep the page's data: ${transaction.error?.message ?? "the transaction was given up"}`));
    });
  } finally {
    database.close();
  }
}
