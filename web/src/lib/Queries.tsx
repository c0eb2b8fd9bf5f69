/** What pages that ask questions of a chain share: answers are kept while one goes from page to page. Loaded with the first of them. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";

const queries = new QueryClient({
  // live data comes by subscription; what is asked for once is not asked again because a window got focus
  defaultOptions: { queries: { retry: 1, retryDelay: 500, refetchOnWindowFocus: false } },
});

export function Queries({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={queries}>{children}</QueryClientProvider>;
}
