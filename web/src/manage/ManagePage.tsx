/** Stands in until its room is furnished. */
export default function ManagePage() {
  return <h1 className="text-2xl font-semibold">Manage</h1>;
}
