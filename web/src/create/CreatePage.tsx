/** Stands in until its room is furnished. */
export default function CreatePage() {
  return <h1 className="text-2xl font-semibold">Create</h1>;
}
