/** One step of the run config's form. */
import { useWatch } from "react-hook-form";
import { Alert, Card } from "../../ui/index.ts";
import { nameOf } from "../form/formValues.ts";
import { outlineOf, type ConfigStep } from "../form/outline.ts";
import { Fold, Parts, RunPart } from "../form/RunFields.tsx";
import { useRunForm } from "../form/runForm.ts";

export function ConfigPart({ step }: { step: ConfigStep }) {
  return (
    <>
      <Groups step={step} />
      {step === "data" && <LocalNote />}
    </>
  );
}

function LocalNote() {
  const { control } = useRunForm();
  const kind = useWatch({ control, name: "model.LLM.data_location.kind" });
  if (kind !== "Local" && kind !== "Preprocessed") return null;
  return (
    <Alert title="Each client reads a folder of its own" tone="info">
      Every machine needs the same files. On the chain the path counts from the client's --data-dir. A browser tab has no folders: it trains
      such a run only where the page that it is on serves the files.
    </Alert>
  );
}

function Groups({ step }: { step: ConfigStep }) {
  return outlineOf(step).map(({ title, basic, advanced }) => (
    <Card key={title} level={3} title={title}>
      {basic.length > 0 && basic.every(({ kind }) => kind === "field") ? (
        <Parts advanced={advanced} nodes={basic} path="" />
      ) : (
        <div className="space-y-4">
          {basic.map((node) => (
            <RunPart key={node.key} node={node} path={node.key} />
          ))}
          {advanced.length > 0 && (
            <Fold
              label={`Advanced: ${advanced.map(({ key }) => nameOf(key).replaceAll("_", " ")).join(", ")}`}
              paths={advanced.map(({ key }) => key)}
            >
              <div className="grid items-start gap-x-5 gap-y-4 sm:grid-cols-2">
                {advanced.map((node) => (
                  <RunPart key={node.key} node={node} path={node.key} />
                ))}
              </div>
            </Fold>
          )}
        </div>
      )}
    </Card>
  ));
}
