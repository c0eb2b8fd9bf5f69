/** What epochs pay, and the treasury out of which they do. */
import { formatAmount, parseAmount } from "@starling/sdk/actions/amounts";
import { setRates, type FutureRates } from "@starling/sdk/actions/setRates";
import { topUp, type ToppedUp } from "@starling/sdk/actions/topUp";
import { unitsOf, requireMint } from "@starling/sdk/actions/treasury";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ActionStatus } from "../../chain/ActionStatus.tsx";
import { CarriedOut } from "../../chain/CarriedOut.tsx";
import { useAction } from "../../chain/useAction.ts";
import { useChain } from "../../chain/useChain.ts";
import { formatUnits } from "../../lib/format.ts";
import { AddressText, Alert, Button, Card, Field, NumberInput, Stat } from "../../ui/index.ts";
import { useWallet } from "../../wallet/useWallet.ts";
import { amountRule } from "../../create/amountRule.ts";
import type { TabProps } from "../ManagePage.tsx";

export function RewardsTab(props: TabProps) {
  return (
    <div className="space-y-5">
      <Rates {...props} />
      {props.managed.treasury === null ? (
        <Alert title="This run has no treasury" tone="info">
          Its members earn points, and nothing is paid for them. That was chosen when it was made and cannot change.
        </Alert>
      ) : (
        <Treasury {...props} />
      )}
    </div>
  );
}

function Rates({ managed, run, refresh }: TabProps) {
  const { unit, decimals } = managed;
  const rates = run.state?.config;
  const [earning, setEarning] = useState(() => (rates ? formatAmount(rates.earningRateTotalShared, decimals) : ""));
  const [slashing, setSlashing] = useState(() => (rates ? formatAmount(rates.slashingRatePerClient, decimals) : ""));
  const action = useAction<FutureRates>();
  const errors = { earning: amountRule(earning, decimals), slashing: amountRule(slashing, decimals) };
  const isWrong = errors.earning !== null || errors.slashing !== null;
  const send = (): void =>
    void action
      .run(({ chain, wallet }) =>
        setRates(chain, wallet, {
          runId: run.runId,
          earningRate: parseAmount(earning, decimals, "an epoch pays"),
          slashingRate: parseAmount(slashing, decimals, "an ejected member loses"),
        }),
      )
      .then(refresh);
  if (!rates) return <Alert title="Rates come with the configuration" tone="info" />;
  return (
    <Card description="From the next epoch on; the running one pays what it began with." title="Rates">
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isWrong && !action.isBusy) send();
        }}
      >
        <div className="grid items-start gap-4 sm:grid-cols-2">
          <Field error={errors.earning} hint="Shared by the members by the rounds each took part in." label="An epoch pays" unit={unit}>
            <NumberInput onChange={(event) => setEarning(event.target.value)} value={earning} />
          </Field>
          <Field error={errors.slashing} hint="Taken from what it has not claimed." label="An ejected member loses" unit={unit}>
            <NumberInput onChange={(event) => setSlashing(event.target.value)} value={slashing} />
          </Field>
        </div>
        <ActionStatus
          action={action}
          done={({ signature }) => <Alert title={signature === null ? "These are its rates already" : "The rates are set"} tone="good" />}
          onRetry={send}
        />
        <Button busy={action.isBusy} disabled={isWrong} type="submit" variant="primary">
          Set the rates
        </Button>
      </form>
    </Card>
  );
}

function Treasury({ managed, run, refresh }: TabProps) {
  const treasury = managed.treasury!;
  const { decimals } = managed;
  const { chain, cluster } = useChain();
  const { address } = useWallet();
  const [amount, setAmount] = useState("");
  const [wasAsked, setAsked] = useState(false);
  const action = useAction<ToppedUp | "done-before">(`top-up.${run.runId}`);
  const own = useQuery({
    queryKey: ["units", cluster.name, treasury.account.mint, address],
    queryFn: async () => (await unitsOf(chain, address!, await requireMint(chain, treasury.account.mint))).units ?? 0n,
    enabled: address !== null,
  });
  const error = amount.trim() === "" ? (wasAsked ? "is required: how much to move" : null) : amountRule(amount, decimals);
  const send = (): void => {
    setAsked(true);
    if (amount.trim() === "" || error !== null) return;
    void action
      .run(async ({ chain: acting, wallet, wasCarriedOut }) =>
        // sent again, it would be paid twice
        wasCarriedOut ? "done-before" : topUp(acting, wallet, { runId: run.runId, units: parseAmount(amount, decimals, "amount") }),
      )
      .then((result) => {
        if (result === null) return;
        setAmount("");
        setAsked(false);
        refresh();
        void own.refetch();
      });
  };
  const { unclaimedPoints, unpromisedPoints } = run.account;
  return (
    <Card title="Treasury">
      <div className="space-y-5">
        <div className="grid gap-4 sm:grid-cols-3">
          <Stat label="It holds" unit="tokens" value={formatUnits(treasury.vaultUnits, decimals)} />
          <Stat hint="booked for members" label="Not claimed yet" unit="tokens" value={formatUnits(unclaimedPoints, decimals)} />
          <Stat
            hint="what coming epochs can pay"
            label="Promised to nobody"
            unit="tokens"
            value={unpromisedPoints === null ? "–" : formatUnits(unpromisedPoints, decimals)}
          />
        </div>
        {unpromisedPoints !== null && unpromisedPoints < (run.state?.config.earningRateTotalShared ?? 0n) && (
          <Alert title="The next epoch pays less than its rate" tone="warn">
            An epoch pays only what was in the treasury before it began, and was promised to no other.
          </Alert>
        )}
        <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1 text-sm">
          <dt className="text-muted">Token</dt>
          <dd>
            <AddressText address={treasury.account.mint} label="mint" />
          </dd>
          <dt className="text-muted">Vault</dt>
          <dd>
            <AddressText address={treasury.vault} label="vault" />
          </dd>
        </dl>
        <form
          className="space-y-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (!action.isBusy) send();
          }}
        >
          <Field
            error={error}
            hint={own.data === undefined ? "From your wallet's token account." : `Your wallet has ${formatUnits(own.data, decimals)}.`}
            label="Top up by"
            unit="tokens"
          >
            <NumberInput onChange={(event) => setAmount(event.target.value)} value={amount} />
          </Field>
          <ActionStatus
            action={action}
            done={(topped) =>
              topped === "done-before" ? (
                <CarriedOut />
              ) : (
                <Alert title={`The treasury holds ${formatUnits(topped.vaultUnits, decimals)} tokens`} tone="good" />
              )
            }
            onRetry={send}
          />
          <Button busy={action.isBusy} type="submit" variant="primary">
            Top up
          </Button>
        </form>
        <p className="text-sm text-muted">What is left comes back to you once the run is closed.</p>
      </div>
    </Card>
  );
}
