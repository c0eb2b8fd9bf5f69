/** Reads config.json, then shows the pages under one layout. */
import { Suspense, useEffect, useState, type ReactNode } from "react";
import { HashRouter, Route, Routes } from "react-router";
import { loadRuntimeConfig, RuntimeConfigContext, type RuntimeConfig } from "../lib/runtimeConfig.ts";
import { ReviewHost } from "../chain/ReviewHost.tsx";
import { WalletHost } from "../wallet/WalletHost.tsx";
import { FailureAlert } from "./FailureAlert.tsx";
import { Layout, PageWait } from "./Layout.tsx";
import { NotFoundPage } from "./NotFoundPage.tsx";
import { ROUTES } from "./routes.ts";

export function App() {
  return (
    <HashRouter>
      <Configured>
        <Routes>
          <Route element={<Layout />}>
            {ROUTES.map(({ path, title, Page }) => (
              <Route
                element={
                  <Suspense fallback={<PageWait />}>
                    <title>{`${title} · Starling`}</title>
                    <Page />
                  </Suspense>
                }
                key={path}
                path={path}
              />
            ))}
            <Route element={<NotFoundPage />} path="*" />
          </Route>
        </Routes>
        <WalletHost />
        <ReviewHost />
      </Configured>
    </HashRouter>
  );
}

/** What the newest attempt that ended came to. */
interface Loaded {
  attempt: number;
  config?: RuntimeConfig;
  error?: unknown;
}

function Configured({ children }: { children: ReactNode }) {
  const [attempt, setAttempt] = useState(1);
  const [loaded, setLoaded] = useState<Loaded>({ attempt: 0 });
  useEffect(() => {
    const leaving = new AbortController();
    loadRuntimeConfig(leaving.signal).then(
      (config) => setLoaded({ attempt, config }),
      (error: unknown) => leaving.signal.aborted || setLoaded({ attempt, error }),
    );
    return () => leaving.abort();
  }, [attempt]);
  if (loaded.config) return <RuntimeConfigContext value={loaded.config}>{children}</RuntimeConfigContext>;
  if (loaded.error === undefined) return <main aria-busy="true" />;
  return (
    <main className="mx-auto max-w-2xl p-4 pt-16">
      <title>Starling</title>
      <h1 className="mb-4 text-2xl font-semibold">Starling</h1>
      <FailureAlert
        busy={loaded.attempt < attempt}
        button="Try again"
        error={loaded.error}
        onPress={() => setAttempt(loaded.attempt + 1)}
        title="This page does not know where to look"
      />
    </main>
  );
}
