/** Stands in until its room is furnished. */
export default function RewardsPage() {
  return <h1 className="text-2xl font-semibold">Rewards</h1>;
}
