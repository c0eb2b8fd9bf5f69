/** Buttons and links that look like them: 40 px high, 44 px where a finger points. */
import type { ComponentProps, ReactNode } from "react";
import { Link, type LinkProps } from "react-router";
import { classes } from "./classes.ts";

export type ButtonVariant = "primary" | "secondary" | "danger" | "ghost";
export type ButtonSize = "normal" | "small";

const LOOK: Record<ButtonVariant, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-hover border-transparent",
  secondary: "bg-surface text-text border-line-strong/50 hover:border-line-strong hover:bg-sunken",
  danger: "bg-bad text-on-bad hover:bg-bad-hover border-transparent",
  ghost: "bg-transparent text-text border-transparent hover:bg-line/60",
};

const SIZE: Record<ButtonSize, string> = {
  normal: "min-h-10 px-4 text-[0.9375rem] pointer-coarse:min-h-11",
  small: "min-h-8 px-3 text-sm pointer-coarse:min-h-11",
};

function buttonClass(variant: ButtonVariant, size: ButtonSize, className?: string): string {
  return classes(
    "inline-flex items-center justify-center gap-2 rounded-lg border font-medium whitespace-nowrap select-none transition-colors",
    "disabled:pointer-events-none disabled:opacity-55 aria-busy:cursor-progress aria-busy:opacity-80",
    LOOK[variant],
    SIZE[size],
    className,
  );
}

export interface ButtonProps extends ComponentProps<"button"> {
  variant?: ButtonVariant;
  size?: ButtonSize;
  /** something is under way: the button keeps its width and focus, shows a spinner and ignores presses */
  busy?: boolean;
}

export function Button({
  variant = "secondary",
  size = "normal",
  busy = false,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      className={buttonClass(variant, size, className)}
      // a busy submit button must not submit twice; it stays focusable, so focus is not lost meanwhile
      onClick={busy ? (event) => event.preventDefault() : onClick}
      type={type}
    >
      {busy && <Spinner />}
      {children}
    </button>
  );
}

export interface LinkButtonProps extends LinkProps {
  variant?: ButtonVariant;
  size?: ButtonSize;
  children: ReactNode;
}

export function LinkButton({ variant = "secondary", size = "normal", className, ...rest }: LinkButtonProps) {
  return <Link {...rest} className={buttonClass(variant, size, className)} />;
}

export function Spinner({ className }: { className?: string }) {
  return (
    <svg aria-hidden="true" className={classes("size-4 shrink-0 animate-spin", className)} fill="none" viewBox="0 0 16 16">
      <circle cx="8" cy="8" r="6.2" stroke="currentColor" strokeOpacity="0.25" strokeWidth="2" />
      <path d="M14.2 8A6.2 6.2 0 0 0 8 1.8" stroke="currentColor" strokeLinecap="round" strokeWidth="2" />
    </svg>
  );
}
