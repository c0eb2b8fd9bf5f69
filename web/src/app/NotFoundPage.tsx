import { EmptyState, LinkButton } from "../ui/index.ts";

export function NotFoundPage() {
  return (
    <>
      <title>Not found · Starling</title>
      <h1 className="sr-only">Not found</h1>
      <EmptyState
        action={
          <LinkButton to="/" variant="primary">
            See the runs
          </LinkButton>
        }
        title="There is no such page"
      >
        The address may be mistyped, or the page may have moved.
      </EmptyState>
    </>
  );
}
