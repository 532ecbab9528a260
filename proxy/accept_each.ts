/** What accepts connections. */
export interface Accepting<Conn> {
  accept(): Promise<Conn>;
}

/** Descriptors are given back when connections end; asking faster would only burn time. */
const RETRY_MS = 50;

/**
 * Accepts connections until the listener is closed.
 *
 * Accepting also fails when descriptors have run out, or when a client was gone at once: neither ends the listener, or a
 * flood would close it for the rest of the run (TM-24).
 */
export async function acceptEach<Conn>(listener: Accepting<Conn>, use: (conn: Conn) => void): Promise<void> {
  for (;;) {
    let conn: Conn;
    try {
      conn = await listener.accept();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      continue;
    }
    use(conn);
  }
}
