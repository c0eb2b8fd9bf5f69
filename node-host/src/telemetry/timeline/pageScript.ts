/** The page's own script, plain JavaScript of a browser: it draws what `timelineJson` made. Nothing in it is of Node. */
export const pageScript = String.raw`
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const lanes = document.getElementById("lanes"), fall = document.getElementById("waterfall"), tip = document.getElementById("tip");
const LEFT = 110, LOSS = 110, LENGTHS = 44, LANE = 24, AXIS = 22;
const rounds = data.rounds, median = data.medianRoundMs || 1;
const ends = rounds.map((r, i) => r.startMs + (r.lengthMs ?? ((rounds[i + 1] ? rounds[i + 1].startMs : data.toMs) - r.startMs)));
const all = [data.fromMs, Math.max(data.toMs, data.fromMs + 1)];
let view = all.slice(), chosen = rounds.length ? slowest() : -1;
function slowest() { let best = 0; rounds.forEach((r, i) => { if ((r.lengthMs ?? 0) > (rounds[best].lengthMs ?? 0)) best = i; }); return best; }
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const duration = (ms) => ms < 1000 ? Math.round(ms) + " ms" : ms < 60000 ? (ms / 1000).toFixed(1) + " s" : Math.floor(ms / 60000) + " min " + Math.floor(ms / 1000 % 60) + " s";
const clock = (ms, fine) => new Date(ms).toISOString().slice(11, fine ? 23 : 19);
function fit(canvas, height) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = height + "px"; canvas.width = width * scale; canvas.height = height * scale;
  const g = canvas.getContext("2d"); g.setTransform(scale, 0, 0, scale, 0, 0); g.clearRect(0, 0, width, height); g.font = "12px system-ui, sans-serif";
  return { g, width };
}
function firstVisible() { let low = 0, high = rounds.length; while (low < high) { const mid = (low + high) >> 1; if (ends[mid] < view[0]) low = mid + 1; else high = mid; } return low; }
function ticks(g, x, from, to, y, height, label) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5].find((s) => (to - from) / s < 10) || 864e5;
  g.strokeStyle = css("line"); g.fillStyle = css("dim");
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) { g.beginPath(); g.moveTo(x(t), y); g.lineTo(x(t), y + height); g.stroke(); g.fillText(label(t, step), x(t) + 3, y + 13); }
}
function draw() {
  const height = AXIS + LOSS + LENGTHS + data.nodes.length * LANE + 8;
  const { g, width } = fit(lanes, height);
  const x = (t) => LEFT + (t - view[0]) / (view[1] - view[0]) * (width - LEFT - 8);
  ticks(g, x, view[0], view[1], 0, height, (t, step) => clock(t, step < 1000));
  g.save(); g.beginPath(); g.rect(LEFT, 0, width - LEFT - 8, height); g.clip();
  const from = firstVisible(); let to = from; while (to < rounds.length && rounds[to].startMs <= view[1]) to++;
  const shown = rounds.slice(from, to), losses = shown.map((r) => r.loss).filter((l) => l !== null);
  const high = Math.max(...losses), low = Math.min(...losses), y = (l) => AXIS + 8 + (high - l) / Math.max(1e-9, high - low) * (LOSS - 18);
  g.strokeStyle = css("loss"); g.lineWidth = 1.5; g.beginPath();
  let open = false; shown.forEach((r) => { if (r.loss === null) return; open ? g.lineTo(x(r.startMs), y(r.loss)) : g.moveTo(x(r.startMs), y(r.loss)); open = true; });
  g.stroke(); g.fillStyle = css("loss");
  const startOf = new Map(shown.map((r) => [r.step, r.startMs]));
  data.nodes.forEach((n) => n.heldOut.forEach((h) => { const t = startOf.get(h.step); if (t !== undefined && h.loss >= low && h.loss <= high) { g.beginPath(); g.arc(x(t), y(h.loss), 3, 0, 7); g.fill(); } }));
  const base = AXIS + LOSS + LENGTHS - 4;
  shown.forEach((r, i) => {
    const lasts = r.lengthMs ?? 0, tall = Math.min(1, lasts / (4 * median)) * (LENGTHS - 8), w = Math.max(1, x(ends[from + i]) - x(r.startMs) - 0.5);
    g.fillStyle = lasts > 1.5 * median ? css("late") : css("dim"); g.fillRect(x(r.startMs), base - tall, w, tall);
    if (from + i === chosen) { g.fillStyle = css("loss"); g.globalAlpha = 0.18; g.fillRect(x(r.startMs), AXIS, Math.max(2, w), height); g.globalAlpha = 1; }
  });
  data.nodes.forEach((n, row) => {
    const top = AXIS + LOSS + LENGTHS + row * LANE + 4, h = LANE - 8, bar = (a, b, colour, inset = 0) => { g.fillStyle = css(colour); g.fillRect(x(a), top + inset, Math.max(1, x(b) - x(a)), h - 2 * inset); };
    shown.forEach((r, i) => {
      if (n.isCoordinator) { bar(r.startMs, ends[from + i] - (ends[from + i] - r.startMs) * 0.08, "waited"); return; }
      const own = r.nodes.find((o) => o.node === n.node); if (!own) return;
      const slow = (r.lengthMs ?? 0) > 1.5 * median, end = ends[from + i];
      if (own.beganMs !== null) bar(r.startMs + own.beganMs, end, "waited", 3);
      if (own.behindMs !== null) bar(r.startMs + own.behindMs, own.beganMs === null ? end : r.startMs + own.beganMs, "behind");
      if (own.trainedMs !== null) bar(r.startMs + own.trainedMs - (own.trainMs ?? 0), r.startMs + own.trainedMs, slow ? "late" : "trained");
    });
    n.notes.forEach((note) => { if (note.toMs < view[0] || note.atMs > view[1]) return;
      if (note.kind === "died") bar(note.atMs, note.toMs, "down"); else if (note.kind === "frozen") bar(note.atMs, note.toMs, "still");
      else if (note.kind !== "started") { g.fillStyle = css("ink"); g.beginPath(); g.arc(x(note.atMs), top + h / 2, 3, 0, 7); g.fill(); } });
  });
  g.restore(); g.fillStyle = css("ink");
  if (losses.length) { g.fillText("loss " + high.toFixed(3), 8, AXIS + 14); g.fillText(low.toFixed(3), 36, AXIS + LOSS - 6); }
  g.fillText("round length", 8, base - LENGTHS / 2 + 4);
  data.nodes.forEach((n, row) => g.fillText(n.node.length > 15 ? n.node.slice(0, 14) + "…" : n.node, 8, AXIS + LOSS + LENGTHS + row * LANE + 19));
  drawRound();
}
function drawRound() {
  const r = rounds[chosen]; if (!r) { fit(fall, 30); return; }
  const clients = data.nodes.filter((n) => !n.isCoordinator), { g, width } = fit(fall, AXIS + clients.length * LANE + 10);
  const length = Math.max(1, r.lengthMs ?? ends[chosen] - r.startMs, ...r.nodes.map((o) => o.downloadsSentMs ?? 0)), x = (t) => LEFT + t / length * (width - LEFT - 70);
  ticks(g, x, 0, length, 0, AXIS + clients.length * LANE, (t) => duration(t));
  document.getElementById("roundTitle").textContent = "Step " + r.step + ", epoch " + r.epoch + ": " + duration(length) + (r.loss === null ? "" : ", loss " + r.loss.toFixed(3)) + ", " + r.tokens + " tokens, " + r.nodes.filter((o) => o.trainedMs !== null).length + " batches";
  if (r.witnessMs !== null) { g.strokeStyle = css("ink"); g.setLineDash([4, 3]); g.beginPath(); g.moveTo(x(r.witnessMs), 0); g.lineTo(x(r.witnessMs), AXIS + clients.length * LANE); g.stroke(); g.setLineDash([]); g.fillStyle = css("dim"); g.fillText("results are in", x(r.witnessMs) + 4, AXIS + clients.length * LANE + 6); }
  clients.forEach((n, row) => {
    const top = AXIS + row * LANE + 4, h = LANE - 9, own = r.nodes.find((o) => o.node === n.node); g.fillStyle = css("ink"); g.fillText(n.node.slice(0, 15), 8, top + 12);
    if (!own) { g.fillStyle = css("dim"); g.fillText("took no part", LEFT + 4, top + 12); return; }
    const bar = (a, b, colour) => { g.fillStyle = css(colour); g.fillRect(x(Math.max(0, a)), top, Math.max(1.5, x(b) - x(Math.max(0, a))), h); };
    const mark = (t, text) => { if (t === null) return; g.fillStyle = css("ink"); g.fillRect(x(t) - 1, top - 2, 2, h + 4); g.font = "10px system-ui"; g.fillText(text, x(t) + 3, top + 11); g.font = "12px system-ui, sans-serif"; };
    if (own.behindMs !== null) bar(own.behindMs, own.beganMs ?? length, "behind");
    if (own.beganMs !== null) bar(own.beganMs, own.downloadsSentMs ?? own.witnessSentMs ?? length, "waited");
    if (own.trainedMs !== null) bar(own.trainedMs - (own.trainMs ?? 0), own.trainedMs, "trained");
    mark(own.announcedMs, "sent"); mark(own.witnessSentMs, "list"); mark(own.downloadsSentMs, "has all");
  });
}
const timeAt = (event) => view[0] + (event.offsetX - LEFT) / Math.max(1, lanes.clientWidth - LEFT - 8) * (view[1] - view[0]);
const roundAt = (t) => { for (let i = 0; i < rounds.length; i++) if (t >= rounds[i].startMs && t < ends[i]) return i; return -1; };
function zoom(factor, centre) { const span = Math.min(all[1] - all[0], Math.max(20, (view[1] - view[0]) * factor)), share = (centre - view[0]) / (view[1] - view[0]); move(centre - span * share, span); }
function move(start, span) { start = Math.max(all[0], Math.min(all[1] - span, start)); view = [start, start + span]; requestAnimationFrame(draw); }
lanes.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(e.deltaY * 0.0015), timeAt(e)); }, { passive: false });
let held = null;
lanes.addEventListener("pointerdown", (e) => { held = { at: e.offsetX, view: view.slice(), moved: false }; lanes.setPointerCapture(e.pointerId); });
lanes.addEventListener("pointermove", (e) => {
  const span = view[1] - view[0];
  if (held) { const by = (e.offsetX - held.at) / Math.max(1, lanes.clientWidth - LEFT - 8) * span; if (Math.abs(e.offsetX - held.at) > 3) held.moved = true; if (held.moved) move(held.view[0] - by, span); }
  const t = timeAt(e), r = rounds[roundAt(t)], row = Math.floor((e.offsetY - AXIS - LOSS - LENGTHS) / LANE), n = data.nodes[row], lines = [clock(t, true)];
  if (r) lines.push("step " + r.step + " (epoch " + r.epoch + "), " + (r.lengthMs === null ? "not over" : duration(r.lengthMs)) + (r.loss === null ? "" : ", loss " + r.loss.toFixed(3)));
  if (n) { lines.push(n.node); const own = r && r.nodes.find((o) => o.node === n.node); if (own && own.trainMs !== null) lines.push("trained in " + duration(own.trainMs)); if (own && own.behindMs !== null) lines.push("was behind");
    n.notes.filter((o) => o.kind !== "started" && t >= o.atMs - span / 200 && t <= o.toMs + span / 200).slice(0, 4).forEach((o) => lines.push(o.kind + ": " + o.text)); }
  tip.textContent = lines.join("\n"); tip.style.display = "block"; tip.style.left = Math.min(e.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px"; tip.style.top = e.clientY + 14 + "px";
});
lanes.addEventListener("pointerup", (e) => { if (held && !held.moved) { const i = roundAt(timeAt(e)); if (i >= 0) { chosen = i; draw(); } } held = null; });
lanes.addEventListener("pointerleave", () => { tip.style.display = "none"; });
lanes.addEventListener("dblclick", () => { view = all.slice(); draw(); });
lanes.addEventListener("keydown", (e) => { const span = view[1] - view[0], middle = (view[0] + view[1]) / 2;
  if (e.key === "+" || e.key === "=") zoom(0.7, middle); else if (e.key === "-") zoom(1.4, middle); else if (e.key === "ArrowLeft") move(view[0] - span / 5, span); else if (e.key === "ArrowRight") move(view[0] + span / 5, span); else return; e.preventDefault(); });
addEventListener("resize", draw); matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
`;
