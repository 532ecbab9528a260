/** Cases that run at the same time; on loopback each waits for timers of the kernel most of its time. */
const AT_ONCE = 16;

/**
 * Runs a check for each case, many at a time, and reports all that fail, by name.
 *
 * @param cases The first member of each is its name.
 */
export async function eachCase<T extends readonly [why: string, ...unknown[]]>(
  cases: readonly T[],
  check: (row: T) => Promise<void>,
): Promise<void> {
  const failures: Error[] = [];
  const queue = [...cases];
  const work = async () => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
      const why = row[0];
      await check(row).catch((cause) => failures.push(new Error(why, { cause })));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (failures.length > 0) {
    const names = failures.map(({ message, cause }) => `${message}: ${cause}`).join("\n");
    throw new AggregateError(failures, `${failures.length} of ${cases.length} cases fail:\n${names}`);
  }
}
