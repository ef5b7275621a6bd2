/**
 * The shape of a prompt: how long it is, whether it has lines, quotes, code, numbers, a question mark. A request to
 * summarise and a greeting differ in shape before they differ in words. Each trait is a feature of the lexical space.
 */

/** No more than this is looked at; longer texts differ in length alone. */
const looked = 2_000;

export const shapeCount = 34;

/** Calls `has` with the number of each trait, below `shapeCount`. */
export function visitShape(text: string, has: (trait: number) => void): void {
  const length = text.length;
  const size = Math.log2(length + 1);
  has(Math.min(11, Math.floor(size)));
  has(12 + Math.min(11, Math.floor(size + 0.5)));
  const end = Math.min(length, looked);
  let lines = 1;
  let flags = 0;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) lines++;
    else flags |= traitOf(code);
  }
  if (lines > 1) has(24 + (lines > 2 ? 1 : 0) + (lines > 5 ? 1 : 0));
  for (let bit = 0; bit < 6; bit++) if (flags & (1 << bit)) has(27 + bit);
  if (/\?\s*$/.test(text.slice(-20))) has(33);
}

/** Bit of: a digit, a quote, a question mark, a colon, code, an address. */
function traitOf(code: number): number {
  if (code >= 48 && code <= 57) return 1;
  switch (code) {
    case 34:
    case 0x201c:
    case 0xab:
      return 2;
    case 63:
      return 4;
    case 58:
      return 8;
    case 123:
    case 125:
    case 60:
    case 62:
    case 59:
    case 61:
    case 124:
    case 96:
      return 16;
    case 64:
    case 47:
      return 32;
    default:
      return 0;
  }
}
