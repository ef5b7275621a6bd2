/** What the rows of a report can be. With `tag`, a request stands in each of its tags' rows. */
export const summaryDimensions = ['route', 'model', 'key', 'day', 'reason', 'pin', 'cache', 'tag'] as const;
export type SummaryDimension = (typeof summaryDimensions)[number];
