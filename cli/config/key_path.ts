/** The way to a value in a TOML document: table keys and list indexes, outermost first. */
export type KeyPath = readonly (string | number)[];

const HARMLESS_REGEXP = /^[A-Za-z0-9_-]{1,64}$/;
/** What credentials of well-known services begin with. */
const TOKEN_REGEXP =
  /^(?:AKIA|ASIA|AIza|eyJ|AGE-SECRET|gh[opsur]_|github_pat_|glpat-|hv[sbr]\b|xox[a-z]-|[sprw]k[-_]|npm_|pypi-|do[oprt]_v1|shp(?:at|ca|pa|ss)_|ya29|kz_|KZ_TOK)/i;
/** A stretch without "_" or "-" this long is no word that a person chose as a key. */
const LONG_RUN = 20;
/** From this length on, digits among letters look like random text and not like `s3` or `2fa`. */
const MIXED_RUN = 10;

/**
 * Whether a key as it stands in a file may be shown in a message. A file may hold a secret where a key belongs, so
 * anything that looks like one is left out: doubt hides.
 */
export function isHarmlessKey(key: string): boolean {
  if (!HARMLESS_REGEXP.test(key) || TOKEN_REGEXP.test(key)) return false;
  return key.split(/[_-]/).every((run) =>
    run.length < LONG_RUN && !(run.length >= MIXED_RUN && /\d/.test(run) && /[A-Za-z]/.test(run))
  );
}

/** `secrets.GITHUB_TOKEN.hosts[0]`; a key that may be a secret is shown as `…`. */
export function formatKeyPath(path: KeyPath): string {
  return path.map((part, index) => {
    if (typeof part === "number") return `[${part}]`;
    const key = isHarmlessKey(part) ? part : "…";
    return index === 0 ? key : `.${key}`;
  }).join("");
}
