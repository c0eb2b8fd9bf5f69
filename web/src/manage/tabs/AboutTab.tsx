/** What is shown of the run, and what it asks of members: name, description, client version, bond, who decides about joining. */
import { formatAmount, parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { readAddress } from "@starling/sdk/actions/chain";
import { updateConfig, type RunMetadata, type UpdatedRun } from "@starling/sdk/actions/updateConfig";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { useState } from "react";
import { ActionStatus } from "../../chain/ActionStatus.tsx";
import { useAction } from "../../chain/useAction.ts";
import { amountRule } from "../../create/amountRule.ts";
import { tooLong } from "../../create/drafts/draftProblems.ts";
import { looksLikeAddress } from "../../lib/addressText.ts";
import { Alert, Button, Card, Field, NumberInput, TextArea, TextInput } from "../../ui/index.ts";
import type { TabProps } from "../ManagePage.tsx";

export function AboutTab({ run, refresh }: TabProps) {
  const { config, account } = run;
  const before = {
    name: config.name,
    description: config.description,
    clientVersion: config.clientVersion,
    minBond: formatAmount(account.minBondLamports, SOL_DECIMALS),
    joinAuthority: account.joinAuthority as string,
  };
  const [texts, setTexts] = useState(before);
  const action = useAction<UpdatedRun>();
  const errors = {
    name: tooLong(texts.name, CHAIN_LIMITS.nameBytes),
    description: tooLong(texts.description, CHAIN_LIMITS.descriptionBytes),
    clientVersion: tooLong(texts.clientVersion, CHAIN_LIMITS.clientVersionBytes),
    minBond: amountRule(texts.minBond, SOL_DECIMALS),
    joinAuthority: looksLikeAddress(texts.joinAuthority.trim()) ? null : "must be a Solana address, 32 bytes as base58",
  };
  const isWrong = Object.values(errors).some((error) => error !== null);
  const changed = (Object.keys(before) as (keyof typeof before)[]).filter((key) => texts[key] !== before[key]);
  const input = (key: keyof typeof texts) => ({
    onChange: (event: { target: { value: string } }) => setTexts((now) => ({ ...now, [key]: event.target.value })),
    value: texts[key],
  });
  const send = (): void =>
    void action
      .run(({ chain, wallet, tell }) => {
        const { name, description, clientVersion, minBond, joinAuthority } = texts;
        const all: RunMetadata = {
          name,
          description,
          clientVersion,
          minBondLamports: parseAmount(minBond, SOL_DECIMALS, "bond of a member"),
          joinAuthority: readAddress(joinAuthority, "join authority"),
        };
        const keys = changed.map((key) => (key === "minBond" ? "minBondLamports" : key));
        return updateConfig(chain, wallet, { runId: run.runId, metadata: Object.fromEntries(keys.map((key) => [key, all[key]])) }, tell);
      })
      .then(refresh);
  return (
    <Card description="Can be changed while the run goes on." title="What is shown, and what is asked">
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isWrong && changed.length > 0 && !action.isBusy) send();
        }}
      >
        <Field error={errors.name} hint={`A title for people. Up to ${CHAIN_LIMITS.nameBytes} bytes.`} label="Name">
          <TextInput {...input("name")} />
        </Field>
        <Field error={errors.description} hint={`What the run is about. Up to ${CHAIN_LIMITS.descriptionBytes} bytes.`} label="Description">
          <TextArea {...input("description")} rows={3} spellCheck />
        </Field>
        <div className="grid items-start gap-4 sm:grid-cols-2">
          <Field error={errors.clientVersion} hint="As shown; nothing holds a client to it." label="Client version">
            <TextInput {...input("clientVersion")} />
          </Field>
          <Field error={errors.minBond} hint="What a member must have deposited to join." label="Bond of a member" unit="SOL">
            <NumberInput {...input("minBond")} />
          </Field>
        </div>
        <Field
          error={errors.joinAuthority}
          hint="Its grants let people in. Another address takes that out of your hands, and the present grants count no more."
          label="Join authority"
        >
          <TextInput {...input("joinAuthority")} className="font-mono text-sm" />
        </Field>
        <ActionStatus action={action} done={() => <Alert title="Changed" tone="good" />} onRetry={send} />
        <Button busy={action.isBusy} disabled={isWrong || changed.length === 0} type="submit" variant="primary">
          {changed.length === 0 ? "Nothing to change" : "Change"}
        </Button>
      </form>
    </Card>
  );
}
