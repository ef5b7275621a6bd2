/** Growing lists of numbers and their percentiles; sorted as plain numbers, which is what makes a million of them quick. */
export class Samples {
  private values = new Float64Array(1024);
  private length = 0;
  private sorted = true;

  add(value: number): void {
    if (this.length === this.values.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
    this.sorted = false;
  }

  /** Nearest rank: the least value that `share` of the values do not exceed. null without values. */
  percentile(share: number): number | null {
    if (this.length === 0) return null;
    const values = this.values.subarray(0, this.length);
    if (!this.sorted) values.sort();
    this.sorted = true;
    return values[Math.max(0, Math.ceil(share * this.length) - 1)];
  }
}
