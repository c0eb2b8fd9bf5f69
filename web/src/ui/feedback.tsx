/** What is said to the reader: badges, alerts, progress. A tone is a word and a shape too, never a colour alone. */
import type { ReactNode } from "react";
import { classes } from "./classes.ts";
import { BadIcon, GoodIcon, InfoIcon, WarnIcon, type IconProps } from "./icons.tsx";

export type Tone = "neutral" | "good" | "warn" | "bad" | "info";

const BADGE: Record<Tone, string> = {
  neutral: "bg-sunken text-muted border-line",
  good: "bg-good-soft text-good border-transparent",
  warn: "bg-warn-soft text-warn border-transparent",
  bad: "bg-bad-soft text-bad border-transparent",
  info: "bg-info-soft text-info border-transparent",
};

export interface BadgeProps {
  tone?: Tone;
  children: ReactNode;
}

export function Badge({ tone = "neutral", children }: BadgeProps) {
  return (
    <span
      className={classes(
        "inline-flex items-center gap-1 rounded-full border px-2 py-0.5 text-xs font-medium whitespace-nowrap",
        BADGE[tone],
      )}
    >
      {children}
    </span>
  );
}

export const TONE_ICON: Record<Tone, (props: IconProps) => ReactNode> = {
  neutral: InfoIcon,
  good: GoodIcon,
  warn: WarnIcon,
  bad: BadIcon,
  info: InfoIcon,
};

const TEXT: Record<Tone, string> = { neutral: "text-muted", good: "text-good", warn: "text-warn", bad: "text-bad", info: "text-info" };
const BOX: Record<Tone, string> = {
  neutral: "border-line bg-sunken",
  good: "border-good/35 bg-good-soft",
  warn: "border-warn/35 bg-warn-soft",
  bad: "border-bad/35 bg-bad-soft",
  info: "border-info/35 bg-info-soft",
};

export interface AlertProps {
  tone?: Tone;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
}

/** Read out when it appears: at once where something is wrong, else when the reader pauses. */
export function Alert({ tone = "info", title, children, action }: AlertProps) {
  const Icon = TONE_ICON[tone];
  return (
    <div className={classes("flex gap-3 rounded-lg border p-3 sm:px-4", BOX[tone])} role={tone === "bad" ? "alert" : "status"}>
      <Icon className={classes("mt-px", TEXT[tone])} />
      <div className="flex min-w-0 grow flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0">
          <p className="font-medium">{title}</p>
          {children !== undefined && <div className="mt-0.5 text-sm break-words">{children}</div>}
        </div>
        {action !== undefined && <div className="flex flex-wrap gap-2">{action}</div>}
      </div>
    </div>
  );
}

export interface ProgressBarProps {
  /** null: under way, how far is not known */
  value: number | null;
  max?: number;
  label: string;
  /** words beside the bar; default: percent */
  text?: ReactNode;
  hideLabel?: boolean;
}

export function ProgressBar({ value, max = 1, label, text, hideLabel = false }: ProgressBarProps) {
  const share = value === null || max <= 0 ? null : Math.min(1, Math.max(0, value / max));
  const percent = share === null ? null : Math.floor(share * 100);
  return (
    <div>
      {!hideLabel && (
        <div className="mb-1 flex justify-between gap-4 text-sm">
          <span>{label}</span>
          <span className="tabular text-muted">{text ?? (percent === null ? "" : `${percent} %`)}</span>
        </div>
      )}
      <div
        aria-label={label}
        aria-valuemax={100}
        aria-valuemin={0}
        aria-valuenow={percent ?? undefined}
        className="h-2 overflow-hidden rounded-full bg-line"
        role="progressbar"
      >
        <div
          className={classes(
            "h-full origin-left rounded-full bg-accent transition-transform duration-300",
            share === null && "w-1/3 animate-pulse",
          )}
          style={share === null ? undefined : { transform: `scaleX(${share})` }}
        />
      </div>
    </div>
  );
}
