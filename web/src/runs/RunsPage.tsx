/** Stands in until its room is furnished. */
export default function RunsPage() {
  return <h1 className="text-2xl font-semibold">Runs</h1>;
}
