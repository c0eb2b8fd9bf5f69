/** What stands where the page will be. No script and no style, as the page's policy wants it; it loads itself anew. */
import type { PageState } from "./pageBuild.ts";

const RELOAD_SECONDS = 2;

export function waitingPage(state: PageState): { html: string; reloadSeconds: number | null } {
  const isFailed = state.type === "failed";
  const title = isFailed ? "The page could not be built" : "The page is being built";
  const text = isFailed
    ? `<p>The run goes on without it. What went wrong:</p><pre>${escaped(state.why)}</pre><p>Mend it and start again.</p>`
    : "<p>This takes about a minute, once. The run does not wait for it, and this page shows itself when it is done.</p>";
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title} - Starling</title><main><h1>${title}</h1>${text}</main></html>\n`;
  return { html, reloadSeconds: isFailed ? null : RELOAD_SECONDS };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
