import { defineConfig } from "vite";

/** Builds web/ to web/dist. No Node shim, no polyfill: what does not run in a browser must not be imported there. */
export default defineConfig({
  root: "web",
  base: "./",
  build: { outDir: "dist", emptyOutDir: true, target: "es2024", chunkSizeWarningLimit: 1500 },
  worker: { format: "es" },
});
