/**
 * Where a browser can look at a checkpoint, or null where the location is no place on the web. The location is what some member
 * wrote: only http and https become links. Pure.
 */
export function checkpointUrl(location: string): string | null {
  if (/^https?:\/\//i.test(location)) return URL.canParse(location) ? new URL(location).href : null;
  const bucket = /^gs:\/\/([a-z0-9][a-z0-9._-]+)\/?(.*)$/.exec(location);
  if (bucket !== null) return `https://console.cloud.google.com/storage/browser/${bucket[1]}/${encodeURI(bucket[2]!)}`;
  // a repository of Hugging Face, as `Hub` and `P2P` name it
  const repository = /^(?:hf:\/\/)?([\w.-]+\/[\w.-]+)(?:@([\w.-]+))?$/.exec(location);
  if (repository === null || location.startsWith(".")) return null;
  return `https://huggingface.co/${repository[1]}${repository[2] === undefined ? "" : `/tree/${repository[2]}`}`;
}
