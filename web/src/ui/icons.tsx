/** Line icons on a 20 px grid, drawn in the text's colour and hidden from screen readers: a word always stands beside them. */
import type { ReactNode } from "react";
import { classes } from "./classes.ts";

export interface IconProps {
  className?: string;
}

function icon(drawing: ReactNode) {
  return function Icon({ className }: IconProps) {
    return (
      <svg
        aria-hidden="true"
        className={classes("size-5 shrink-0", className)}
        fill="none"
        stroke="currentColor"
        strokeLinecap="round"
        strokeLinejoin="round"
        strokeWidth="1.6"
        viewBox="0 0 20 20"
      >
        {drawing}
      </svg>
    );
  };
}

export const CheckIcon = icon(<path d="m4.5 10.5 3.5 3.5 7.5-8" />);
export const CloseIcon = icon(<path d="m5 5 10 10M15 5 5 15" />);
export const CopyIcon = icon(
  <>
    <rect x="7" y="7" width="9" height="9" rx="2" />
    <path d="M13 7V5.500A1.5 1.5 0 0 0 11.5 4h-6A1.5 1.5 0 0 0 4 5.500v6A1.5 1.5 0 0 0 5.5 13H7" />
  </>,
);
export const SunIcon = icon(
  <>
    <circle cx="10" cy="10" r="3.2" />
    <path d="M10 2.500v1.600M10 15.900v1.600M2.5 10h1.600M15.9 10h1.600M4.7 4.700l1.1 1.100M14.2 14.200l1.1 1.100M4.7 15.300l1.1-1.100M14.2 5.800l1.1-1.1" />
  </>,
);
export const MoonIcon = icon(<path d="M16 11.600A6.5 6.5 0 0 1 8.4 4a6.5 6.5 0 1 0 7.6 7.600Z" />);
export const WalletIcon = icon(
  <>
    <path d="M15 6.500V5a1.5 1.5 0 0 0-1.5-1.500h-9A1.5 1.5 0 0 0 3 5v10a1.5 1.5 0 0 0 1.5 1.500h11A1.5 1.5 0 0 0 17 15V8a1.5 1.5 0 0 0-1.5-1.500h-11" />
    <path d="M13.5 11.500h.01" />
  </>,
);
export const InfoIcon = icon(
  <>
    <circle cx="10" cy="10" r="7" />
    <path d="M10 9.500v4M10 6.700h.01" />
  </>,
);
export const WarnIcon = icon(<path d="M10 3.2 2.8 15.800h14.400L10 3.200ZM10 8.500v3.200M10 13.900h.01" />);
export const BadIcon = icon(
  <>
    <circle cx="10" cy="10" r="7" />
    <path d="m7.7 7.7 4.6 4.600M12.3 7.700l-4.6 4.6" />
  </>,
);
export const GoodIcon = icon(
  <>
    <circle cx="10" cy="10" r="7" />
    <path d="m7 10.3 2.1 2.100L13.2 8" />
  </>,
);
export const ChevronDownIcon = icon(<path d="m5.5 8 4.5 4.500L14.5 8" />);
export const ArrowRightIcon = icon(<path d="M4 10h12M11.5 5.5 16 10l-4.5 4.5" />);
export const ExternalIcon = icon(
  <path d="M11.5 4H16v4.500M16 4l-7 7M13.5 11.500V15A1 1 0 0 1 12.5 16h-8a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1H8" />,
);
