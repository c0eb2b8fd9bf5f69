/** Stands in until its room is furnished. */
export default function RunPage() {
  return <h1 className="text-2xl font-semibold">Run</h1>;
}
