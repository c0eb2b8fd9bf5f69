/** Stands in until its room is furnished. */
export default function TrainPage() {
  return <h1 className="text-2xl font-semibold">Train</h1>;
}
