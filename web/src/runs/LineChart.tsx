/** One line over steps, drawn by uPlot on a canvas. What it shows stands in words beside it and in a table. */
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useTheme } from "../lib/theme.ts";
import type { Series } from "./chartData.ts";

const HEIGHT_PX = 224;

export interface LineChartProps {
  series: Series;
  /** the same smoothed; null: the line alone */
  trend: Series | null;
  /** name of the CSS variable */
  colour: string;
  format: (value: number) => string;
  /** in words, for who does not see it */
  label: string;
}

export default function LineChart({ series, trend, colour, format, label }: LineChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const theme = useTheme();
  const hasTrend = trend !== null;
  const newest = useRef({ series, trend });
  newest.current = { series, trend };

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const style = getComputedStyle(document.documentElement);
    const ink = (name: string): string => style.getPropertyValue(name).trim();
    const font = `12px ${style.fontFamily}`;
    const axis = { stroke: ink("--muted"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line"), width: 1 }, font };
    const line = ink(colour);
    const plot = new uPlot(
      {
        width: Math.max(1, element.clientWidth),
        height: HEIGHT_PX,
        legend: { show: false },
        scales: { x: { time: false } },
        cursor: { drag: { x: false, y: false }, points: { size: 7 } },
        axes: [
          { ...axis, space: 64, values: (_, ticks) => ticks.map((step) => (Number.isInteger(step) ? step.toLocaleString("en-US") : "")) },
          { ...axis, size: 58, values: (_, ticks) => ticks.map(format) },
        ],
        series: [
          {},
          { stroke: line, width: hasTrend ? 1 : 2, alpha: hasTrend ? 0.4 : 1, points: { show: false } },
          ...(hasTrend ? [{ stroke: line, width: 2, points: { show: false } }] : []),
        ],
        plugins: [tooltip(format)],
      },
      dataOf(newest.current),
      element,
    );
    chart.current = plot;
    const resized = new ResizeObserver(() => plot.setSize({ width: Math.max(1, element.clientWidth), height: HEIGHT_PX }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
      chart.current = null;
    };
  }, [theme, colour, format, hasTrend]);

  useEffect(() => chart.current?.setData(dataOf({ series, trend })), [series, trend]);

  return <div aria-label={label} className="relative h-56 w-full overflow-hidden" ref={box} role="img" />;
}

function dataOf({ series, trend }: Pick<LineChartProps, "series" | "trend">): uPlot.AlignedData {
  if (trend === null) return [series.map(({ x }) => x), series.map(({ y }) => y)];
  return uPlot.join([
    [series.map(({ x }) => x), series.map(({ y }) => y)],
    [trend.map(({ x }) => x), trend.map(({ y }) => y)],
  ]);
}

/** Step and value under the pointer. */
function tooltip(format: (value: number) => string): uPlot.Plugin {
  const tip = document.createElement("div");
  tip.className =
    "pointer-events-none absolute top-1 right-1 hidden rounded-md border border-line bg-surface px-2 py-1 text-xs tabular shadow-raised";
  return {
    hooks: {
      init: (plot) => void plot.over.append(tip),
      setCursor: (plot) => {
        const index = plot.cursor.idx ?? null;
        const value = index === null ? null : (plot.data[1]?.[index] ?? plot.data[2]?.[index] ?? null);
        tip.classList.toggle("hidden", value === null);
        if (index !== null && value !== null) tip.textContent = `step ${plot.data[0]![index]!.toLocaleString("en-US")}: ${format(value)}`;
      },
    },
  };
}
