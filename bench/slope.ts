/** The slope of a line through points (seconds, value) by least squares, per hour; 0 for fewer than two points. */
export function slopePerHour(points: readonly (readonly [number, number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(([second]) => second));
  const y = mean(points.map(([, value]) => value));
  const spread = points.reduce((sum, [second]) => sum + (second - x) ** 2, 0);
  if (points.length < 2 || spread === 0) return 0;
  return (points.reduce((sum, [second, value]) => sum + (second - x) * (value - y), 0) / spread) * 3_600;
}
