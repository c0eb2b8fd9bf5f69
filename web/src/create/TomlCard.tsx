/** A config as TOML: shown, copied, downloaded. */
import { useState } from "react";
import { copyToClipboard } from "../lib/clipboard.ts";
import { Button, Card } from "../ui/index.ts";

export function TomlCard({ toml, name }: { toml: string; name: string }) {
  const [said, setSaid] = useState("");
  const copy = async (): Promise<void> =>
    setSaid((await copyToClipboard(toml)) ? "Copied." : "The browser refused to copy: select the text below instead.");
  const bytes = new TextEncoder().encode(toml).length;
  return (
    <Card
      actions={
        <>
          <Button onClick={() => void copy()} size="small">
            Copy
          </Button>
          <Button onClick={() => download(`${name}.toml`, toml)} size="small">
            Download
          </Button>
        </>
      }
      description={`${bytes.toLocaleString("en-US")} bytes, as the command line reads it.`}
      level={3}
      title="config.toml"
    >
      <p aria-live="polite" className="text-sm text-muted">
        {said}
      </p>
      <pre
        aria-label="Text of config.toml"
        className="max-h-96 overflow-auto rounded-lg bg-sunken p-3 font-mono text-sm"
        role="region"
        tabIndex={0}
      >
        {toml}
      </pre>
    </Card>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // the download has its own reference by then
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
