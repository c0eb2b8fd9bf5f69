/** Grants by which people may join, and the keys that they let join for them. */
import type { Address } from "@solana/kit";
import { readAddress } from "@starling/sdk/actions/chain";
import { createGrant, deleteGrant, setDelegates, setGrantActive } from "@starling/sdk/actions/grants";
import type { GrantReading } from "@starling/sdk/solana/accounts";
import { CHAIN_LIMITS } from "@starling/sdk/solana/limits";
import { PUBLIC_GRANTEE } from "@starling/sdk/solana/pdas";
import { useRef, useState } from "react";
import { ActionStatus } from "../../chain/ActionStatus.tsx";
import { useAction, type ActionHandle } from "../../chain/useAction.ts";
import { granteesOf } from "../../create/drafts/draftProblems.ts";
import { looksLikeAddress } from "../../lib/addressText.ts";
import { shortAddress } from "../../lib/format.ts";
import { AddressText, Alert, Badge, Button, Card, Dialog, Field, Table, TextArea, TextInput } from "../../ui/index.ts";
import { useWallet } from "../../wallet/useWallet.ts";
import type { TabProps } from "../ManagePage.tsx";

export function MembersTab({ managed, run, refresh, isAuthority }: TabProps & { isAuthority: boolean }) {
  const { address } = useWallet();
  const isJoinAuthority = address === run.account.joinAuthority;
  const own = managed.grants.find(({ grantee }) => grantee === address);
  const action = useAction<string>();
  const last = useRef<Parameters<typeof action.run>[0] | null>(null);
  const act = (task: Parameters<typeof action.run>[0]): void => {
    last.current = task;
    void action.run(task).then(refresh);
  };
  return (
    <div className="space-y-5">
      {isJoinAuthority ? (
        <Grants act={act} action={action} managed={managed} run={run} />
      ) : (
        isAuthority && (
          <Alert title="Somebody else decides who may join" tone="info">
            The join authority is <AddressText address={run.account.joinAuthority} label="join authority" />: its grants count. The tab
            About can change it.
          </Alert>
        )
      )}
      {own !== undefined && <Delegates act={act} action={action} grant={own} />}
      <ActionStatus
        action={action}
        done={(said) => <Alert title={said} tone="good" />}
        onRetry={() => last.current !== null && act(last.current)}
      />
    </div>
  );
}

interface Acting {
  action: ActionHandle<string>;
  act(task: Parameters<ActionHandle<string>["run"]>[0]): void;
}

function Grants({ managed, run, action, act }: Pick<TabProps, "managed" | "run"> & Acting) {
  const { grants, members } = managed;
  const [revoked, setRevoked] = useState<GrantReading | null>(null);
  const isPublic = grants.some(({ grantee, isActive }) => grantee === PUBLIC_GRANTEE && isActive);
  const usedBy = (grant: GrantReading): number => members.filter((member) => member.grant === grant.address).length;
  return (
    <Card
      description="Grants count for all runs of this join authority. Who is taken off leaves at the end of the epoch."
      title={isPublic ? "Everyone may join" : "Who may join"}
    >
      <div className="space-y-5">
        <Table
          caption="Grants"
          columns={[
            {
              key: "grantee",
              header: "Owner",
              cell: ({ grantee }) => (grantee === PUBLIC_GRANTEE ? "Everyone" : <AddressText address={grantee} label="owner" />),
            },
            {
              key: "state",
              header: "State",
              cell: ({ isActive }) => <Badge tone={isActive ? "good" : "neutral"}>{isActive ? "In force" : "Not in force"}</Badge>,
            },
            { key: "delegates", header: "Delegates", align: "end", cell: ({ delegates }) => delegates.length },
            { key: "members", header: "Members by it", align: "end", cell: usedBy },
            {
              key: "actions",
              header: "Change",
              align: "end",
              cell: (grant) => (
                <span className="inline-flex flex-wrap justify-end gap-2">
                  <Button
                    aria-label={`${grant.isActive ? "Suspend" : "Let in again"} ${whom(grant)}`}
                    busy={action.isBusy}
                    onClick={() =>
                      act(async ({ chain, wallet }) => {
                        await setGrantActive(chain, wallet, { grantee: grant.grantee, active: !grant.isActive });
                        return grant.isActive
                          ? `${capital(whom(grant))} cannot join by this grant any more`
                          : `${capital(whom(grant))} may join again`;
                      })
                    }
                    size="small"
                  >
                    {grant.isActive ? "Suspend" : "Let in again"}
                  </Button>
                  <Button aria-label={`Revoke ${whom(grant)}`} busy={action.isBusy} onClick={() => setRevoked(grant)} size="small">
                    Revoke
                  </Button>
                </span>
              ),
            },
          ]}
          empty="Nobody may join yet."
          rowKey={({ address }) => address}
          rows={grants}
        />
        <AddGrants act={act} action={action} isPublic={isPublic} />
      </div>
      <Dialog
        footer={
          <>
            <Button onClick={() => setRevoked(null)}>Keep it</Button>
            <Button
              onClick={() => {
                const grant = revoked!;
                setRevoked(null);
                act(async ({ chain, wallet, tell }) => {
                  const { closed, membersEnded } = await deleteGrant(chain, wallet, { grantee: grant.grantee, runId: run.runId }, tell);
                  const left =
                    membersEnded.length === 0
                      ? ""
                      : `; ${membersEnded.length} ${membersEnded.length === 1 ? "member leaves" : "members leave"} at the end of the epoch`;
                  return closed
                    ? `The grant of ${whom(grant)} is deleted${left}`
                    : `The grant of ${whom(grant)} is out of force${left}; it has delegates, so its account can be deleted in 30 days`;
                });
              }}
              variant="danger"
            >
              Revoke
            </Button>
          </>
        }
        onClose={() => setRevoked(null)}
        open={revoked !== null}
        title={revoked === null ? "" : `Revoke the grant of ${whom(revoked)}?`}
      >
        <p>
          Nobody joins by it any more, and who joined run {run.runId} by it leaves at the end of the epoch, with the points earned until
          then. Its deposit comes back to you.
        </p>
      </Dialog>
    </Card>
  );
}

function AddGrants({ act, action, isPublic }: Acting & { isPublic: boolean }) {
  const [text, setText] = useState("");
  const [wasAsked, setAsked] = useState(false);
  const named = granteesOf(text);
  const broken = named.filter((address) => !looksLikeAddress(address));
  const error =
    broken.length > 0
      ? `must be Solana addresses, one a line; these are none: ${broken.join(", ")}`
      : wasAsked && named.length === 0
        ? "is required: whom to let in"
        : null;
  const letIn = (grantees: readonly Address[], said: string): void =>
    act(async ({ chain, wallet, tell }) => {
      for (const [at, grantee] of grantees.entries()) {
        tell({ step: at + 1, of: grantees.length, text: `letting ${grantee === PUBLIC_GRANTEE ? "everyone" : shortAddress(grantee)} in` });
        await createGrant(chain, wallet, { grantee });
      }
      setText("");
      setAsked(false);
      return said;
    });
  return (
    <form
      className="space-y-3"
      onSubmit={(event) => {
        event.preventDefault();
        setAsked(true);
        if (named.length === 0 || broken.length > 0 || action.isBusy) return;
        letIn(
          named.map((one) => readAddress(one, "who may join")),
          named.length === 1 ? "One more may join" : `${named.length} more may join`,
        );
      }}
    >
      <Field error={error} hint="Wallet addresses, one a line." label="Let in">
        <TextArea className="font-mono text-sm" onChange={(event) => setText(event.target.value)} rows={3} value={text} />
      </Field>
      <div className="flex flex-wrap gap-3">
        <Button busy={action.isBusy} type="submit" variant="primary">
          Let them in
        </Button>
        {!isPublic && (
          <Button busy={action.isBusy} onClick={() => letIn([PUBLIC_GRANTEE], "Everyone may join")}>
            Let everyone in
          </Button>
        )}
      </div>
    </form>
  );
}

function Delegates({ grant, action, act }: { grant: GrantReading } & Acting) {
  const [text, setText] = useState("");
  const error = text.trim() === "" || looksLikeAddress(text.trim()) ? null : "must be a Solana address, 32 bytes as base58";
  const change = (add: readonly Address[], clear: boolean, said: string): void =>
    act(async ({ chain, wallet, tell }) => {
      await setDelegates(chain, wallet, { joinAuthority: grant.grantor, add, clear }, tell);
      setText("");
      return said;
    });
  return (
    <Card description={`Wallets that join by your grant, at most ${CHAIN_LIMITS.delegates}. Each earns for itself.`} title="Your delegates">
      <div className="space-y-4">
        {grant.delegates.length === 0 ? (
          <p className="text-muted">None yet.</p>
        ) : (
          <ul className="divide-y divide-line">
            {grant.delegates.map((delegate) => (
              <li className="flex flex-wrap items-center justify-between gap-3 py-2" key={delegate}>
                <AddressText address={delegate} label="delegate" />
                <Button
                  aria-label={`Take delegate ${shortAddress(delegate)} off`}
                  busy={action.isBusy}
                  onClick={() =>
                    change(
                      grant.delegates.filter((other) => other !== delegate),
                      true,
                      "The delegate is taken off",
                    )
                  }
                  size="small"
                >
                  Take off
                </Button>
              </li>
            ))}
          </ul>
        )}
        <form
          className="space-y-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (text.trim() !== "" && error === null && !action.isBusy)
              change([readAddress(text, "delegate")], false, "The delegate may join by your grant");
          }}
        >
          <Field error={error} label="Add a delegate">
            <TextInput className="font-mono text-sm" onChange={(event) => setText(event.target.value)} value={text} />
          </Field>
          <Button busy={action.isBusy} disabled={text.trim() === "" || error !== null} type="submit">
            Add
          </Button>
        </form>
      </div>
    </Card>
  );
}

const whom = ({ grantee }: GrantReading): string => (grantee === PUBLIC_GRANTEE ? "everyone" : shortAddress(grantee));
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
