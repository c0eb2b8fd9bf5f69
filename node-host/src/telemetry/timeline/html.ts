/** The timeline as one page that needs no network: zoom with the wheel, drag, click a round for its waterfall. */
import { timelineJson } from "./json.ts";
import { pageScript } from "./pageScript.ts";
import type { Timeline } from "./timeline.ts";

/** Rounds times nodes: more make the page slow. `--from` and `--to` choose others. */
const MOST_CELLS = 100_000;

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2429; --dim: #66717a; --line: #d5dbe0; --paper: #fff; --panel: #f5f7f8;
  --trained: #2a9d62; --late: #e0a100; --waited: #a9cfbb; --behind: #e07a1f; --still: #8a63d2; --down: #cf3b3b; --loss: #2f6fd6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5eaee; --dim: #93a0aa; --line: #39434b; --paper: #14191d; --panel: #1c2329;
  --trained: #3fbd7c; --waited: #2f5a45; --loss: #6fa3ff; } }
body { margin: 0; font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header, main { padding: 12px 20px; } h1 { font-size: 18px; margin: 0 0 2px; } h2 { font-size: 15px; margin: 18px 0 6px; } p { margin: 0; color: var(--dim); }
canvas { display: block; width: 100%; border: 1px solid var(--line); border-radius: 6px; background: var(--panel); touch-action: none; }
#lanes { cursor: crosshair; } .legend span { display: inline-block; margin: 6px 14px 0 0; } .legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 5px; }
#tip { position: fixed; pointer-events: none; padding: 6px 9px; border-radius: 5px; background: var(--ink); color: var(--paper); font-size: 12px; white-space: pre; display: none; z-index: 2; }
table { border-collapse: collapse; } td { padding: 2px 12px 2px 0; vertical-align: top; } td:first-child { color: var(--dim); white-space: nowrap; } .bad td:last-child { color: var(--down); }
`;

const LEGEND = [
  ["trained", "trains"],
  ["late", "trains, in a slow round"],
  ["waited", "takes part, waits"],
  ["behind", "behind"],
  ["still", "stood still"],
  ["down", "down"],
  ["loss", "loss (dots: held-out)"],
] as const;

export function timelineHtml(timeline: Timeline): string {
  const data = timelineJson(timeline, Math.max(500, Math.floor(MOST_CELLS / timeline.nodes.length)));
  const left = timeline.rounds.length - data.rounds.length;
  const title = `run ${timeline.runId ?? "unknown"}, ${timeline.nodes.length} nodes, ${timeline.rounds.length} rounds`;
  // "<" cannot end the script element from inside a string
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
<header>
<h1>${escape(title)}</h1>
<p>${new Date(timeline.fromMs).toISOString()} to ${new Date(timeline.toMs).toISOString()}, by the clock of ${escape(timeline.reference)}.${left > 0 ? ` The newest ${data.rounds.length} rounds; ${left} earlier ones are left out, see --from and --to.` : ""}
Wheel or + and - zooms, dragging or the arrow keys move, a click on a round shows its waterfall, a double click shows all.</p>
<div class="legend">${LEGEND.map(([name, text]) => `<span><i style="background:var(--${name})"></i>${text}</span>`).join("")}</div>
</header>
<main>
<canvas id="lanes" tabindex="0" aria-label="What each node did, over time"></canvas>
<h2 id="roundTitle">Waterfall of a round</h2>
<canvas id="waterfall" aria-label="What each node did within the chosen round"></canvas>
<h2>Findings</h2>
<table>${data.findings
    .map(
      ({ level, atMs, sentence }) =>
        `<tr class="${level}"><td>${atMs === null ? "" : new Date(atMs).toISOString().slice(11, 19)}</td><td>${escape(sentence)}</td></tr>`,
    )
    .join("")}</table>
</main>
<div id="tip"></div>
<script type="application/json" id="data">${json}</script>
<script>${pageScript}</script>
</html>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
