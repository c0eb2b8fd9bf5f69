/** The run configs that ship with Starling, as text; each is its own small chunk. */
const files = import.meta.glob<string>("../../../config/runs/*/config.toml", { query: "?raw", import: "default" });

export interface Preset {
  name: string;
  load(): Promise<string>;
}

/** By name. */
export const presets: readonly Preset[] = Object.entries(files)
  .map(([path, load]) => ({ name: path.split("/").at(-2)!, load }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

/** What a preset is for: the comment at its head, up to the first line that is none. */
export function aboutPreset(toml: string): string {
  const lines = toml.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("#"));
  return lines
    .slice(0, end === -1 ? lines.length : end)
    .map((line) => line.replace(/^#\s?/, ""))
    .join(" ");
}
