/** The part of a worker's global scope that is needed here. */
interface ErrorSource {
  addEventListener(type: "error" | "unhandledrejection", listener: (event: Event) => void): void;
}

/**
 * Keeps what nobody caught in a worker from being printed: Deno writes message and source line to stderr, whatever the
 * parent does with its `error` event, and a message may hold a value (TM-30).
 *
 * @param report Told that something broke, and nothing of it.
 */
export function containErrors(scope: ErrorSource, report: () => void): void {
  for (const type of ["error", "unhandledrejection"] as const) {
    scope.addEventListener(type, (event) => {
      event.preventDefault();
      report();
    });
  }
}
