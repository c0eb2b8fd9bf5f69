/** How a config.toml becomes a run without a chain. */
import { variantOf, type RunConfig } from "@starling/config";
import { Card, CopyText } from "../ui/index.ts";

export function StartAServer({ config }: { config: RunConfig }) {
  const file = `${config.run_id ?? "run"}.toml`;
  const data = variantOf(config.model.LLM.data_location).kind === "Local" ? " --data-dir FOLDER" : "";
  const lines = [
    ["To try it on this machine, with its clients:", `npm start -- --config-path ${file}`],
    [
      "On several: start the coordinator where the file is,",
      `starling server --config-path ${file} --bind-host 0.0.0.0 --save-state-dir state`,
    ],
    ["and a client on each machine.", `starling client --server-addr HOST:20000 --bind-host 0.0.0.0${data}`],
  ] as const;
  return (
    <Card description="Download the file below first." level={3} title="Start it on a server of your own">
      <ol className="list-decimal space-y-3 pl-5">
        {lines.map(([what, command]) => (
          <li key={command}>
            {what}
            <div className="mt-1 rounded-lg bg-sunken px-3 py-1.5 font-mono text-sm">
              <CopyText label="command" text={command} />
            </div>
          </li>
        ))}
      </ol>
    </Card>
  );
}
