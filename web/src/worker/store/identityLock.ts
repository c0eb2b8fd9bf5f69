import { TabError } from "../failure.ts";

/**
 * Two tabs with one identity would sign against each other. Resolves to how to let go of it; the browser does when the tab is gone.
 * Errors: TabError identity-in-use, and the browser's where it has no locks for this page.
 */
export async function lockIdentity(key: string): Promise<() => void> {
  const held = Promise.withResolvers<void>();
  const taken = Promise.withResolvers<boolean>();
  const request = navigator.locks.request(`starling identity ${key}`, { ifAvailable: true }, (lock) => {
    taken.resolve(lock !== null);
    return lock === null ? undefined : held.promise;
  });
  // a browser that gives no locks to this page says so here, or nowhere
  request.catch(taken.reject);
  if (await taken.promise) return () => held.resolve();
  throw new TabError("identity-in-use", "another tab of this browser trains in this run already: look for it, or close it and begin here");
}
