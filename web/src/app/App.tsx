/** Reads config.json, then shows the pages under one layout. */
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { Suspense, type ReactNode } from "react";
import { HashRouter, Route, Routes } from "react-router";
import { loadRuntimeConfig, RuntimeConfigContext } from "../lib/runtimeConfig.ts";
import { ReviewDialog } from "../chain/ReviewDialog.tsx";
import { explain } from "../lib/explain.ts";
import { Alert, Button } from "../ui/index.ts";
import { WalletHost } from "../wallet/WalletHost.tsx";
import { Layout, PageWait } from "./Layout.tsx";
import { NotFoundPage } from "./NotFoundPage.tsx";
import { ROUTES } from "./routes.ts";

const queries = new QueryClient({
  // live data comes by subscription; what is asked for once is not asked again because a window got focus
  defaultOptions: { queries: { retry: 1, retryDelay: 500, refetchOnWindowFocus: false } },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
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
          <ReviewDialog />
        </Configured>
      </HashRouter>
    </QueryClientProvider>
  );
}

function Configured({ children }: { children: ReactNode }) {
  const config = useQuery({ queryKey: ["config.json"], queryFn: ({ signal }) => loadRuntimeConfig(signal), staleTime: Infinity });
  if (config.data) return <RuntimeConfigContext value={config.data}>{children}</RuntimeConfigContext>;
  if (config.isPending) return <main aria-busy="true" />;
  return (
    <main className="mx-auto max-w-2xl p-4 pt-16">
      <title>Starling</title>
      <h1 className="mb-4 text-2xl font-semibold">Starling</h1>
      <Alert
        action={
          <Button busy={config.isFetching} onClick={() => void config.refetch()} size="small">
            Try again
          </Button>
        }
        title="This page does not know where to look"
        tone="bad"
      >
        {explain(config.error).text}
      </Alert>
    </main>
  );
}
