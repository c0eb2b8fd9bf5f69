/** One run of a wallet: what it earned there, the claim, its sessions, its claims so far, and the way out. */
import type { Address } from "@solana/kit";
import type { Membership } from "@starling/sdk/actions/memberships";
import { useChain } from "../chain/useChain.ts";
import { formatSol } from "../lib/format.ts";
import { Badge, Card, LinkButton, type Tone } from "../ui/index.ts";
import { amountOf } from "./amounts.ts";
import { ClaimPanel } from "./ClaimPanel.tsx";
import { ClaimsPanel } from "./ClaimsPanel.tsx";
import { EndPanel } from "./EndPanel.tsx";
import { Figures, type Figure } from "./Figures.tsx";
import { SessionsPanel } from "./SessionsPanel.tsx";

export interface PanelProps {
  membership: Membership;
  owner: Address;
  /** the connected wallet's: it can be acted on */
  isOwn: boolean;
  /** after an action */
  refresh(): void;
}

export function MembershipCard(props: PanelProps) {
  const { membership, isOwn } = props;
  const { cluster } = useChain();
  const { runId, name, state, member, sessions } = membership;
  const title = runId === null ? "A closed run" : name === "" ? runId : name;
  return (
    <Card
      actions={
        <>
          <StateBadge {...membership} />
          {runId !== null && (
            <LinkButton size="small" to={`/run/${cluster.name}/${encodeURIComponent(runId)}`}>
              See the run
            </LinkButton>
          )}
        </>
      }
      description={runId === null ? `its account was ${membership.run}` : name === "" ? undefined : runId}
      title={title}
    >
      <div className="space-y-6">
        <Figures figures={figuresOf(membership)} />
        {isOwn && member !== null && state !== null && <ClaimPanel {...props} />}
        {member !== null && member.claimed > 0n && <ClaimsPanel {...props} />}
        {sessions.length > 0 && <SessionsPanel {...props} />}
        {isOwn && <EndPanel {...props} />}
      </div>
    </Card>
  );
}

function StateBadge({ state, runId, member }: Membership) {
  if (member?.isEjected) return <Badge tone="bad">Ejected</Badge>;
  if (state === null) return <Badge>{runId === null ? "Closed" : "Of a closed run of that name"}</Badge>;
  const [tone, words] = STATES[state];
  return <Badge tone={tone}>{words}</Badge>;
}

const STATES: Record<NonNullable<Membership["state"]>, [Tone, string]> = {
  Uninitialized: ["neutral", "Not started"],
  WaitingForMembers: ["info", "Waits for members"],
  Warmup: ["good", "Training"],
  RoundTrain: ["good", "Training"],
  RoundWitness: ["good", "Training"],
  Cooldown: ["good", "Training"],
  Finished: ["neutral", "Finished"],
  Paused: ["warn", "Paused"],
};

function figuresOf(membership: Membership): Figure[] {
  const { member, claimable, unsettled, treasury } = membership;
  if (member === null) return [{ label: "Earned", value: amountOf(membership, 0n) }];
  const { due, dueSlashed, running } = unsettled;
  const rest = claimable + due - dueSlashed;
  return [
    { label: "Earned", value: amountOf(membership, member.earned) },
    { label: "Slashed", value: amountOf(membership, member.slashed) },
    { label: "Claimed", value: amountOf(membership, member.claimed) },
    {
      label: treasury === null ? "Not paid yet" : "Claimable",
      value: amountOf(membership, rest > 0n ? rest : 0n),
      hint:
        treasury === null
          ? "this run has no treasury: its creator pays by other means"
          : membership.payable < rest
            ? `the treasury holds ${amountOf(membership, membership.payable)} of it now`
            : undefined,
    },
    ...(running > 0n || due > 0n
      ? [
          {
            label: "Unsettled",
            value: amountOf(membership, due + running),
            hint:
              running > 0n
                ? due > 0n
                  ? `${amountOf(membership, running)} of it when the running epoch is over; a claim books the rest`
                  : "of the running epoch; booked when it is over"
                : "of epochs that are over; a claim books it",
          },
        ]
      : []),
    ...(member.bondLamports + member.unbondingLamports > 0n
      ? [
          {
            label: "Bond",
            value: formatSol(member.bondLamports + member.unbondingLamports),
            hint: member.unbondingLamports > 0n ? `${formatSol(member.unbondingLamports)} of it is being withdrawn` : undefined,
          },
        ]
      : []),
  ];
}
