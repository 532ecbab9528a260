/** Closes what may be closed already, because the other side or a time limit was first. */
export function closeQuietly(connection: { close(): void } | undefined): void {
  try {
    connection?.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
