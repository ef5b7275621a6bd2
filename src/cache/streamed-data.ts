/** The data of each whole event of a stored stream, in order; comments, names and an event without an end are left out. */
export function streamedData(text: string): string[] {
  const events = text.replace(/\r\n|\r/g, '\n').split('\n\n');
  // What follows the last blank line is no whole event.
  events.pop();
  const data: string[] = [];
  for (const event of events) {
    const lines = event.split('\n').filter((line) => line.startsWith('data:'));
    if (lines.length > 0) data.push(lines.map((line) => line.slice(line[5] === ' ' ? 6 : 5)).join('\n'));
  }
  return data;
}
