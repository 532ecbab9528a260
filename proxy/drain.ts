import { closeQuietly } from "./close_quietly.ts";
import type { ByteReader } from "./http/byte_reader.ts";
import { LIMITS } from "./limits.ts";

/** What of a connection is closed here. */
export interface Closable {
  close(): void;
  closeWrite(): Promise<void>;
}

/** Reads what a client still sends, within limits, so that it reads our answer before its connection is reset. */
export async function drain(reader: ByteReader, conn: Closable): Promise<void> {
  const timer = setTimeout(() => closeQuietly(conn), LIMITS.drainMs);
  try {
    await conn.closeWrite();
    let dropped = reader.availableLength;
    reader.consume(dropped);
    while (dropped < LIMITS.drainBytes && await reader.fill()) {
      dropped += reader.availableLength;
      reader.consume(reader.availableLength);
    }
  } catch {
    // Gone already.
  } finally {
    clearTimeout(timer);
  }
}
