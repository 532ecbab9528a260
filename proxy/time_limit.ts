/** A time limit over several waits. */
export interface TimeLimit extends Disposable {
  /** What `work` gives, unless the time has passed; it is not stopped then, only no longer waited for. */
  within<T>(work: Promise<T>): Promise<T>;
}

/** @param late Makes what is thrown when the time has passed. */
export function timeLimit(ms: number, late: () => Error): TimeLimit {
  const passed = Promise.withResolvers<never>();
  // Nobody may be waiting when it passes.
  passed.promise.catch(() => {});
  const timer = setTimeout(() => passed.reject(late()), ms);
  return {
    within: (work) => Promise.race([work, passed.promise]),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
