/** Joining a run on a cluster: may this wallet, what its one signature does, and what comes back. */
import { address, isAddress } from "@solana/kit";
import { formatSol, parseAmount, SOL_DECIMALS } from "@starling/sdk/actions/amounts";
import { ActionError } from "@starling/sdk/actions/errors";
import { joinRight } from "@starling/sdk/actions/joinRights";
import { readJoinFacts } from "@starling/sdk/actions/readJoinFacts";
import { openSession } from "@starling/sdk/actions/session";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ActionStatus, Failure } from "../chain/ActionStatus.tsx";
import { useAction } from "../chain/useAction.ts";
import { useChain } from "../chain/useChain.ts";
import type { RuntimeConfig, Source } from "../lib/runtimeConfig.ts";
import { Alert, Button, Card, Field, NumberInput, Skeleton, TextInput } from "../ui/index.ts";
import { useWallet } from "../wallet/useWallet.ts";
import { changeIdentity, ensureIdentity, type IdentityRecord } from "../worker/store/identityStore.ts";
import { seedSigner, sessionTransactionSigner } from "../worker/store/transactionSigner.ts";
import { DEFAULT_DAYS, DEFAULT_FLOAT_SOL, MOST_DAYS } from "./sessionTerms.ts";
import { identityOf, startRequest } from "./startRequest.ts";
import { startTraining } from "./training.ts";

const LOOK_EVERY_MS = 10_000;

interface JoinByWalletProps {
  config: RuntimeConfig;
  source: Extract<Source, { kind: "chain" }>;
  runId: string;
  /** false: this browser cannot train it */
  canTrain: boolean;
}

export default function JoinByWallet({ config, source, runId, canTrain }: JoinByWalletProps) {
  const { chain } = useChain(source.name);
  const wallet = useWallet(source.name);
  const action = useAction<IdentityRecord>();
  const [days, setDays] = useState(String(DEFAULT_DAYS));
  const [float, setFloat] = useState<string>(DEFAULT_FLOAT_SOL);
  const [authorizer, setAuthorizer] = useState("");
  const owner = wallet.address;
  const named = authorizer.trim();
  const problems = {
    days: /^\d+$/.test(days) && Number(days) >= 1 && Number(days) <= MOST_DAYS ? undefined : `A whole number of days, 1 to ${MOST_DAYS}.`,
    float: floatProblem(float),
    authorizer: named === "" || isAddress(named) ? undefined : "A Solana address, 32 bytes as base58.",
  };
  const facts = useQuery({
    queryKey: ["join facts", source.name, runId, owner, problems.authorizer === undefined ? named : ""],
    enabled: owner !== null && problems.authorizer === undefined,
    queryFn: () => readJoinFacts(chain, runId, address(owner!), named === "" ? undefined : address(named)),
    refetchInterval: LOOK_EVERY_MS,
  });
  const right = facts.data && joinRight(facts.data);
  const isFormGood = Object.values(problems).every((problem) => problem === undefined);

  const join = async (): Promise<void> => {
    const record = await action.run(async ({ chain: own, wallet: signer, tell }) => {
      const may = joinRight(await readJoinFacts(own, runId, signer.address, named === "" ? undefined : address(named)));
      if (!may.mayJoin) throw new ActionError("not-allowed", may.reason, may.advice === null ? {} : { advice: may.advice });
      const key = identityOf(source, runId, signer.address);
      const made = await ensureIdentity(key);
      const kept = { ...made, authorizer: named === "" ? null : named };
      await changeIdentity(key, { authorizer: kept.authorizer });
      const session = await sessionTransactionSigner(made);
      const floatLamports = parseAmount(float, SOL_DECIMALS, "the float");
      await openSession(own, signer, { runId, session, peer: seedSigner(made.peerSeed), days: Number(days), floatLamports }, tell);
      return kept;
    });
    if (record !== null) startTraining({ source: source.name, runId }, startRequest(config, source, runId, record));
  };

  return (
    <Card title="Join with your wallet">
      <div className="space-y-5">
        <p className="max-w-prose">
          Your wallet signs <strong>once</strong>: it lets a key that this browser makes, and that nothing can read out, act for it in this
          run until the date below. That key signs each round; your wallet is not asked again, and only your wallet is paid. You can take
          the permission back at any time.
        </p>
        {owner === null ? (
          <Alert
            action={
              <Button busy={wallet.status === "connecting"} onClick={wallet.open} variant="primary">
                Connect wallet
              </Button>
            }
            title="A wallet earns the points"
          >
            Connect the one that they shall be paid to.
          </Alert>
        ) : facts.error !== null && facts.error !== undefined && facts.data === undefined ? (
          <Failure error={facts.error} onRetry={() => void facts.refetch()} />
        ) : right === undefined ? (
          <Skeleton className="h-12 w-full" />
        ) : right.mayJoin ? (
          <Alert title="This wallet may join" tone="good">
            {right.note === null ? "A grant lets it in." : `${right.note[0]!.toUpperCase()}${right.note.slice(1)}.`}
          </Alert>
        ) : (
          <Alert title="This wallet may not join now" tone={right.mayLater ? "warn" : "bad"}>
            {right.reason}.{right.mayLater && " The page looks again every 10 seconds."}
          </Alert>
        )}

        <form
          className="space-y-5"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (isFormGood) void join();
          }}
        >
          <div className="grid gap-4 sm:grid-cols-2">
            <Field error={problems.days} hint="After that the permission ends by itself." label="Permission lasts" unit="days">
              {(id, describedBy) => (
                <NumberInput
                  aria-describedby={describedBy}
                  id={id}
                  inputMode="numeric"
                  onChange={(event) => setDays(event.target.value)}
                  value={days}
                />
              )}
            </Field>
            <Field
              error={problems.float}
              hint="Pays the fees of this tab's messages. What is left comes back to your wallet when you stop."
              label="Float for fees"
              unit="SOL"
            >
              {(id, describedBy) => (
                <TextInput
                  aria-describedby={describedBy}
                  id={id}
                  inputMode="decimal"
                  onChange={(event) => setFloat(event.target.value)}
                  value={float}
                />
              )}
            </Field>
          </div>
          <details>
            <summary className="cursor-pointer text-sm text-muted">Somebody else's grant names this wallet</summary>
            <div className="mt-3">
              <Field
                error={problems.authorizer}
                hint="Left empty: the wallet's own grant, or the one for everyone."
                label="Holder of the grant"
              >
                {(id, describedBy) => (
                  <TextInput
                    aria-describedby={describedBy}
                    autoComplete="off"
                    id={id}
                    onChange={(event) => setAuthorizer(event.target.value)}
                    spellCheck={false}
                    value={authorizer}
                  />
                )}
              </Field>
            </div>
          </details>
          <Button
            busy={action.isBusy}
            disabled={owner === null || !isFormGood || !canTrain || right?.mayJoin === false}
            type="submit"
            variant="primary"
          >
            Join and train
          </Button>
        </form>
        <ActionStatus action={action} onRetry={() => void join()} />
      </div>
    </Card>
  );
}

function floatProblem(text: string): string | undefined {
  try {
    const lamports = parseAmount(text, SOL_DECIMALS, "the float");
    if (lamports < 1_000_000n) return "At least 0.001 SOL: less would be gone within minutes.";
    return lamports > CHAIN_LIMITS.floatLamports ? `At most ${formatSol(CHAIN_LIMITS.floatLamports)}.` : undefined;
  } catch {
    return "An amount such as 0.05.";
  }
}
