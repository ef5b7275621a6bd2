/** A scale from zero whose ends and steps are round numbers. */

export interface Scale {
  readonly top: number;
  /** From zero to `top`, both among them. */
  readonly ticks: readonly number[];
}

export function scaleFor(most: number): Scale {
  if (!(most > 0)) return { top: 1, ticks: [0, 1] };
  const raw = most / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 2.5, 5, 10].find((round) => round * power >= raw * 0.999_999) ?? 10);
  const steps = Math.ceil((most / step) * 0.999_999);
  return { top: step * steps, ticks: Array.from({ length: steps + 1 }, (_, i) => i * step) };
}

/** Dollars on an axis: as many digits as the scale needs, none that it does not. */
export function dollarTick({ ticks }: Scale): (dollars: number) => string {
  const step = ticks[1] - ticks[0];
  const digits = Math.max(0, Math.min(9, -Math.floor(Math.log10(step) + 1e-9) + (needsHalf(step) ? 1 : 0)));
  return (dollars) => `$${dollars.toFixed(digits).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',')}`;
}

/** 2.5 of some power of ten takes one digit more. */
function needsHalf(step: number): boolean {
  const leading = step / 10 ** Math.floor(Math.log10(step) + 1e-9);
  return Math.abs(leading - 2.5) < 1e-6;
}
