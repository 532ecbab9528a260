import assert from "node:assert/strict";
import { join } from "node:path";
import type { AppError } from "../../../../policy/error.ts";
import type { AuditEvent } from "../../../../policy/server/audit_event.ts";
import { AuditProcess } from "../audit_process.ts";
import { verifyFiles, type WholeChain } from "../verify_files.ts";

/** A directory with a log in it, gone at the end of the scope. */
export interface LogDirectory extends Disposable {
  readonly path: string;
  /** The log's file, which is not there yet. */
  readonly log: string;
}

export function logDirectory(): LogDirectory {
  const path = Deno.makeTempDirSync({ prefix: "kz-audit-" });
  return { path, log: join(path, "audit.log"), [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** An audit worker on a file, and what it told of troubles. */
export interface OpenLog extends AsyncDisposable {
  readonly audit: AuditProcess;
  readonly troubles: readonly (AppError | undefined)[];
}

export async function openLog(path: string, key?: Uint8Array<ArrayBuffer>): Promise<OpenLog> {
  const troubles: (AppError | undefined)[] = [];
  const audit = await AuditProcess.start({
    sink: { kind: "file", path },
    key,
    onTrouble: (trouble) => troubles.push(trouble),
  });
  return { audit, troubles, [Symbol.asyncDispose]: () => audit[Symbol.asyncDispose]() };
}

/** Writes a log and lets it go. */
export async function writeLog(
  path: string,
  events: readonly AuditEvent[],
  key?: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await using log = await openLog(path, key);
  for (const event of events) await log.audit.append(event);
}

/** An event that is told from others by its number. */
export function numbered(n: number): AuditEvent {
  return { event: "resolve", outcome: "allowed", issuer: "internal", subject: `agent-${n}`, tokenId: `id-${n}` };
}

export function numberedEvents(count: number): AuditEvent[] {
  return Array.from({ length: count }, (_, n) => numbered(n + 1));
}

/** The lines of a log, taken apart. */
export function linesOf(path: string): Record<string, unknown>[] {
  const text = Deno.readTextFileSync(path);
  assert.ok(text === "" || text.endsWith("\n"));
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** @returns The chain of a log, which must be whole. */
export async function wholeChain(...paths: string[]): Promise<WholeChain> {
  const verdict = await verifyFiles(paths, { key: undefined, head: undefined });
  assert.ok(verdict.isWhole, JSON.stringify(verdict));
  return verdict;
}
