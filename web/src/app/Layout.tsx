/** Header, navigation and the place where pages stand. */
import { useEffect, useRef } from "react";
import { Link, NavLink, Outlet, useLocation } from "react-router";
import { useRuntimeConfig } from "../lib/runtimeConfig.ts";
import { setTheme, useTheme } from "../lib/theme.ts";
import { classes, MoonIcon, Skeleton, SunIcon, Toasts } from "../ui/index.ts";
import { ConnectButton } from "../wallet/ConnectButton.tsx";
import { ErrorBoundary } from "./ErrorBoundary.tsx";

const PLACES = [
  { to: "/", label: "Runs" },
  { to: "/create", label: "Create" },
  { to: "/rewards", label: "Rewards" },
] as const;

export function Layout() {
  const { title, clusters } = useRuntimeConfig();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // a new page begins at its top, also for the keyboard; the first one is the browser's own business
    if (first.current) first.current = false;
    else {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }, [pathname]);
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        className="sr-only z-50 rounded-lg bg-accent px-4 py-2 text-on-accent focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
        href="#main"
        onClick={(event) => {
          // the address belongs to the router
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-surface/95 backdrop-blur">
        <div className="mx-auto flex max-w-7xl flex-wrap items-center gap-x-2 px-4 sm:h-15 sm:gap-x-6 sm:flex-nowrap sm:px-6 lg:px-8">
          <Link className="flex h-14 items-center gap-2 rounded-md text-lg font-semibold tracking-tight" to="/">
            <Mark />
            {title ?? "Starling"}
          </Link>
          <nav aria-label="Main" className="order-last -mx-1 w-full grow sm:order-none sm:mx-0 sm:w-auto">
            <ul className="flex gap-1 max-sm:-mt-1 max-sm:pb-1">
              {PLACES.map(({ to, label }) => (
                <li key={to}>
                  <NavLink
                    className={({ isActive }) =>
                      classes(
                        "flex min-h-9 items-center rounded-lg px-3 font-medium transition-colors pointer-coarse:min-h-11",
                        isActive ? "bg-accent-soft text-accent" : "text-muted hover:bg-line/60 hover:text-text",
                      )
                    }
                    end={to === "/"}
                    to={to}
                  >
                    {label}
                  </NavLink>
                </li>
              ))}
            </ul>
          </nav>
          <div className="ml-auto flex items-center gap-1 sm:gap-2">
            <ThemeButton />
            {clusters.length > 0 && <ConnectButton />}
          </div>
        </div>
      </header>
      <main className="mx-auto w-full max-w-7xl grow px-4 py-6 sm:px-6 sm:py-8 lg:px-8" id="main" ref={main} tabIndex={-1}>
        <ErrorBoundary at={pathname}>
          <Outlet />
        </ErrorBoundary>
      </main>
      <Toasts />
    </div>
  );
}

function Mark() {
  return (
    <svg aria-hidden="true" className="size-7 text-accent" fill="currentColor" viewBox="0 0 32 32">
      <path d="M2 14c6-.7 10 1 13 5.300C16.9 12.5 21.6 7.9 29.5 6.500c-3.2 2.3-4.9 5-5.7 8.2-1.5 6.5-6.2 11.2-13.8 12.6 2.6-1.7 3.9-3.6 3.9-5.500C13.9 17.6 8.3 14.7 2 14z" />
    </svg>
  );
}

function ThemeButton() {
  const theme = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      aria-label={`Switch to the ${other} scheme`}
      className="grid size-10 place-items-center rounded-lg text-muted hover:bg-line/60 hover:text-text pointer-coarse:size-11"
      onClick={() => setTheme(other)}
      type="button"
    >
      {theme === "dark" ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}

/** Stands while a page's chunk is on its way. */
export function PageWait() {
  return (
    <div aria-busy="true" aria-label="The page is loading" className="space-y-4" role="status">
      <Skeleton className="h-8 w-48" />
      <Skeleton className="h-40 w-full" />
      <Skeleton className="h-40 w-full" />
    </div>
  );
}
