/** `/create`: how to begin, and the drafts there are. `/create/:draftId`: the wizard on one of them. */
import { useMemo, useState } from "react";
import { useParams } from "react-router";
import { EmptyState, LinkButton } from "../ui/index.ts";
import { drafts } from "./drafts/draftStore.ts";
import { StartView } from "./StartView.tsx";
import { Wizard } from "./Wizard.tsx";

export default function CreatePage() {
  const { draftId } = useParams();
  const [reading, setReading] = useState(0);
  // `reading`: it is read again when another tab's version is wanted
  const draft = useMemo(() => (draftId === undefined || reading < 0 ? null : drafts().read(draftId)), [draftId, reading]);
  if (draftId === undefined) return <StartView />;
  if (draft !== null) return <Wizard key={`${draftId} ${reading}`} loaded={draft} readAgain={() => setReading(reading + 1)} />;
  return (
    <>
      <h1 className="mb-4 text-2xl font-semibold">Create a run</h1>
      <EmptyState action={<LinkButton to="/create">Begin a run</LinkButton>} title="There is no such draft in this browser">
        Drafts are kept by the browser that made them. This one was made elsewhere, or it was deleted.
      </EmptyState>
    </>
  );
}
