/** What members earn: points alone, or a token of which each epoch pays some. */
import type { ClusterConfig } from "@starling/config/page/runtimeConfig";
import { lazy, Suspense } from "react";
import { ChainGate } from "../../chain/ChainGate.tsx";
import { Alert, Card, Field, NumberInput, TextInput } from "../../ui/index.ts";
import { changedRewards, type Draft, type Rewards } from "../drafts/draft.ts";
import { rewardDecimals } from "../drafts/draftProblems.ts";
import { useProblems } from "../form/runForm.ts";
import { RadioCards } from "../RadioCards.tsx";
import type { DraftHandle } from "../useDraft.ts";

const MintCheck = lazy(() => import("../MintCheck.tsx"));

export interface RewardsStepProps {
  draft: Draft;
  change: DraftHandle["change"];
  cluster: ClusterConfig | null;
  mintDecimals: number | null;
}

export function RewardsStep({ draft, change, cluster, mintDecimals }: RewardsStepProps) {
  const problems = useProblems();
  const { rewards } = draft;
  const set = (next: Partial<Rewards>): void => change((before) => changedRewards(before, next));
  const hasToken = cluster !== null && rewards.mode !== "none";
  const unit = hasToken ? "tokens" : "points";
  const isSent = draft.sent.done.includes("run") || draft.sent.mint !== null;
  const text = (name: "earning" | "slashing" | "topUp" | "supply" | "decimals") => ({
    name: `rewards.${name}`,
    onChange: (event: { target: { value: string } }) => set({ [name]: event.target.value }),
    value: rewards[name],
  });
  const decimals = rewardDecimals(draft, mintDecimals);
  return (
    <>
      {cluster !== null && (
        <Card>
          <div className="space-y-5">
            <RadioCards
              legend="Rewards"
              onChange={(mode) => set({ mode })}
              options={[
                { value: "none", label: "None", about: "Members earn points, and nothing is paid for them.", disabled: isSent },
                {
                  value: "mint",
                  label: "A token there is",
                  about: "You name its mint and put tokens into the run's treasury.",
                  disabled: isSent,
                },
                ...(cluster.isTest
                  ? [
                      {
                        value: "new-mint" as const,
                        label: "A new test token",
                        about: `Made for this run on ${cluster.label}, all of it yours.`,
                        disabled: isSent,
                      },
                    ]
                  : []),
              ]}
              value={rewards.mode}
            />
            {isSent && <p className="text-sm text-muted">The run is on the chain with these rewards; they cannot become others.</p>}
            {rewards.mode === "mint" && (
              <>
                <Field error={problems.of("rewards.mint")} hint="Address of the mint, of Token or Token-2022." label="Token">
                  <TextInput
                    className="font-mono text-sm"
                    disabled={isSent}
                    name="rewards.mint"
                    onChange={(event) => set({ mint: event.target.value })}
                    value={rewards.mint}
                  />
                </Field>
                <Suspense>
                  <ChainGate cluster={cluster.name} fallback={<></>}>
                    <MintCheck mint={rewards.mint} />
                  </ChainGate>
                </Suspense>
              </>
            )}
            {rewards.mode === "new-mint" && (
              <div className="grid items-start gap-x-5 gap-y-4 sm:grid-cols-2">
                <Field error={problems.of("rewards.decimals")} hint="To how many decimals it can be divided. Default: 6." label="Decimals">
                  <NumberInput {...text("decimals")} disabled={isSent} inputMode="numeric" />
                </Field>
                <Field
                  error={problems.of("rewards.supply")}
                  hint="Made for your wallet at once. You can make more later."
                  label="Supply"
                  unit="tokens"
                >
                  <NumberInput {...text("supply")} disabled={isSent} />
                </Field>
              </div>
            )}
          </div>
        </Card>
      )}
      <Card level={3} title={hasToken ? "Rates" : "Points"}>
        <div className="grid items-start gap-x-5 gap-y-4 sm:grid-cols-2">
          <Field
            error={problems.of("rewards.earning")}
            hint="Shared by the members by the rounds each took part in. Can be changed later, from the next epoch on."
            label="An epoch pays"
            unit={unit}
          >
            <NumberInput {...text("earning")} placeholder="0" />
          </Field>
          <Field
            error={problems.of("rewards.slashing")}
            hint="Taken from a member that is ejected, from what it has not claimed."
            label="An ejected member loses"
            unit={unit}
          >
            <NumberInput {...text("slashing")} placeholder="0" />
          </Field>
          {hasToken && (
            <Field
              error={problems.of("rewards.topUp")}
              hint={topUpHint(rewards, decimals)}
              label="First top-up of the treasury"
              unit="tokens"
            >
              <NumberInput {...text("topUp")} placeholder="0" />
            </Field>
          )}
        </div>
      </Card>
      {hasToken && !/[1-9]/.test(rewards.topUp) && /[1-9]/.test(rewards.earning) && (
        <Alert title="The treasury begins empty" tone="warn">
          An epoch pays only what was put there before it began: until you top it up, epochs pay nothing.
        </Alert>
      )}
    </>
  );
}

function topUpHint({ earning, topUp }: Rewards, decimals: number | null): string {
  const base = "What is not claimed comes back once the run is closed.";
  const [rate, amount] = [Number(earning), Number(topUp)];
  if (decimals === null || !(rate > 0) || !(amount > 0)) return base;
  const epochs = Math.floor(amount / rate);
  return `${epochs === 0 ? "Less than one epoch pays." : `Lasts for ${epochs.toLocaleString("en-US")} ${epochs === 1 ? "epoch" : "epochs"}.`} ${base}`;
}
