/** Who may join: everyone, or owners that are named; who decides about it, and the bond they leave. */
import { Card, Field, NumberInput, TextArea, TextInput } from "../../ui/index.ts";
import { useWallet } from "../../wallet/useWallet.ts";
import type { Access, Draft } from "../drafts/draft.ts";
import { grantsAreOurs } from "../send/sendPlan.ts";
import { Fold } from "../form/RunFields.tsx";
import { useProblems } from "../form/runForm.ts";
import { RadioCards } from "../RadioCards.tsx";
import type { DraftHandle } from "../useDraft.ts";

export function AccessStep({ draft, change }: { draft: Draft; change: DraftHandle["change"] }) {
  const problems = useProblems();
  const { address } = useWallet();
  const { access, sent } = draft;
  const isMade = sent.done.includes("run");
  const isGranted = sent.done.some((step) => step.startsWith("grant"));
  const set = (next: Partial<Access>): void => change((before) => ({ access: { ...before.access, ...next } }));
  return (
    <>
      <Card>
        <div className="space-y-5">
          <RadioCards
            legend="Members"
            onChange={(mode) => set({ mode })}
            options={[
              { value: "public", label: "Public", about: "Everyone with a wallet may join.", disabled: isGranted },
              {
                value: "private",
                label: "Private",
                about: "Only owners you name, and the keys they let join for them.",
                disabled: isGranted,
              },
            ]}
            value={access.mode}
          />
          {isMade && (
            <p className="text-sm text-muted">
              The run is on the chain: what cannot be changed here any more is changed on its page Manage.
            </p>
          )}
          {access.mode === "private" && (
            <Field
              error={problems.of("access.grantees")}
              hint="Wallet addresses, one a line. More can be added and taken away later. Each costs a deposit of about 0.0017 SOL, which comes back."
              label="Who may join"
            >
              <TextArea
                className="font-mono text-sm"
                name="access.grantees"
                onChange={(event) => set({ grantees: event.target.value })}
                rows={5}
                value={access.grantees}
              />
            </Field>
          )}
          <Field
            error={problems.of("access.minBond")}
            hint="What a member must have deposited to join; an ejected member may lose it. Empty: none."
            label="Bond of a member"
            unit="SOL"
          >
            <NumberInput
              disabled={isMade}
              name="access.minBond"
              onChange={(event) => set({ minBond: event.target.value })}
              placeholder="0"
              value={access.minBond}
            />
          </Field>
        </div>
      </Card>
      <Fold label="Advanced: join authority" paths={["access.joinAuthority"]}>
        <Field
          error={problems.of("access.joinAuthority")}
          hint={
            grantsAreOurs(draft, address)
              ? "The address whose grants let people in. Empty: the wallet that creates the run. Grants of a join authority count for all its runs."
              : "Another address decides: its holder grants who may join, here on Manage or by starling join-authorization-create. You cannot."
          }
          label="Join authority"
        >
          <TextInput
            className="font-mono text-sm"
            disabled={isMade}
            name="access.joinAuthority"
            onChange={(event) => set({ joinAuthority: event.target.value })}
            placeholder="the wallet that creates the run"
            value={access.joinAuthority}
          />
        </Field>
      </Fold>
    </>
  );
}
