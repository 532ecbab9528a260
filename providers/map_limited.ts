/** Enough to be quick; few enough that a thousand secrets exhaust neither files, processes nor a service's rate limit. */
const MAX_CONCURRENT = 8;

/** Maps in order, with at most {@linkcode MAX_CONCURRENT} calls under way. */
export async function mapLimited<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await map(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_CONCURRENT, items.length) }, work));
  return results;
}
