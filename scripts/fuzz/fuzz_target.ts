import type { Arbitrary } from "fast-check";

/** One thing that is fuzzed. An input is bytes, so that one mutator and one minimiser serve all targets. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs that make sense; each is also changed byte by byte. */
  readonly inputs: Arbitrary<Uint8Array>;
  /** Words that lead deep, inserted as they are. */
  readonly dictionary: readonly string[];
  /**
   * Carries one input through and checks what must hold.
   *
   * @returns Whether the input was accepted, so that it is seen how deep a run gets.
   * @throws for a finding.
   */
  check(input: Uint8Array): boolean | Promise<boolean>;
}
