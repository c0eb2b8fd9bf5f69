export default function KitPage() {
  return <h1 className="text-2xl font-semibold">Kit</h1>;
}
