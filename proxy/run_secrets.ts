import { AppError } from "../policy/error.ts";
import { SEALED_PREFIX } from "../policy/sealed_token.ts";
import { type MaskedValue, maskValue } from "../policy/mask.ts";
import { Secret } from "../policy/secret.ts";
import type { SecretName } from "../policy/secret_name.ts";
import { type AwsKeyTable, pairAwsKeys, plainPlaces } from "./aws_sigv4/aws_keys.ts";
import type { ProxySecret } from "./protocol.ts";
import { MIN_SCRUBBED_BYTES, type Replacement, ScrubPlan } from "./scrub/scrub_plan.ts";
import { type TokenGrant, TokenTable } from "./token_table.ts";

/** Earlier values that are still searched for in responses: a host may go on accepting, and echoing, the last ones. */
const KEPT_VALUES = 4;

/** A secret with its value, which its provider may renew while the child keeps its token. */
class LiveSecret {
  readonly declared: ProxySecret;
  #real: Secret;
  /** As the provider gave it, newest first. */
  readonly #values: { readonly whole: string; readonly masked: MaskedValue }[] = [];

  constructor(declared: ProxySecret, bytes: Uint8Array) {
    this.declared = declared;
    this.#real = this.#take(bytes);
  }

  /** What its token stands for at present. */
  get real(): Secret {
    return this.#real;
  }

  /** Whether its value is a token of a team server. */
  get isSealed(): boolean {
    return this.#values[0]!.whole.startsWith(SEALED_PREFIX);
  }

  /** What the child saw first, and goes on seeing. */
  get text(): string {
    return this.#values.at(-1)!.masked.text;
  }

  get isShort(): boolean {
    return this.#real.reveal(({ length }) => length) < MIN_SCRUBBED_BYTES;
  }

  /** @returns Whether the value is another than before. */
  renew(bytes: Uint8Array): boolean {
    const before = this.#values[0]!.whole;
    const old = this.#real;
    const next = this.#take(bytes);
    const changed = this.#values[0]!.whole !== before;
    if (changed) this.#real = next;
    (changed ? old : next)[Symbol.dispose]();
    return changed;
  }

  /** Whether a text is the value, or what of it is masked; of a value that is empty none is. */
  is(text: string): boolean {
    return text !== "" && this.#values.some(({ whole, masked }) => text === whole || text === masked.real);
  }

  get replacements(): Replacement[] {
    return this.#values.flatMap(({ whole, masked }) => [
      { text: whole, standIn: masked.text, secret: this.declared.name },
      { text: masked.real, standIn: this.declared.token, secret: this.declared.name },
    ]);
  }

  #take(bytes: Uint8Array): Secret {
    const whole = decode(this.declared, bytes);
    bytes.fill(0);
    const masked = maskValue(whole, this.declared.mask, this.declared.token);
    if (this.#values[0]?.whole !== whole) this.#values.unshift({ whole, masked });
    // The first one says what the child sees.
    if (this.#values.length > KEPT_VALUES) this.#values.splice(-2, 1);
    return new Secret(this.declared.ref, new TextEncoder().encode(masked.real));
  }
}

/** The secrets of a run, made ready for the proxy. */
export class RunSecrets {
  readonly tokens: TokenTable;
  readonly anyInBody: boolean;
  readonly awsKeys: AwsKeyTable;
  readonly #secrets: ReadonlyMap<string, LiveSecret>;
  #outgoingPlan: ScrubPlan;
  #valuePlan: ScrubPlan;

  /**
   * Puts tokens and values together.
   *
   * @param values UTF-8 bytes by name; one for each secret. They are zeroed.
   * @throws {AppError} `SECRET_NOT_TEXT` for a value that is not UTF-8.
   */
  constructor(secrets: readonly ProxySecret[], values: ReadonlyMap<string, Uint8Array>) {
    this.awsKeys = pairAwsKeys(secrets.filter(({ mask }) => mask.kind !== "group"));
    this.#secrets = new Map(secrets.map((secret) => [secret.name, new LiveSecret(secret, values.get(secret.name)!)]));
    this.tokens = new TokenTable(
      Array.from(this.#secrets.values(), (live): TokenGrant => ({
        name: live.declared.name,
        token: live.declared.token,
        get real() {
          return live.real;
        },
        hosts: live.declared.hosts,
        in: plainPlaces(live.declared, this.awsKeys),
      })),
    );
    this.anyInBody = secrets.some((secret) => secret.in.some(({ kind }) => kind === "body"));
    [this.#outgoingPlan, this.#valuePlan] = this.#plans();
  }

  /** Finds tokens, and values that the program was not given, in what goes out. */
  get outgoingPlan(): ScrubPlan {
    return this.#outgoingPlan;
  }

  /** Finds the values, and some that were before them, in what comes back. */
  get valuePlan(): ScrubPlan {
    return this.#valuePlan;
  }

  /** Whether a text would tell a value to who reads it: it holds one in some form, or is one, however short. */
  isRevealing(text: string): boolean {
    if (this.#valuePlan.search(new TextEncoder().encode(text)) !== undefined) return true;
    return this.#secrets.values().some((live) => live.is(text));
  }

  /** Whether a secret's value is a token of a team server. */
  isSealed(name: SecretName): boolean {
    return this.#secrets.get(name)?.isSealed === true;
  }

  /** What the child sees of each secret. */
  get masked(): ReadonlyMap<SecretName, string> {
    return new Map(Array.from(this.#secrets.values(), ({ declared, text }) => [declared.name, text]));
  }

  /** Secrets that are too short to be searched for. */
  get unscrubbed(): readonly SecretName[] {
    return Array.from(this.#secrets.values()).filter(({ isShort }) => isShort).map(({ declared }) => declared.name);
  }

  /**
   * Takes a value that a provider gave anew; the child keeps its token.
   *
   * @returns Whether it differs from the one before.
   */
  renew(name: string, bytes: Uint8Array): boolean {
    const changed = this.#secrets.get(name)?.renew(bytes) === true;
    if (changed) [this.#outgoingPlan, this.#valuePlan] = this.#plans();
    return changed;
  }

  #plans(): [outgoing: ScrubPlan, values: ScrubPlan] {
    const live = [...this.#secrets.values()];
    const tokens = live.map(({ declared: { token } }): Replacement => ({ text: token, standIn: token }));
    const values = live.flatMap(({ replacements }) => replacements);
    return [new ScrubPlan([...tokens, ...values]), new ScrubPlan(values)];
  }
}

function decode(secret: ProxySecret, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new AppError("SECRET_NOT_TEXT", `Cannot mask secret "${secret.name}": its value is not UTF-8 text`);
  }
}
