import { CHUNK_CASES } from "./chunk_cases.ts";
import { FIELD_CASES, HOST_CASES } from "./field_cases.ts";
import { CODING_CASES, FRAMING_CASES, LENGTH_CASES } from "./framing_cases.ts";
import { OUTSIDE_CASES } from "./outside_cases.ts";
import type { SmugglingCase } from "./smuggling_case.ts";
import { METHOD_CASES, START_LINE_CASES, TARGET_CASES } from "./start_line_cases.ts";

const HEADS = [
  ...FRAMING_CASES,
  ...LENGTH_CASES,
  ...CODING_CASES,
  ...FIELD_CASES,
  ...HOST_CASES,
  ...START_LINE_CASES,
  ...TARGET_CASES,
  ...METHOD_CASES,
];

/** Every request that is refused; of what is refused in a body, the host has seen the beginning at most. */
export const SMUGGLING_CASES: readonly SmugglingCase[] = [
  ...HEADS.map(([why, bytes]) => ({ why, bytes })),
  ...CHUNK_CASES.map(([why, bytes]) => ({ why, bytes, streams: true as const })),
  ...OUTSIDE_CASES.map(([why, bytes]) => ({ why, bytes, outside: true as const })),
];
