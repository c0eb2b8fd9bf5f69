/** Child process of adapter.ts: prints the adapter that Dawn finds with the machine's own drivers, as JSON, or null. */
import { createDawn } from "@starling/trainer-core/device/dawn.node";

const gpu = await createDawn();
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
const info = adapter?.info;
process.stdout.write(
  JSON.stringify(
    info
      ? {
          vendor: info.vendor,
          architecture: info.architecture,
          description: info.description,
          isFallbackAdapter: info.isFallbackAdapter ?? false,
        }
      : null,
  ),
  () => process.exit(0),
);
