/** Every part of the kit in every state, for eyes and for axe. Linked from nowhere; the figures are made up. */
import type { Address } from "@solana/kit";
import { ActionError } from "@starling/sdk/actions/errors";
import { useState, type ReactNode } from "react";
import { Failure } from "../chain/ActionStatus.tsx";
import { askReview } from "../chain/reviews.ts";
import { PageError } from "../lib/pageError.ts";
import {
  AddressText,
  Alert,
  Badge,
  Button,
  Card,
  Checkbox,
  CopyText,
  Dialog,
  Duration,
  EmptyState,
  Field,
  LinkButton,
  NumberInput,
  ProgressBar,
  RelativeTime,
  Select,
  Skeleton,
  Slider,
  Stat,
  Switch,
  Table,
  Tabs,
  TextArea,
  TextInput,
  Tooltip,
  showToast,
  type ButtonVariant,
  type Column,
  type Sort,
  type Tone,
} from "../ui/index.ts";

const VARIANTS: readonly ButtonVariant[] = ["primary", "secondary", "danger", "ghost"];
const TONES: readonly Tone[] = ["neutral", "good", "warn", "bad", "info"];
const ADDRESS = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin";
const OPENED_MS = Date.now();

export default function KitPage() {
  return (
    <div className="space-y-6">
      <h1 className="text-2xl font-semibold">Kit</h1>
      <Buttons />
      <div className="grid gap-6 lg:grid-cols-2">
        <Fields />
        <Controls />
      </div>
      <Figures />
      <Words />
      <Rows />
      <Overlays />
      <Failures />
    </div>
  );
}

function Row({ children }: { children: ReactNode }) {
  return <div className="flex flex-wrap items-center gap-3">{children}</div>;
}

function Buttons() {
  return (
    <Card title="Buttons">
      <div className="space-y-3">
        <Row>
          {VARIANTS.map((variant) => (
            <Button key={variant} variant={variant}>
              {variant}
            </Button>
          ))}
          <LinkButton to="/kit">Link</LinkButton>
        </Row>
        <Row>
          {VARIANTS.map((variant) => (
            <Button key={variant} size="small" variant={variant}>
              Small {variant}
            </Button>
          ))}
        </Row>
        <Row>
          {VARIANTS.map((variant) => (
            <Button busy key={variant} variant={variant}>
              Busy {variant}
            </Button>
          ))}
        </Row>
        <Row>
          {VARIANTS.map((variant) => (
            <Button disabled key={variant} variant={variant}>
              Disabled {variant}
            </Button>
          ))}
        </Row>
      </div>
    </Card>
  );
}

function Fields() {
  return (
    <Card description="Label, unit, hint and error are tied to the control." title="Fields">
      <div className="space-y-4">
        <Field hint="1 to 32 bytes. It cannot be changed later." label="Run id">
          <TextInput placeholder="my-run" />
        </Field>
        <Field hint="How long a round may take before it goes on without the slow ones." label="Longest round" unit="seconds">
          <NumberInput defaultValue="30" />
        </Field>
        <Field error="At least 1 and at most 256 clients." label="Fewest clients" unit="clients">
          <NumberInput defaultValue="0" />
        </Field>
        <Field label="Model">
          <Select
            options={[
              { value: "a", label: "Llama, 1.2 M parameters" },
              { value: "b", label: "Llama, 125 M parameters" },
            ]}
          />
        </Field>
        <Field label="Cannot be changed now">
          <TextInput defaultValue="fixed while the run trains" disabled />
        </Field>
        <Field label="Only to read">
          <TextInput defaultValue="read only" readOnly />
        </Field>
        <Field label="Description">
          <TextArea defaultValue={"Several lines\nof text."} />
        </Field>
        <Checkbox defaultChecked hint="Anybody with a wallet may join." label="Open to everyone" />
        <Checkbox disabled label="Cannot be ticked now" />
      </div>
    </Card>
  );
}

function Controls() {
  const [on, setOn] = useState(true);
  const [duty, setDuty] = useState(60);
  const [tab, setTab] = useState<"charts" | "clients" | "config">("charts");
  return (
    <Card title="Controls">
      <div className="space-y-5">
        <Switch checked={on} hint="Training rests while this tab is hidden." label="Only while visible" onChange={setOn} />
        <Switch checked={false} label="Off" onChange={() => {}} />
        <Switch checked disabled label="On, cannot be changed now" onChange={() => {}} />
        <Slider
          format={(value) => `${value} %`}
          hint="Share of the time in which this tab computes."
          label="Effort"
          max={100}
          min={10}
          onChange={setDuty}
          value={duty}
        />
        <Slider disabled label="Cannot be moved now" max={10} min={0} onChange={() => {}} value={4} />
        <Tabs
          label="Parts of the run"
          onChange={setTab}
          tabs={[
            { value: "charts", label: "Charts", content: "What the charts tab holds." },
            { value: "clients", label: "Clients", content: "What the clients tab holds." },
            { value: "config", label: "Configuration", content: "What the configuration tab holds." },
          ]}
          value={tab}
        />
        <Row>
          <Tooltip content="A short explanation, for mouse and keyboard">
            <Button>With a tooltip</Button>
          </Tooltip>
        </Row>
      </div>
    </Card>
  );
}

function Figures() {
  return (
    <Card title="Figures">
      <div className="grid grid-cols-2 gap-5 sm:grid-cols-3 lg:grid-cols-6">
        <Stat hint="of 2,000" label="Step" value="1,248" />
        <Stat label="Loss" value="3.412" />
        <Stat label="Speed" unit="tokens/s" value="12.4 k" />
        <Stat hint="4 of them tabs" label="Clients" value="17" />
        <Stat label="Phase ends" value={<RelativeTime ms={OPENED_MS + 93_000} />} />
        <Stat label="Epoch" unit="min" value="42" />
      </div>
      <div className="mt-6 space-y-4">
        <ProgressBar label="Model, from 3 peers" text="412 of 980 MiB" value={0.42} />
        <ProgressBar label="Checking hashes" value={1} />
        <ProgressBar label="Looking for peers" value={null} />
        <div aria-busy="true" className="space-y-2">
          <Skeleton className="h-4 w-2/3" />
          <Skeleton />
        </div>
      </div>
    </Card>
  );
}

function Words() {
  return (
    <Card title="Words">
      <div className="space-y-4">
        <Row>
          {TONES.map((tone) => (
            <Badge key={tone} tone={tone}>
              {tone}
            </Badge>
          ))}
        </Row>
        {TONES.map((tone) => (
          <Alert
            action={tone === "bad" ? <Button size="small">Try again</Button> : undefined}
            key={tone}
            title={`An alert that is ${tone}`}
            tone={tone}
          >
            It says what happened, and what can be done about it, in one or two sentences.
          </Alert>
        ))}
        <Row>
          <AddressText address={ADDRESS} />
          <CopyText label="join command" text="starling train --run-id my-run">
            <code className="font-mono text-sm">starling train --run-id my-run</code>
          </CopyText>
          <span>
            Seen <RelativeTime ms={OPENED_MS - 12_000} />, a round takes <Duration ms={4200} />
          </span>
        </Row>
        <EmptyState
          action={
            <LinkButton to="/create" variant="primary">
              Create a run
            </LinkButton>
          }
          title="No runs yet"
        >
          Nobody has created a run on this network. Be the first.
        </EmptyState>
      </div>
    </Card>
  );
}

interface Client {
  name: string;
  role: string;
  points: number;
}

const CLIENTS: readonly Client[] = [
  { name: ADDRESS, role: "trainer", points: 1204 },
  { name: "4Nd1mYvJkV7qkX9bqkq3b1ZzYp8m1bZ9TqFh7aXKqQyN", role: "witness", points: 980 },
  { name: "7dHbWXmci3dT8UFYWYZweBLXgycu7Y3iL6trKn1Y7ARj", role: "verifier", points: 12_411 },
];

const COLUMNS: readonly Column<Client>[] = [
  { key: "name", header: "Client", cell: (client) => <AddressText address={client.name} label="client" /> },
  {
    key: "role",
    header: "Role",
    cell: (client) => <Badge tone={client.role === "trainer" ? "neutral" : "info"}>{client.role}</Badge>,
    sortable: true,
  },
  { key: "points", header: "Points", cell: (client) => client.points.toLocaleString("en-US"), align: "end", sortable: true },
];

function Rows() {
  const [sort, setSort] = useState<Sort>({ key: "points", direction: "descending" });
  const rows = [...CLIENTS].sort((a, b) => {
    const order = sort.key === "points" ? a.points - b.points : a.role.localeCompare(b.role);
    return sort.direction === "ascending" ? order : -order;
  });
  return (
    <div className="grid gap-6 lg:grid-cols-2">
      <Card title="Table">
        <Table caption="Clients" columns={COLUMNS} onSort={setSort} rowKey={(client) => client.name} rows={rows} sort={sort} />
      </Card>
      <Card title="Table without rows">
        <Table caption="No clients" columns={COLUMNS} empty="Nobody has joined yet." rowKey={(client) => client.name} rows={[]} />
      </Card>
    </div>
  );
}

function review(error: Error | null): void {
  const signal = new AbortController().signal;
  const lines = [
    "Create the run my-run, which anybody with a wallet may join.",
    "Move 1,000 tokens from your wallet to the run's treasury; what is not paid out comes back when the run is closed.",
  ];
  const shown = { what: "create run my-run", lines, feePayer: ADDRESS as Address, feeLamports: 5000n, rentLamports: 12_400_000n, error };
  askReview({ review: shown, network: "Local validator", step: { step: 2, of: 5, text: "creating" }, signal }).catch(() => {});
}

const FAILURES = [
  new ActionError("cancelled", "You declined it in Phantom. Nothing was sent."),
  new ActionError("unknown-outcome", "x", {
    signature: "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW",
  }),
  new PageError("wrong-network", "The node of Devnet answers for another network."),
  new PageError("no-wallet", "No wallet is connected."),
];

function Failures() {
  return (
    <Card description="Each with its sentence, and the one button that helps." title="Failures">
      <div className="space-y-3">
        {FAILURES.map((error) => (
          <Failure error={error} key={error.message} onRetry={() => {}} />
        ))}
      </div>
    </Card>
  );
}

function Overlays() {
  const [open, setOpen] = useState(false);
  return (
    <Card title="Over the page">
      <Row>
        <Button onClick={() => setOpen(true)}>Open the dialog</Button>
        <Button onClick={() => review(null)}>Review a transaction</Button>
        <Button
          onClick={() => review(new ActionError("unfunded", "cannot create run my-run: the wallet has 0.001 SOL, it needs 0.012 SOL"))}
        >
          Review one that would fail
        </Button>
        {TONES.map((tone) => (
          <Button
            key={tone}
            onClick={() => showToast({ tone, title: `A note that is ${tone}`, text: "It passes after a while, unless it is bad." })}
          >
            Note: {tone}
          </Button>
        ))}
      </Row>
      <Dialog
        footer={
          <>
            <Button onClick={() => setOpen(false)}>Cancel</Button>
            <Button onClick={() => setOpen(false)} variant="primary">
              Continue
            </Button>
          </>
        }
        onClose={() => setOpen(false)}
        open={open}
        title="A dialog"
      >
        <p>Focus goes in, stays in and comes back; Escape and a click beside it close it.</p>
      </Dialog>
    </Card>
  );
}
