export function timelineHtml(): string {
  return "";
}
