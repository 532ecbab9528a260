import type { SecretName } from "../../policy/secret_name.ts";
import type { Field } from "../http/fields.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import type { Authority } from "../http/target.ts";
import { FieldNames } from "./field_names.ts";
import { FieldScanner } from "./field_scanner.ts";
import type { Minting } from "./minted_secrets.ts";

/** How a body's fields are written. `text`: it shows when the body is there. */
export type BodySyntax = "json" | "xml" | "form" | "text";

/** Finds the credentials in one answer to a request that carried a secret, and has a token made for each (TM-06). */
export class ResponseMinter {
  /** Undefined: its body is not looked at. */
  readonly syntax: BodySyntax | undefined;
  readonly #names: FieldNames;
  readonly #mint: (field: string, value: string) => string | undefined;
  /** How many credentials were replaced. */
  minted = 0;

  constructor(
    syntax: BodySyntax | undefined,
    names: FieldNames,
    mint: (field: string, value: string) => string | undefined,
  ) {
    this.syntax = syntax;
    this.#names = names;
    this.#mint = (field, value) => {
      const token = mint(field, value);
      if (token !== undefined) this.minted++;
      return token;
    };
  }

  /**
   * @param fields Of the final answer, whatever its status.
   * @returns Undefined for the answer to a request without a secret: it is the program's own.
   */
  static of(
    fields: readonly Field[],
    { used, from }: { readonly used: ReadonlySet<SecretName>; readonly from: Authority },
    minting: Minting | undefined,
  ): ResponseMinter | undefined {
    if (minting === undefined || used.size === 0) return undefined;
    const names = minting.namesFor(used);
    if (names === undefined) return undefined;
    return new ResponseMinter(bodySyntax(fields), names, (field, value) => minting.mint({ field, value, used, from }));
  }

  /** Puts one text in the place of every credential, for whoever has no use for tokens. */
  static hiding(fields: readonly Field[], standIn: string): ResponseMinter {
    return new ResponseMinter(bodySyntax(fields), FieldNames.default, () => standIn);
  }

  /** Replaces credentials in a body that is there as a whole. */
  replaceAll(bytes: Uint8Array): Uint8Array {
    const syntax = this.syntax === "text" ? guessedSyntax(bytes) : this.syntax;
    if (syntax === undefined) return bytes;
    if (syntax === "form") return encodeLatin1(this.#form(decodeLatin1(bytes)));
    return new FieldScanner(this.#names, syntax, this.#mint).flush(bytes);
  }

  /** For a body that is looked at as it streams; undefined where that cannot be. */
  scanner(): FieldScanner | undefined {
    const { syntax } = this;
    return syntax === "json" || syntax === "xml" ? new FieldScanner(this.#names, syntax, this.#mint) : undefined;
  }

  /** A redirect hands credentials out in the parameters of its address (RFC 6749 §4.2.2). */
  location(address: string): string {
    const at = address.search(/[?#]/);
    if (at < 0) return address;
    return address.slice(0, at) + address.slice(at).replace(/[^?#]+/g, (parameters) => this.#form(parameters));
  }

  #form(text: string): string {
    return text.split("&").map((parameter) => {
      const equals = parameter.indexOf("=");
      if (equals < 0) return parameter;
      const [[name = "", value = ""] = []] = new URLSearchParams(parameter);
      const token = this.#names.has(name.trim()) ? this.#mint(name.trim(), value.trim()) : undefined;
      return token === undefined ? parameter : parameter.slice(0, equals + 1) + token;
    }).join("&");
  }
}

const JSON_REGEXP = /^(?:application|text)\/(?:[a-z0-9.-]+\+)?json$/;
const XML_REGEXP = /^(?:application|text)\/(?:[a-z0-9.-]+\+)?xml$/;
const SCRIPT_REGEXP = /^(?:application|text)\/(?:x-)?javascript$/;

/** By all that its head says of it: a program is free to believe any one of two types. */
function bodySyntax(fields: readonly Field[]): BodySyntax | undefined {
  const types = fields.filter(({ lower }) => lower === "content-type")
    .flatMap(({ value }) => value.split(","))
    .map((value) => value.split(";", 1)[0]!.trim().toLowerCase());
  if (types.some((type) => JSON_REGEXP.test(type))) return "json";
  if (types.includes("application/x-www-form-urlencoded")) return "form";
  if (types.some((type) => XML_REGEXP.test(type))) return "xml";
  const text = types.length === 0 || types.some((type) => type === "text/plain" || SCRIPT_REGEXP.test(type));
  return text ? "text" : undefined;
}

function guessedSyntax(bytes: Uint8Array): "json" | "xml" | "form" | undefined {
  const start = decodeLatin1(bytes.subarray(0, 512)).trimStart();
  // JSON, and JSON behind what keeps it from being a script; and JSON as a script.
  if (/^(?:[{[]|\)\]\}')/.test(start)) return "json";
  if (start.includes("(") && /^(?:\/\*\*\/)?[\w$.]+\(/.test(start)) return "json";
  if (start.startsWith("<")) return "xml";
  // The whole is made text only where it begins as a form does: of a large body that takes longer than all else with it.
  const equals = bytes.indexOf("=".charCodeAt(0));
  if (equals < 0 || !/^\s*[\w.%+-]+$/.test(decodeLatin1(bytes.subarray(0, equals)))) return undefined;
  return /^[\w.%+-]+=[^\s"<]*$/.test(decodeLatin1(bytes).trim()) ? "form" : undefined;
}
