// Long because it is one table: what an attacker may try on a JWT, both sides of each boundary.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Algorithm, ALGORITHMS } from "../../../policy/server/bundle.ts";
import { Denial, type DenialCode } from "../../../policy/server/denial.ts";
import { JwtVerifier } from "./jwt_verifier.ts";
import { MAX_JWT_CHARACTERS } from "./compact_jws.ts";
import { CLAIMS, ISSUERS, JWKS, KEYS, NOW, SECRET, token, type TokenParts } from "./testing/issuers.ts";
import { publishedText } from "./testing/published_text.ts";
import { base64Url, signBytes, type SigningKey, signTexts } from "./testing/signing_keys.ts";

/** The key set as it comes from a real server by the real worker. */
const published = await publishedText(JWKS);

function verifier(): JwtVerifier {
  return new JwtVerifier(ISSUERS, { fetchJwks: () => Promise.resolve(published), now: () => NOW * 1000 });
}

type Attack = readonly [why: string, jwt: string | Promise<string>, expected: DenialCode | "accepted"];

/** The header and payload of a valid token with another header, unsigned. */
function unsigned(header: Record<string, unknown>, signature = ""): string {
  return `${base64Url(JSON.stringify(header))}.${base64Url(JSON.stringify(CLAIMS))}.${signature}`;
}

/** A valid token that is then changed as text. */
async function changed(change: (parts: [string, string, string]) => string, parts?: TokenParts): Promise<string> {
  const [head = "", payload = "", signature = ""] = (await token(parts)).split(".");
  return change([head, payload, signature]);
}

/** Signed with a public key in the place of a shared secret. */
function confused(alg: Algorithm, secret: string | Uint8Array, kid = "rsa", iss: string = CLAIMS.iss): Promise<string> {
  const key = new Uint8Array(Buffer.from(secret));
  return token({ alg, header: { kid }, claims: { iss }, key });
}

/** Texts in place of what `JSON.stringify()` would write. */
function texts(header: string, payload: string): Promise<string> {
  return signTexts({ header, payload }, "ES256", KEYS.p256);
}

const HEADER = '"alg":"ES256","kid":"p256"';
const PAYLOAD = JSON.stringify(CLAIMS).slice(1, -1);
const withClaims = (claims: Record<string, unknown>) => token({ claims });
const withHeader = (header: Record<string, unknown>, key?: SigningKey) =>
  token({ header, ...(key === undefined ? {} : { key }) });

const several = (header: Record<string, unknown>) => token({ header, claims: { iss: "https://several.test" } });

const ALGORITHM_ATTACKS: readonly Attack[] = [
  ["alg none", unsigned({ alg: "none" }), "JWT_ALGORITHM_REFUSED"],
  ["alg None", unsigned({ alg: "None" }), "JWT_ALGORITHM_REFUSED"],
  ["alg NONE", unsigned({ alg: "NONE" }), "JWT_ALGORITHM_REFUSED"],
  ["alg nOnE and a kid", unsigned({ alg: "nOnE", kid: "p256" }), "JWT_ALGORITHM_REFUSED"],
  [
    "alg none with the signature of a valid token",
    changed(([, , s]) => unsigned({ alg: "none" }, s)),
    "JWT_ALGORITHM_REFUSED",
  ],
  ["no signature for ES256", unsigned({ alg: "ES256", kid: "p256" }), "JWT_SIGNATURE_INVALID"],
  [
    "no signature for HS256",
    changed(([h, p]) => `${h}.${p}.`, {
      alg: "HS256",
      header: { kid: "h256" },
      claims: { iss: "https://shared.test" },
      key: SECRET.slice(0, 32),
    }),
    "JWT_SIGNATURE_INVALID",
  ],
  ["no algorithm", texts('{"kid":"p256"}', `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["an algorithm that is a number", texts('{"alg":1,"kid":"p256"}', `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["a list of algorithms", texts('{"alg":["ES256"],"kid":"p256"}', `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["an algorithm in lower case", withHeader({ alg: "es256" }), "JWT_ALGORITHM_REFUSED"],
  ["an algorithm with a space", withHeader({ alg: "ES256 " }), "JWT_ALGORITHM_REFUSED"],
  ["a name that every object has", withHeader({ alg: "constructor" }), "JWT_ALGORITHM_REFUSED"],
  ["ES512", withHeader({ alg: "ES512" }), "JWT_ALGORITHM_REFUSED"],
  ["ES256K", withHeader({ alg: "ES256K" }), "JWT_ALGORITHM_REFUSED"],
  [
    "Ed25519, the newer name of EdDSA",
    token({ alg: "EdDSA", header: { alg: "Ed25519", kid: "ed25519" }, key: KEYS.ed25519 }),
    "JWT_ALGORITHM_REFUSED",
  ],
  [
    "HS256 with the RSA public key in PEM as the secret",
    confused("HS256", KEYS.rsa.publicPem),
    "JWT_ALGORITHM_REFUSED",
  ],
  [
    "HS256 with that PEM without its last line break",
    confused("HS256", KEYS.rsa.publicPem.trim()),
    "JWT_ALGORITHM_REFUSED",
  ],
  [
    "HS256 with the RSA public key in DER as the secret",
    confused("HS256", KEYS.rsa.publicDer),
    "JWT_ALGORITHM_REFUSED",
  ],
  [
    "HS256 with the RSA public JWK as the secret",
    confused("HS256", JSON.stringify(KEYS.rsa.publicJwk)),
    "JWT_ALGORITHM_REFUSED",
  ],
  ["HS512 with the key set as the secret", confused("HS512", JWKS), "JWT_ALGORITHM_REFUSED"],
  [
    "HS256 with the PEM where the issuer has secrets as well",
    confused("HS256", KEYS.rsa.publicPem, "rsa-pem", "https://shared.test"),
    "JWT_ALGORITHM_REFUSED",
  ],
  [
    "HS256 with the PEM under a secret's kid",
    confused("HS256", KEYS.rsa.publicPem, "h256", "https://shared.test"),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "HS256 with an empty secret",
    token({ alg: "HS256", header: { kid: "h256" }, claims: { iss: "https://shared.test" }, key: new Uint8Array(1) }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "HS256 with another secret of the issuer",
    token({ alg: "HS256", header: { kid: "h256" }, claims: { iss: "https://shared.test" }, key: SECRET }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "HS384 under the kid of HS256",
    token({ alg: "HS384", header: { kid: "h256" }, claims: { iss: "https://shared.test" }, key: SECRET.slice(0, 32) }),
    "JWT_ALGORITHM_REFUSED",
  ],
  [
    "RS256 said to be PS256",
    token({ alg: "RS256", header: { alg: "PS256", kid: "rsa" }, key: KEYS.rsa }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "PS256 said to be RS256",
    token({ alg: "PS256", header: { alg: "RS256", kid: "rsa" }, key: KEYS.rsa }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "RS256 said to be RS512",
    token({ alg: "RS256", header: { alg: "RS512", kid: "rsa" }, key: KEYS.rsa }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "PS256 with a key that is for RS256",
    token({ alg: "PS256", header: { kid: "rsa-pem" }, claims: { iss: "https://shared.test" }, key: KEYS.rsa }),
    "JWT_ALGORITHM_REFUSED",
  ],
  [
    "RS384 with a key that is for RS256",
    token({ alg: "RS384", header: { kid: "rsa-pem" }, claims: { iss: "https://shared.test" }, key: KEYS.rsa }),
    "JWT_ALGORITHM_REFUSED",
  ],
  ["ES256 with the P-384 key", withHeader({ kid: "p384" }), "JWT_ALGORITHM_REFUSED"],
  [
    "ES384 with the P-256 key",
    token({ alg: "ES384", header: { kid: "p256" }, key: KEYS.p384 }),
    "JWT_ALGORITHM_REFUSED",
  ],
  [
    "ES384 said to be ES256",
    token({ alg: "ES384", header: { alg: "ES256", kid: "p256" }, key: KEYS.p384 }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "EdDSA with the P-256 key",
    token({ alg: "EdDSA", header: { kid: "p256" }, key: KEYS.ed25519 }),
    "JWT_ALGORITHM_REFUSED",
  ],
  ["ES256 with the Ed25519 key", withHeader({ kid: "ed25519" }), "JWT_ALGORITHM_REFUSED"],
  [
    "RS256 with the P-256 key",
    token({ alg: "RS256", header: { kid: "p256" }, key: KEYS.rsa }),
    "JWT_ALGORITHM_REFUSED",
  ],
];

const KEY_ATTACKS: readonly Attack[] = [
  ["a kid that is a path", withHeader({ kid: "../../../../dev/null" }), "JWT_KEY_UNKNOWN"],
  ["a kid that is SQL", withHeader({ kid: "x' UNION SELECT 'secret'--" }), "JWT_KEY_UNKNOWN"],
  ["a kid that is a URL", withHeader({ kid: "https://evil.test/keys" }), "JWT_KEY_UNKNOWN"],
  ["a kid that is a command", withHeader({ kid: "p256;curl evil.test" }), "JWT_KEY_UNKNOWN"],
  ["a kid that every object has", withHeader({ kid: "constructor" }), "JWT_KEY_UNKNOWN"],
  ["the kid __proto__", withHeader({ kid: "__proto__" }), "JWT_KEY_UNKNOWN"],
  ["a kid in another case", withHeader({ kid: "P256" }), "JWT_KEY_UNKNOWN"],
  ["a kid with a NUL after it", withHeader({ kid: "p256\0" }), "JWT_KEY_UNKNOWN"],
  ["an unknown kid of 256 characters", withHeader({ kid: "k".repeat(256) }), "JWT_KEY_UNKNOWN"],
  ["a kid of 257 characters", withHeader({ kid: "k".repeat(257) }), "JWT_MALFORMED"],
  ["an empty kid", withHeader({ kid: "" }), "JWT_MALFORMED"],
  ["a kid that is a number", withHeader({ kid: 1 }), "JWT_MALFORMED"],
  ["a kid that is null", withHeader({ kid: null }), "JWT_MALFORMED"],
  ["a kid that is a list", withHeader({ kid: ["p256"] }), "JWT_MALFORMED"],
  ["a kid that is an object", withHeader({ kid: { p256: 1 } }), "JWT_MALFORMED"],
  ["the kid and key of another issuer", withHeader({ kid: "other" }, KEYS.other), "JWT_KEY_UNKNOWN"],
  ["another issuer's name with one's own key", token({ claims: { iss: "https://second.test/" } }), "JWT_KEY_UNKNOWN"],
  [
    "another issuer's kid with one's own key",
    token({ header: { kid: "other" }, claims: { iss: "https://second.test/" } }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "the kid of another key of the issuer",
    token({ alg: "RS256", header: { kid: "rsa" }, key: KEYS.attackerRsa }),
    "JWT_SIGNATURE_INVALID",
  ],
  ["no kid where several keys fit", several({ kid: undefined }), "JWT_KEY_UNKNOWN"],
  ["a kid of two keys that fit", several({ kid: "twice" }), "JWT_KEY_UNKNOWN"],
  ["a kid where several keys fit", several({ kid: "a" }), "accepted"],
  [
    "a kid of two keys, one of which fits",
    token({ alg: "ES384", header: { kid: "twice" }, claims: { iss: "https://several.test" }, key: KEYS.p384 }),
    "accepted",
  ],
  ["a kid where the only key has none", token({ claims: { iss: "https://unnamed.test" } }), "JWT_KEY_UNKNOWN"],
  [
    "no kid where the only key has none",
    token({ header: { kid: undefined }, claims: { iss: "https://unnamed.test" } }),
    "accepted",
  ],
  ["no kid and a key that nobody has", withHeader({ kid: undefined }, KEYS.attacker), "JWT_SIGNATURE_INVALID"],
  ["no kid where one key fits", withHeader({ kid: undefined }), "accepted"],
  [
    "no kid and an algorithm that no key is for",
    token({ alg: "RS256", header: { kid: undefined }, claims: { iss: "https://second.test/" }, key: KEYS.rsa }),
    "JWT_ALGORITHM_REFUSED",
  ],
  ["its own key as jwk", withHeader({ jwk: KEYS.attacker.publicJwk }, KEYS.attacker), "JWT_SIGNATURE_INVALID"],
  [
    "its own key as jwk, with that key's kid",
    withHeader({ kid: "mine", jwk: { ...KEYS.attacker.publicJwk, kid: "mine" } }, KEYS.attacker),
    "JWT_KEY_UNKNOWN",
  ],
  [
    "its own key as jwk, and no kid",
    withHeader({ kid: undefined, jwk: KEYS.attacker.publicJwk }, KEYS.attacker),
    "JWT_SIGNATURE_INVALID",
  ],
  ["its own key set as jku", withHeader({ jku: "https://evil.test/keys" }, KEYS.attacker), "JWT_SIGNATURE_INVALID"],
  ["its own certificate as x5u", withHeader({ x5u: "https://evil.test/cert" }, KEYS.attacker), "JWT_SIGNATURE_INVALID"],
  [
    "its own certificate as x5c",
    withHeader({ x5c: [Buffer.from(KEYS.attacker.publicDer).toString("base64")] }, KEYS.attacker),
    "JWT_SIGNATURE_INVALID",
  ],
  ["a foreign jku and a valid signature", withHeader({ jku: "https://evil.test/keys" }), "accepted"],
  ["a key of nobody", withHeader({}, KEYS.attacker), "JWT_SIGNATURE_INVALID"],
];

const HEADER_ATTACKS: readonly Attack[] = [
  ["crit", withHeader({ crit: ["exp"], exp: 1 }), "JWT_MALFORMED"],
  ["an empty crit", withHeader({ crit: [] }), "JWT_MALFORMED"],
  ["b64 false with crit", withHeader({ b64: false, crit: ["b64"] }), "JWT_MALFORMED"],
  ["b64 false alone", withHeader({ b64: false }), "JWT_MALFORMED"],
  ["b64 true", withHeader({ b64: true }), "JWT_MALFORMED"],
  ["cty, a token in a token", withHeader({ cty: "JWT" }), "JWT_MALFORMED"],
  ["zip", withHeader({ zip: "DEF" }), "JWT_MALFORMED"],
  ["typ dpop+jwt", withHeader({ typ: "dpop+jwt" }), "JWT_MALFORMED"],
  ["typ logout+jwt", withHeader({ typ: "logout+jwt" }), "JWT_MALFORMED"],
  ["typ that is a number", withHeader({ typ: 1 }), "JWT_MALFORMED"],
  ["typ at+jwt", withHeader({ typ: "at+jwt" }), "accepted"],
  ["typ application/at+JWT", withHeader({ typ: "application/at+JWT" }), "accepted"],
  ["no typ", withHeader({ typ: undefined }), "accepted"],
  ["alg twice, none first", texts(`{"alg":"none",${HEADER}}`, `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["alg twice, none last", texts(`{${HEADER},"alg":"none"}`, `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["alg twice, one in escapes", texts(`{${HEADER},"\\u0061lg":"none"}`, `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["kid twice", texts(`{${HEADER},"kid":"p256"}`, `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["__proto__ in the header", texts(`{${HEADER},"__proto__":{"kid":"x"}}`, `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["a header that is a list", texts(`["ES256"]`, `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["a header that is null", texts("null", `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["a header that is a text", texts('"ES256"', `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["a header that is not JSON", texts(`{${HEADER},}`, `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["a header with a byte order mark", texts(`\ufeff{${HEADER}}`, `{${PAYLOAD}}`), "JWT_MALFORMED"],
  ["a header with white space", texts(`\n { ${HEADER} }\n`, `{${PAYLOAD}}`), "accepted"],
];

const CLAIM_ATTACKS: readonly Attack[] = [
  ["sub twice", texts(`{${HEADER}}`, `{${PAYLOAD},"sub":"admin"}`), "JWT_MALFORMED"],
  ["aud twice, one in escapes", texts(`{${HEADER}}`, `{"\\u0061ud":"x",${PAYLOAD}}`), "JWT_MALFORMED"],
  ["a name twice further in", texts(`{${HEADER}}`, `{${PAYLOAD},"a":{"b":1,"b":2}}`), "JWT_MALFORMED"],
  ["__proto__ in the claims", texts(`{${HEADER}}`, `{${PAYLOAD},"__proto__":{"sub":"x"}}`), "JWT_MALFORMED"],
  ["claims that are a list", texts(`{${HEADER}}`, `[${JSON.stringify(CLAIMS)}]`), "JWT_MALFORMED"],
  ["claims that are not JSON", texts(`{${HEADER}}`, "sub=admin"), "JWT_MALFORMED"],
  ["claims that are empty", texts(`{${HEADER}}`, ""), "JWT_MALFORMED"],
  ["claims that are not UTF-8", notUtf8(), "JWT_MALFORMED"],
  ["half a character in sub", texts(`{${HEADER}}`, `{${PAYLOAD.replace("agent", "\\ud800")}}`), "JWT_MALFORMED"],
  [
    "claims nested 33 deep",
    texts(`{${HEADER}}`, `{${PAYLOAD},"a":${"[".repeat(32)}${"]".repeat(32)}}`),
    "JWT_MALFORMED",
  ],
  ["claims nested 32 deep", texts(`{${HEADER}}`, `{${PAYLOAD},"a":${"[".repeat(31)}${"]".repeat(31)}}`), "accepted"],
  ["no aud", withClaims({ aud: undefined }), "JWT_AUDIENCE_WRONG"],
  ["an empty aud", withClaims({ aud: "" }), "JWT_AUDIENCE_WRONG"],
  ["an empty list as aud", withClaims({ aud: [] }), "JWT_AUDIENCE_WRONG"],
  ["another aud", withClaims({ aud: "other" }), "JWT_AUDIENCE_WRONG"],
  ["an aud that begins like ours", withClaims({ aud: "keyzero2" }), "JWT_AUDIENCE_WRONG"],
  ["an aud in another case", withClaims({ aud: "KeyZero" }), "JWT_AUDIENCE_WRONG"],
  ["other audiences", withClaims({ aud: ["a", "b"] }), "JWT_AUDIENCE_WRONG"],
  ["an aud in a list in a list", withClaims({ aud: [["keyzero"]] }), "JWT_CLAIMS_INVALID"],
  ["an aud that is a number", withClaims({ aud: 1 }), "JWT_CLAIMS_INVALID"],
  ["an aud that is null", withClaims({ aud: null }), "JWT_CLAIMS_INVALID"],
  ["an aud that is an object", withClaims({ aud: { keyzero: true } }), "JWT_CLAIMS_INVALID"],
  ["ours among texts and a number", withClaims({ aud: ["keyzero", 1] }), "JWT_CLAIMS_INVALID"],
  ["ours among others", withClaims({ aud: ["other", "keyzero"] }), "accepted"],
  ["no aud where the bundle asks for none", withClaims({ iss: "https://any.test", aud: undefined }), "accepted"],
  ["any aud where the bundle asks for none", withClaims({ iss: "https://any.test", aud: "x" }), "accepted"],
  [
    "an aud of a wrong type where the bundle asks for none",
    withClaims({ iss: "https://any.test", aud: 1 }),
    "JWT_CLAIMS_INVALID",
  ],
  ["no iss", withClaims({ iss: undefined }), "JWT_ISSUER_UNKNOWN"],
  ["an empty iss", withClaims({ iss: "" }), "JWT_ISSUER_UNKNOWN"],
  ["a part of the iss", withClaims({ iss: "https://issuer.tes" }), "JWT_ISSUER_UNKNOWN"],
  ["an iss that begins like ours", withClaims({ iss: "https://issuer.test.evil.test" }), "JWT_ISSUER_UNKNOWN"],
  ["an iss that ends like ours", withClaims({ iss: "xhttps://issuer.test" }), "JWT_ISSUER_UNKNOWN"],
  ["an iss in another case", withClaims({ iss: "https://Issuer.test" }), "JWT_ISSUER_UNKNOWN"],
  ["a slash after the iss", withClaims({ iss: "https://issuer.test/" }), "JWT_ISSUER_UNKNOWN"],
  [
    "an iss without its slash",
    token({ header: { kid: "other" }, claims: { iss: "https://second.test" }, key: KEYS.other }),
    "JWT_ISSUER_UNKNOWN",
  ],
  ["an iss with its port written", withClaims({ iss: "https://issuer.test:443" }), "JWT_ISSUER_UNKNOWN"],
  ["a space after the iss", withClaims({ iss: "https://issuer.test " }), "JWT_ISSUER_UNKNOWN"],
  ["a list as iss", withClaims({ iss: ["https://issuer.test"] }), "JWT_ISSUER_UNKNOWN"],
  ["the issuer's name as iss", withClaims({ iss: "main" }), "JWT_ISSUER_UNKNOWN"],
  ["an iss that every object has", withClaims({ iss: "constructor" }), "JWT_ISSUER_UNKNOWN"],
  ["expired 59 s ago", withClaims({ exp: NOW - 59 }), "accepted"],
  ["expired 60 s ago", withClaims({ exp: NOW - 60 }), "JWT_EXPIRED"],
  ["expired 61 s ago", withClaims({ exp: NOW - 61 }), "JWT_EXPIRED"],
  ["an exp of long ago", withClaims({ exp: 0 }), "JWT_EXPIRED"],
  ["an exp with a fraction", withClaims({ exp: NOW + 0.5 }), "accepted"],
  ["an exp with a fraction that has passed", withClaims({ exp: NOW - 60.5 }), "JWT_EXPIRED"],
  ["no exp", withClaims({ exp: undefined }), "JWT_CLAIMS_INVALID"],
  ["an exp that is a text", withClaims({ exp: `${NOW + 300}` }), "JWT_CLAIMS_INVALID"],
  ["an exp that is null", withClaims({ exp: null }), "JWT_CLAIMS_INVALID"],
  ["an exp that is true", withClaims({ exp: true }), "JWT_CLAIMS_INVALID"],
  ["an exp that is a list", withClaims({ exp: [NOW + 300] }), "JWT_CLAIMS_INVALID"],
  ["a negative exp", withClaims({ exp: -1 }), "JWT_CLAIMS_INVALID"],
  ["an exp of 1e400", texts(`{${HEADER}}`, `{${PAYLOAD.replace(/"exp":\d+/, '"exp":1e400')}}`), "JWT_MALFORMED"],
  ["an exp of 1e300", texts(`{${HEADER}}`, `{${PAYLOAD.replace(/"exp":\d+/, '"exp":1e300')}}`), "JWT_MALFORMED"],
  ["an exp in milliseconds", withClaims({ exp: NOW * 1000 }), "JWT_CLAIMS_INVALID"],
  ["an exp at the end of 9999", withClaims({ exp: 253_402_300_799 }), "accepted"],
  ["an exp in the year 10000", withClaims({ exp: 253_402_300_800 }), "JWT_CLAIMS_INVALID"],
  ["nbf 59 s ahead", withClaims({ nbf: NOW + 59 }), "accepted"],
  ["nbf 60 s ahead", withClaims({ nbf: NOW + 60 }), "accepted"],
  ["nbf 61 s ahead", withClaims({ nbf: NOW + 61 }), "JWT_NOT_YET_VALID"],
  ["an nbf that is a text", withClaims({ nbf: "0" }), "JWT_CLAIMS_INVALID"],
  ["an nbf that is null", withClaims({ nbf: null }), "JWT_CLAIMS_INVALID"],
  ["iat 60 s ahead", withClaims({ iat: NOW + 60 }), "accepted"],
  ["iat 61 s ahead", withClaims({ iat: NOW + 61 }), "JWT_NOT_YET_VALID"],
  ["an iat that is a text", withClaims({ iat: `${NOW}` }), "JWT_CLAIMS_INVALID"],
  ["no iat", withClaims({ iat: undefined }), "accepted"],
  ["no sub", withClaims({ sub: undefined }), "JWT_CLAIMS_INVALID"],
  ["an empty sub", withClaims({ sub: "" }), "JWT_CLAIMS_INVALID"],
  ["a sub that is a number", withClaims({ sub: 1 }), "JWT_CLAIMS_INVALID"],
  ["a sub that is a list", withClaims({ sub: ["admin"] }), "JWT_CLAIMS_INVALID"],
  ["a sub with a line break", withClaims({ sub: "agent\nadmin" }), "JWT_CLAIMS_INVALID"],
  ["a sub of 512 characters", withClaims({ sub: "s".repeat(512) }), "accepted"],
  ["a sub of 513 characters", withClaims({ sub: "s".repeat(513) }), "JWT_CLAIMS_INVALID"],
];

/** The DER form of an ECDSA signature (RFC 3279 §2.2.3), which JWS does not use. */
function derSignature(raw: Uint8Array): Uint8Array {
  const integer = (part: Uint8Array) => {
    const first = part.findIndex((byte) => byte !== 0);
    const short = part.subarray(first);
    const bytes = short[0]! >= 0x80 ? [0, ...short] : [...short];
    return [2, bytes.length, ...bytes];
  };
  const body = [...integer(raw.subarray(0, raw.length / 2)), ...integer(raw.subarray(raw.length / 2))];
  return new Uint8Array([0x30, body.length, ...body]);
}

const FORM_ATTACKS: readonly Attack[] = [
  ["an empty text", "", "JWT_MALFORMED"],
  ["a text that is none", "canary-not-a-jwt", "JWT_MALFORMED"],
  ["only dots", "..", "JWT_MALFORMED"],
  ["one part", changed(([h]) => h), "JWT_MALFORMED"],
  ["two parts", changed(([h, p]) => `${h}.${p}`), "JWT_MALFORMED"],
  ["four parts", changed(([h, p, s]) => `${h}.${p}.${s}.${s}`), "JWT_MALFORMED"],
  ["five parts, as a JWE has", changed(([h, p, s]) => `${h}.${s}.${s}.${p}.${s}`), "JWT_MALFORMED"],
  ["a dot at the end", changed(([h, p, s]) => `${h}.${p}.${s}.`), "JWT_MALFORMED"],
  [
    "a JSON serialization",
    changed(([h, p, s]) => JSON.stringify({ protected: h, payload: p, signature: s })),
    "JWT_MALFORMED",
  ],
  ["Bearer before it", changed((parts) => `Bearer ${parts.join(".")}`), "JWT_MALFORMED"],
  ["a line break after it", changed((parts) => `${parts.join(".")}\n`), "JWT_MALFORMED"],
  ["a space in it", changed(([h, p, s]) => `${h}. ${p}.${s}`), "JWT_MALFORMED"],
  ["padding", changed(([h, p, s]) => `${h}.${p}.${s}==`), "JWT_MALFORMED"],
  [
    "padding of the header",
    texts(`{${HEADER} }`, `{${PAYLOAD}}`).then((jwt) => jwt.replace(".", "=.")),
    "JWT_MALFORMED",
  ],
  ["the other alphabet of base64", changed(([h, p]) => `${h}.${p}.${"ab+/".repeat(21)}ab`), "JWT_MALFORMED"],
  [
    "bits left over in the signature",
    changed(([h, p, s]) => `${h}.${p}.${s.slice(0, -1)}${nextCharacter(s.at(-1)!)}`),
    "JWT_MALFORMED",
  ],
  ["a part of a length that no bytes have", changed(([h, p, s]) => `${h}.${p}.${s}AAA`), "JWT_MALFORMED"],
  ["a NUL in it", changed(([h, p, s]) => `${h}.${p}.${s.slice(0, -2)}\0`), "JWT_MALFORMED"],
  [
    "a letter that only looks alike",
    changed(([h, p, s]) => `${h}.${p}.${s.replace(/[a-zA-Z]/, "\u0430")}`),
    "JWT_MALFORMED",
  ],
  [
    "more characters than the cap",
    changed(([h, p, s]) => `${h}.${p}.${s}${"A".repeat(MAX_JWT_CHARACTERS)}`),
    "JWT_MALFORMED",
  ],
  ["a megabyte", "A".repeat(1024 * 1024), "JWT_MALFORMED"],
  ["as many characters as the cap", sized(MAX_JWT_CHARACTERS), "accepted"],
  ["one character more than the cap", sized(MAX_JWT_CHARACTERS + 1), "JWT_MALFORMED"],
  [
    "a payload of another token",
    changed(([h, , s]) => `${h}.${base64Url(JSON.stringify({ ...CLAIMS, sub: "admin" }))}.${s}`),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "a header of another token",
    changed(([, p, s]) => `${base64Url(`{"typ":"JWT",${HEADER}}`)}.${p}.${s}`),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "the signature of another token",
    token({ claims: { sub: "other" } }).then((other) => changed(([h, p]) => `${h}.${p}.${other.split(".")[2]}`)),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "a signature that is cut off",
    changed(([h, p, s]) => `${h}.${p}.${base64Url(bytesOf(s).subarray(0, -1))}`),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "a signature that goes on",
    changed(([h, p, s]) => `${h}.${p}.${base64Url(new Uint8Array([...bytesOf(s), 0]))}`),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "a flipped bit in the signature",
    changed(([h, p, s]) => `${h}.${p}.${base64Url(flipped(bytesOf(s)))}`),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "a flipped bit in an RSA signature",
    changed(([h, p, s]) => `${h}.${p}.${base64Url(flipped(bytesOf(s)))}`, {
      alg: "RS256",
      header: { kid: "rsa" },
      key: KEYS.rsa,
    }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "an RSA signature of zeros",
    changed(([h, p]) => `${h}.${p}.${base64Url(new Uint8Array(256))}`, {
      alg: "RS256",
      header: { kid: "rsa" },
      key: KEYS.rsa,
    }),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "an ECDSA signature of r = s = 0",
    changed(([h, p]) => `${h}.${p}.${base64Url(new Uint8Array(64))}`),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "an ECDSA signature of r = s = n",
    changed(([h, p]) => `${h}.${p}.${base64Url(groupOrderTwice())}`),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "an ECDSA signature in DER",
    changed(([h, p, s]) => `${h}.${p}.${base64Url(derSignature(bytesOf(s)))}`),
    "JWT_SIGNATURE_INVALID",
  ],
  [
    "an EdDSA signature of zeros",
    changed(([h, p]) => `${h}.${p}.${base64Url(new Uint8Array(64))}`, {
      alg: "EdDSA",
      header: { kid: "ed25519" },
      key: KEYS.ed25519,
    }),
    "JWT_SIGNATURE_INVALID",
  ],
  ["a signature over the parts without their dot", withoutDot(), "JWT_SIGNATURE_INVALID"],
];

function bytesOf(part: string): Uint8Array {
  return new Uint8Array(Buffer.from(part, "base64url"));
}

function flipped(bytes: Uint8Array): Uint8Array {
  bytes[bytes.length >> 1]! ^= 1;
  return bytes;
}

/** The order of P-256 (FIPS 186-4 §D.1.2.3), for both halves. */
function groupOrderTwice(): Uint8Array {
  return Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551".repeat(2), "hex");
}

/** Another character with the same bits in front: 64 bytes leave four bits over. */
function nextCharacter(character: string): string {
  return String.fromCharCode(character.charCodeAt(0) + 1);
}

async function sized(characters: number): Promise<string> {
  const bare = (await token({ claims: { pad: "" } })).length;
  // Three bytes are four characters: what is left over is made up for in the header, whose length changes alone.
  for (let extra = 0; extra < 4; extra++) {
    const room = characters - bare - extra;
    for (let pad = Math.floor(room * 3 / 4) - 3; pad <= Math.ceil(room * 3 / 4) + 3; pad++) {
      const jwt = await token({ header: { x: "y".repeat(extra) }, claims: { pad: "x".repeat(Math.max(0, pad - 6)) } });
      if (jwt.length === characters) return jwt;
    }
  }
  throw new Error("no token of that size");
}

/** A byte in `sub` that a lenient decoder would replace, as any other such byte. */
async function notUtf8(): Promise<string> {
  const payload = Buffer.from(`{${PAYLOAD.replace("agent", "agen\xff")}}`, "latin1");
  const input = `${base64Url(`{${HEADER}}`)}.${base64Url(payload)}`;
  return `${input}.${base64Url(await signBytes(new TextEncoder().encode(input), "ES256", KEYS.p256))}`;
}

async function withoutDot(): Promise<string> {
  const [head, payload] = [base64Url(`{${HEADER}}`), base64Url(`{${PAYLOAD}}`)];
  const signature = await signBytes(new TextEncoder().encode(head + payload), "ES256", KEYS.p256);
  return `${head}.${payload}.${base64Url(signature)}`;
}

const ATTACKS = [ALGORITHM_ATTACKS, KEY_ATTACKS, HEADER_ATTACKS, CLAIM_ATTACKS, FORM_ATTACKS].flat();
// No signing goes on when the first test begins.
await Promise.all(ATTACKS.map(([, jwt]) => jwt));

for (const [why, jwt, expected] of ATTACKS) {
  const does = expected === "accepted" ? "accepts" : "refuses";
  Deno.test(`TM-33 JwtVerifier ${does} a JWT with ${why} [S-2.1]`, async () => {
    const text = await jwt;
    // A second time, since results are held.
    const subject = verifier();
    for (let round = 1; round <= 2; round++) {
      if (expected === "accepted") {
        const { identity } = await subject.verify(text);
        assert.equal(typeof identity.subject, "string");
      } else {
        await assert.rejects(subject.verify(text), (error) => {
          assert.ok(error instanceof Denial, String(error));
          assert.equal(error.code, expected, error.detail);
          assertSilent(error, text);
          return true;
        });
      }
    }
  });
}

/** Nothing of the token is in what is said of it. */
function assertSilent(error: Denial, jwt: string): void {
  const said = `${error.message} ${error.title} ${error.detail} ${Deno.inspect(error)}`;
  for (const part of [jwt, ...jwt.split(".")]) if (part.length > 8) assert.ok(!said.includes(part));
}

/** One valid token for each algorithm that there is. */
const VALID: Readonly<Record<Algorithm, TokenParts>> = {
  RS256: { header: { kid: "rsa" }, key: KEYS.rsa },
  RS384: { header: { kid: "rsa" }, key: KEYS.rsa },
  RS512: { header: { kid: "rsa" }, key: KEYS.rsa },
  PS256: { header: { kid: "rsa" }, key: KEYS.rsa },
  PS384: { header: { kid: "rsa" }, key: KEYS.rsa },
  PS512: { header: { kid: "rsa" }, key: KEYS.rsa },
  ES256: { header: { kid: "p256" }, key: KEYS.p256 },
  ES384: { header: { kid: "p384" }, key: KEYS.p384 },
  EdDSA: { header: { kid: "ed25519" }, key: KEYS.ed25519 },
  HS256: { header: { kid: "h256" }, claims: { iss: "https://shared.test" }, key: SECRET.slice(0, 32) },
  HS384: { header: { kid: "h384" }, claims: { iss: "https://shared.test" }, key: SECRET.slice(0, 48) },
  HS512: { header: { kid: "h512" }, claims: { iss: "https://shared.test" }, key: SECRET },
};
for (const alg of ALGORITHMS) {
  Deno.test(`JwtVerifier accepts a valid JWT by ${alg} [S-2.1]`, async () => {
    const { identity, expiresAt } = await verifier().verify(await token({ ...VALID[alg], alg }));
    assert.equal(identity.subject, "service:agent");
    assert.equal(identity.service, "agent");
    assert.deepEqual(identity.groups, ["dev", "ops"]);
    assert.equal(identity.issuer, alg.startsWith("HS") ? "shared" : "main");
    assert.equal(expiresAt, (NOW + 300) * 1000);
  });
}
