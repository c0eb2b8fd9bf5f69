import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { PAGE_CSP_META } from "./config/src/page/csp.ts";

/** Any static host then serves the page under its policy. Not in the dev server: hot reload lives on inline scripts. */
const contentSecurityPolicy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: PAGE_CSP_META }, injectTo: "head-prepend" },
  ],
};

/** See web/stubs/secp256k1.ts. */
const ed25519PeersOnly: Plugin = {
  name: "ed25519-peers-only",
  enforce: "pre",
  resolveId: {
    filter: { id: /^@noble\/curves\/secp256k1\.js$/ },
    handler: (_id, importer) => (importer?.includes("@libp2p/crypto/") ? `${import.meta.dirname}/web/stubs/secp256k1.ts` : null),
  },
};

/** Builds web/ to web/dist. No Node shim, no polyfill: what does not run in a browser must not be imported there. */
export default defineConfig(({ command }) => {
  // what is built is what ships, also where a test runner has set another environment: React's development build is twice as large
  if (command === "build") process.env.NODE_ENV = "production";
  return {
    root: "web",
    base: "./",
    plugins: [react(), tailwindcss(), contentSecurityPolicy, ed25519PeersOnly],
    build: {
      outDir: "dist",
      emptyOutDir: true,
      target: "es2024",
      manifest: true,
      // a data: url would need its own hole in the policy
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1500,
      rolldownOptions: {
        // lab.html is the bare trainer of e2e/mixedClients.node.test.ts, without wallet, chain or layout
        input: { main: `${import.meta.dirname}/web/index.html`, lab: `${import.meta.dirname}/web/lab.html` },
      },
    },
    worker: { format: "es", plugins: () => [ed25519PeersOnly] },
  };
});
