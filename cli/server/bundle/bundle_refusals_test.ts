// Longer than 300 lines: one table of what is refused, a row for each kind of fault of each key.
import assert from "node:assert/strict";
import type { ErrorCode } from "../../../policy/error.ts";
import { checkText, issuers, KEYS, keys, policies, resources, withSection } from "./testdata/check_bundle_text.ts";

/** Stands where a value could have been pasted by mistake, as a value and as a key. */
const CANARY = "hunter2_canary_7f3a9c0d1e2b";
const { rsa, shortRsa, p256, p384, ed25519 } = KEYS;
const backends = (text: string) => withSection("backends", `backends:\n${text}`);
const network = (text: string) => withSection("network", `network:\n${text}`);

type Row = [why: string, text: string, code: ErrorCode, message: string, hint?: string];

const DOCUMENT: Row[] = [
  ["an unknown key", `issuer: ${CANARY}`, "CONFIG_KEY_UNKNOWN", ":1: issuer: this key is unknown", '"issuers"'],
  ["a secret as a key", `${CANARY}: 1`, "CONFIG_KEY_UNKNOWN", ":1: …: this key is unknown", "version, issuers"],
  ["a list", `- ${CANARY}`, "CONFIG_TYPE_INVALID", "Cannot read bundle.yaml: a table is expected, not a list"],
  ["a text", CANARY, "CONFIG_TYPE_INVALID", "Cannot read bundle.yaml: a table is expected, not a string"],
  ["nothing", "", "CONFIG_SYNTAX_INVALID", "Cannot read bundle.yaml: it is no YAML document, or an empty one"],
  ["a comment alone", "# x", "CONFIG_SYNTAX_INVALID", "Cannot read bundle.yaml: it is no YAML document"],
  ["an empty document", "---", "CONFIG_TYPE_INVALID", "Cannot read bundle.yaml: a table is expected, not null"],
  ...["version", "issuers", "policies", "resources", "backends"].map((key): Row => [
    `a bundle without ${key}`,
    withSection(key, "# none"),
    "CONFIG_KEY_MISSING",
    `Cannot read bundle.yaml: "${key}" is missing`,
  ]),
  [
    "a version that is a number",
    withSection("version", "\nversion: 1"),
    "CONFIG_TYPE_INVALID",
    ":2: version: a string is expected, not a number",
    "quotation marks",
  ],
  ["another version", withSection("version", 'version: "2"'), "CONFIG_TYPE_INVALID", ":1: version: this version is"],
  ["issuers that are no list", withSection("issuers", "issuers: {}"), "CONFIG_TYPE_INVALID", ":1: issuers: a list is"],
  ["no policies", withSection("policies", "policies:"), "CONFIG_TYPE_INVALID", ":1: policies: a list is expected, not"],
  [
    "a text among issuers",
    withSection("issuers", `issuers:\n  - ${CANARY}`),
    "CONFIG_TYPE_INVALID",
    ":2: issuers[0]: ",
  ],
  ["backends that are a list", withSection("backends", "backends: []"), "CONFIG_TYPE_INVALID", ":1: backends: a table"],
  [
    "revokers that are empty",
    withSection("revokers", 'revokers: " "'),
    "BUNDLE_RULE_INVALID",
    ":1: revokers: it is not CEL",
  ],
  [
    "revokers that are true",
    withSection("revokers", "revokers: true"),
    "CONFIG_TYPE_INVALID",
    ":1: revokers: a string",
  ],
];

const YAML: Row[] = [
  ["an alias", `version: &v "1"\nissuers: *v`, "CONFIG_SYNTAX_INVALID", ":2: issuers: aliases are not read"],
  ["an anchor", `version: &${CANARY} "1"`, "CONFIG_SYNTAX_INVALID", ":1: version: anchors are not read"],
  ["an anchor of a table", `network: &n\n  a: 1`, "CONFIG_SYNTAX_INVALID", "network: anchors are not read"],
  ["an anchor of a key", `&k version: "1"`, "CONFIG_SYNTAX_INVALID", ":1: a key is not text"],
  ["a merge key", `network:\n  <<: { a: ${CANARY} }`, "CONFIG_SYNTAX_INVALID", ":2: network: merge keys are not read"],
  ["a tag", `version: !!str 1`, "CONFIG_SYNTAX_INVALID", ":1: version: tags are not read"],
  ["a tag of ours", `version: !${CANARY} 1`, "CONFIG_SYNTAX_INVALID", ":1: version: tags are not read"],
  ["binary data", `version: !!binary aHVudGVyMg==`, "CONFIG_SYNTAX_INVALID", ":1: version: tags are not read"],
  ["a tag of a table", `network: !!map {}`, "CONFIG_SYNTAX_INVALID", "network: tags are not read"],
  [
    "a key twice",
    `version: "1"\nversion: "${CANARY}"`,
    "CONFIG_SYNTAX_INVALID",
    ":2: version: this key is there twice",
  ],
  [
    "a key twice inside",
    `network:\n  a: 1\n  "a": 2`,
    "CONFIG_SYNTAX_INVALID",
    ":3: network.a: this key is there twice",
  ],
  ["__proto__ twice", `__proto__: 1\n__proto__: 2`, "CONFIG_SYNTAX_INVALID", ":2: __proto__: this key is there twice"],
  ["__proto__", `__proto__: { version: "1" }`, "CONFIG_KEY_UNKNOWN", ":1: __proto__: this key is unknown"],
  [
    "a number as a key",
    `network:\n  1: a`,
    "CONFIG_SYNTAX_INVALID",
    ":2: network: a key is not text; put it into quotation",
  ],
  ["true as a key", `true: a`, "CONFIG_SYNTAX_INVALID", ":1: a key is not text"],
  ["null as a key", `network:\n  : a`, "CONFIG_SYNTAX_INVALID", "network: a key is not text"],
  ["a list as a key", `? [${CANARY}]\n: a`, "CONFIG_SYNTAX_INVALID", ":1: a key is not text"],
  ["a second document", `version: "1"\n---\n${CANARY}: 1`, "CONFIG_SYNTAX_INVALID", ":2:1: a second document begins"],
  ["a trailing document", `version: "1"\n...\n${CANARY}`, "CONFIG_SYNTAX_INVALID", ":3:1: a second document begins"],
  ["a trailing line of dashes", `version: "1"\n---\n`, "CONFIG_SYNTAX_INVALID", ": a second document begins here"],
  ["YAML 1.1", `%YAML 1.1\n---\nversion: "1"`, "CONFIG_SYNTAX_INVALID", "bundle.yaml: directives"],
  ["a tag's meaning", `%TAG ! tag:x\n---\nversion: "1"`, "CONFIG_SYNTAX_INVALID", "bundle.yaml: directives"],
  ["another directive", `%${CANARY}\n---\nversion: "1"`, "CONFIG_SYNTAX_INVALID", "bundle.yaml: directives"],
  ["a tab", `network:\n\tupstream_ca: ${CANARY}`, "CONFIG_SYNTAX_INVALID", ":2:1: a tab is not allowed"],
  ["two keys in a line", `a: ${CANARY}: c`, "CONFIG_SYNTAX_INVALID", ":1:4: there are two keys", "quotation marks"],
  ["an open quotation mark", `a: '${CANARY}`, "CONFIG_SYNTAX_INVALID", ":1:32: a colon, a comma, a bracket or"],
  ["an open list", `a: [${CANARY}`, "CONFIG_SYNTAX_INVALID", ": this line is not indented"],
  ["bad indentation", `a:\n  - ${CANARY}\n b: 1`, "CONFIG_SYNTAX_INVALID", ":3:1: this line is not indented"],
  ["a reserved character", `a: @${CANARY}`, "CONFIG_SYNTAX_INVALID", ":1:4: text that begins with this character"],
  ["a bad escape", `a: "\\q${CANARY}"`, "CONFIG_SYNTAX_INVALID", ":1:5: a backslash needs"],
  ["lists within lists", "[".repeat(100_000), "CONFIG_SYNTAX_INVALID", "nested too deeply"],
  ["dashes upon dashes", "- ".repeat(100_000), "CONFIG_SYNTAX_INVALID", "nested too deeply"],
  ["33 levels", `a: ${"[".repeat(33)}${"]".repeat(33)}`, "CONFIG_SYNTAX_INVALID", ":1: tables and lists are nested"],
  [
    "a billion laughs",
    `a: &a [${CANARY}]\nb: &b [*a, *a]\nc: [*b, *b]`,
    "CONFIG_SYNTAX_INVALID",
    ":1: a: anchors are not read",
  ],
  ["more than 8 MiB", `# ${"x".repeat(8 * 2 ** 20)}`, "CONFIG_UNREADABLE", "bundle.yaml: it is larger than 8 MiB"],
];

const ISSUERS: Row[] = [
  [
    "an unknown key of an issuer",
    issuers({ issuerurl: CANARY }),
    "CONFIG_KEY_UNKNOWN",
    ":7: issuers[0].issuerurl: ",
    '"issuer_url"',
  ],
  ...["name", "type", "issuer_url", "audience"].map((key): Row => [
    `an issuer without ${key}`,
    issuers({ [key]: undefined }),
    "CONFIG_KEY_MISSING",
    `:2: issuers[0]: "${key}" is missing`,
  ]),
  [
    "an issuer's name with a blank",
    issuers({ name: `a ${CANARY}` }),
    "CONFIG_NAME_INVALID",
    ":2: issuers[0].name: 1 to",
  ],
  ["an empty name", issuers({ name: '""' }), "CONFIG_NAME_INVALID", ":2: issuers[0].name: 1 to 64"],
  ["a name of 65 letters", issuers({ name: "a".repeat(65) }), "CONFIG_NAME_INVALID", ":2: issuers[0].name: 1 to 64"],
  ["a name that is a number", issuers({ name: "12" }), "CONFIG_TYPE_INVALID", ":2: issuers[0].name: a string is"],
  [
    "an issuer twice",
    issuers({}, { issuer_url: "https://b.example" }),
    "BUNDLE_ISSUER_INVALID",
    ":7: issuers[1].name: another issuer has this name",
  ],
  [
    "an issuer_url twice",
    issuers({}, { name: "b" }),
    "BUNDLE_ISSUER_INVALID",
    ":9: issuers[1].issuer_url: another issuer has this issuer_url",
  ],
  [
    "an unknown type",
    issuers({ type: "github-action" }),
    "CONFIG_TYPE_INVALID",
    ":3: issuers[0].type: this type",
    '"github-actions"',
  ],
  [
    "a secret as a type",
    issuers({ type: CANARY }),
    "CONFIG_TYPE_INVALID",
    ":3: issuers[0].type: this type",
    "github-actions, kubernetes, gcp, aws, custom",
  ],
  [
    "an issuer_url that is none",
    issuers({ issuer_url: CANARY }),
    "BUNDLE_ISSUER_INVALID",
    ":4: issuers[0].issuer_url: an https URL is expected",
  ],
  [
    "an issuer_url with a password",
    issuers({ issuer_url: `https://u:${CANARY}@a.example` }),
    "BUNDLE_ISSUER_INVALID",
    ":4: issuers[0].issuer_url: a URL without user name",
  ],
  [
    "an issuer_url with an empty user",
    issuers({ issuer_url: "https://@a.example" }),
    "BUNDLE_ISSUER_INVALID",
    ":4: issuers[0].issuer_url: a URL without user name",
  ],
  [
    "an issuer_url with a query",
    issuers({ issuer_url: `https://a.example?${CANARY}` }),
    "BUNDLE_ISSUER_INVALID",
    ":4: issuers[0].issuer_url: a URL without query",
  ],
  ["an empty audience", issuers({ audience: '""' }), "BUNDLE_ISSUER_INVALID", ":5: issuers[0].audience: 1 to 1024"],
  ["no audiences", issuers({ audience: "[]" }), "CONFIG_TYPE_INVALID", ":5: issuers[0].audience: at least 1 item"],
  ["a number among audiences", issuers({ audience: "[a, 1]" }), "CONFIG_TYPE_INVALID", ":5: issuers[0].audience[1]: a"],
  ["null among audiences", issuers({ audience: "[a, null]" }), "CONFIG_TYPE_INVALID", ":5: issuers[0].audience[1]: a"],
  ["an audience that is false", issuers({ audience: "false" }), "CONFIG_TYPE_INVALID", ":5: issuers[0].audience: a"],
  [
    "an unknown field of map",
    issuers({ map: "{ sevice: claims.x }" }),
    "CONFIG_KEY_UNKNOWN",
    ":7: issuers[0].map.sevice: ",
    '"service"',
  ],
  [
    "a map of the issuer",
    issuers({ map: "{ issuer: claims.x }" }),
    "CONFIG_KEY_UNKNOWN",
    ":7: issuers[0].map.issuer: ",
  ],
  ...[
    "service",
    "claims",
    "claims.",
    "claims..a",
    "claims.a[0]",
    "claims.a[*]",
    'claims["a]',
    "claims[\\u0001]",
    "Claims.a",
    "claims.a b",
    `claims.${"a".repeat(256)}`,
  ].map((path): Row => [
    `the claim path ${path.slice(0, 16)}`,
    issuers({ map: `{ service: ${JSON.stringify(path)} }` }),
    "BUNDLE_ISSUER_INVALID",
    ':7: issuers[0].map.service: "claims."',
  ]),
  [
    "neither jwks_url nor static_keys",
    issuers({ jwks_url: undefined }),
    "CONFIG_KEY_MISSING",
    ':2: issuers[0]: "jwks_url" or "static_keys" is missing',
  ],
  [
    "both jwks_url and static_keys",
    issuers({ static_keys: `[{ alg: RS256, pem: ${rsa.publicPem} }]` }),
    "BUNDLE_ISSUER_INVALID",
    ":7: issuers[0].static_keys: it is there beside",
  ],
  [
    "jwks_url over http",
    issuers({ jwks_url: "http://a.example/jwks" }),
    "BUNDLE_ISSUER_INVALID",
    ":6: issuers[0].jwks_url: https is expected",
    "jwks_private",
  ],
  [
    "jwks_url over http, private",
    issuers({ jwks_url: "http://10.0.0.1/", jwks_private: "true" }),
    "BUNDLE_ISSUER_INVALID",
    ":6: issuers[0].jwks_url: https is expected",
  ],
  [
    "jwks_url over http to this machine by name",
    issuers({ jwks_url: "http://localhost/", jwks_private: "true" }),
    "BUNDLE_ISSUER_INVALID",
    ":6: issuers[0].jwks_url: https is expected",
  ],
  [
    "jwks_url over http to loopback without leave",
    issuers({ jwks_url: "http://127.0.0.1:8080/jwks" }),
    "BUNDLE_ISSUER_INVALID",
    ":6: issuers[0].jwks_url: https is expected",
  ],
  ...["127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "2130706433", "0x7f.1"].map((
    host,
  ): Row => [
    `TM-33 jwks_url at ${host}`,
    issuers({ jwks_url: `https://${host}/jwks` }),
    "BUNDLE_ISSUER_INVALID",
    ":6: issuers[0].jwks_url: the address is loopback, private or special",
    "jwks_private: true",
  ]),
  [
    "jwks_url with a password",
    issuers({ jwks_url: `https://u:${CANARY}@a.example/` }),
    "BUNDLE_ISSUER_INVALID",
    ":6: issuers[0].jwks_url: a URL without user name",
  ],
  [
    "jwks_url that is a file",
    issuers({ jwks_url: `file:///${CANARY}` }),
    "BUNDLE_ISSUER_INVALID",
    ":6: issuers[0].jwks_url: an https URL",
  ],
  [
    "jwks_private that is a text",
    issuers({ jwks_private: "yes" }),
    "CONFIG_TYPE_INVALID",
    ":7: issuers[0].jwks_private: true or false is expected, not a string",
  ],
  [
    "TM-33 the algorithm none",
    issuers({ algorithms: "[none]" }),
    "CONFIG_TYPE_INVALID",
    ":7: issuers[0].algorithms[0]: this algorithm is not accepted",
  ],
  [
    "TM-33 HS for keys of a public document",
    issuers({ algorithms: "[RS256, HS256]" }),
    "CONFIG_TYPE_INVALID",
    ":7: issuers[0].algorithms[1]: this algorithm is not accepted",
  ],
  ["no algorithms", issuers({ algorithms: "[]" }), "CONFIG_TYPE_INVALID", ":7: issuers[0].algorithms: at least 1"],
  [
    "algorithms of static keys",
    issuers({ jwks_url: undefined, algorithms: "[RS256]", static_keys: "[]" }),
    "BUNDLE_ISSUER_INVALID",
    ':6: issuers[0].algorithms: it goes with "jwks_url"',
  ],
  [
    "jwks_private of static keys",
    issuers({ jwks_url: undefined, jwks_private: "true", static_keys: "[]" }),
    "BUNDLE_ISSUER_INVALID",
    ':6: issuers[0].jwks_private: it goes with "jwks_url"',
  ],
];

const KEY_ROWS: Row[] = [
  [
    "no static keys",
    issuers({ jwks_url: undefined, static_keys: "[]" }),
    "CONFIG_TYPE_INVALID",
    ":6: issuers[0].static_keys: at least 1 item",
  ],
  [
    "an unknown key of a key",
    keys(`{ alg: RS256, pem: ${rsa.publicPem}, use: sig }`),
    "CONFIG_KEY_UNKNOWN",
    ":7: issuers[0].static_keys[0].use: this key is unknown",
  ],
  ["a key without alg", keys(`{ pem: ${rsa.publicPem} }`), "CONFIG_KEY_MISSING", 'static_keys[0]: "alg" is missing'],
  [
    "TM-33 a key for none",
    keys(`{ alg: none, pem: ${rsa.publicPem} }`),
    "CONFIG_TYPE_INVALID",
    "static_keys[0].alg: this algorithm is not accepted",
  ],
  [
    "a key without material",
    keys("{ alg: RS256, kid: a }"),
    "CONFIG_KEY_MISSING",
    ':7: issuers[0].static_keys[0]: one of "pem", "jwk", "secret_file" is expected',
  ],
  [
    "a key with two materials",
    keys(`{ alg: RS256, pem: ${rsa.publicPem}, jwk: ${rsa.publicJwk} }`),
    "BUNDLE_KEY_INVALID",
    ':7: issuers[0].static_keys[0]: one of "pem", "jwk", "secret_file" is expected',
  ],
  [
    "a pem that is none",
    keys(`{ alg: RS256, pem: ${CANARY} }`),
    "BUNDLE_KEY_INVALID",
    ":7: issuers[0].static_keys[0].pem: one public key in PEM form",
    "openssl pkey -pubout",
  ],
  [
    "a pem of nonsense",
    keys(`{ alg: RS256, pem: "-----BEGIN PUBLIC KEY-----\\n${btoa(CANARY)}\\n-----END PUBLIC KEY-----" }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].pem: the key cannot be read",
  ],
  [
    "two pems in one",
    keys(`{ alg: RS256, pem: ${JSON.stringify(JSON.parse(rsa.publicPem) + JSON.parse(rsa.publicPem))} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].pem: one public key in PEM form",
  ],
  [
    "a certificate",
    keys('{ alg: RS256, pem: "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----" }'),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].pem: one public key in PEM form",
  ],
  [
    "a private pem",
    keys(`{ alg: RS256, pem: ${rsa.privatePem} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].pem: this is a private key",
    "public key",
  ],
  [
    "a private jwk of RSA",
    keys(`{ alg: RS256, jwk: ${rsa.privateJwk} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: this is a private or symmetric key",
  ],
  [
    "a private jwk of a curve",
    keys(`{ alg: ES256, jwk: ${p256.privateJwk} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: this is a private or symmetric key",
  ],
  [
    "a private jwk of Ed25519",
    keys(`{ alg: EdDSA, jwk: ${ed25519.privateJwk} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: this is a private or symmetric key",
  ],
  [
    "a symmetric jwk",
    keys(`{ alg: HS256, jwk: { kty: oct, k: ${CANARY} } }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: this is a private or symmetric key",
    "secret_file",
  ],
  [
    "a symmetric jwk without its key",
    keys("{ alg: RS256, jwk: { kty: oct } }"),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: this is a private or symmetric key",
  ],
  [
    "a jwk that is a text",
    keys(`{ alg: RS256, jwk: ${CANARY} }`),
    "CONFIG_TYPE_INVALID",
    "static_keys[0].jwk: a table",
  ],
  [
    "a jwk of nonsense",
    keys(`{ alg: RS256, jwk: { kty: RSA, n: ${CANARY}, e: AQAB } }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: the key cannot be read",
  ],
  [
    "a jwk in base64",
    keys('{ alg: ES256, jwk: { kty: EC, crv: P-256, x: "a+b=", y: AAAA } }'),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: the JWK has a member that is not base64url",
  ],
  [
    "a jwk for encryption",
    keys(`{ alg: RS256, jwk: ${rsa.publicJwk.replace("}", ',"use":"enc"}')} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: the JWK says that it is for something else",
  ],
  [
    "a jwk for another algorithm",
    keys(`{ alg: RS256, jwk: ${rsa.publicJwk.replace("}", ',"alg":"RS512"}')} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: the JWK says that it is for something else",
  ],
  [
    "a jwk that may not verify",
    keys(`{ alg: RS256, jwk: ${rsa.publicJwk.replace("}", ',"key_ops":["sign"]}')} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: the JWK says that it is for something else",
  ],
  [
    "a jwk with another kid",
    keys(`{ kid: a, alg: RS256, jwk: ${rsa.publicJwk.replace("}", ',"kid":"b"}')} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: the JWK has another kid",
  ],
  [
    "a short RSA key",
    keys(`{ alg: PS256, pem: ${shortRsa.publicPem} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].pem: an RSA key has from 2048 to 8192 bits",
  ],
  [
    "a short RSA key as a jwk",
    keys(`{ alg: RS256, jwk: ${shortRsa.publicJwk} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].jwk: an RSA key has from 2048",
  ],
  [
    "TM-33 an RSA key for HS",
    keys(`{ alg: HS256, pem: ${rsa.publicPem} }`),
    "BUNDLE_KEY_INVALID",
    'static_keys[0].pem: "HS256" needs a secret in a file',
  ],
  [
    "an RSA key for ES",
    keys(`{ alg: ES256, pem: ${rsa.publicPem} }`),
    "BUNDLE_KEY_INVALID",
    "a key on the curve P-256",
  ],
  ["a curve for RS", keys(`{ alg: RS256, pem: ${p256.publicPem} }`), "BUNDLE_KEY_INVALID", '"RS256" needs an RSA key'],
  ["the other curve", keys(`{ alg: ES256, jwk: ${p384.publicJwk} }`), "BUNDLE_KEY_INVALID", "a key on the curve P-256"],
  ["P-256 for ES384", keys(`{ alg: ES384, pem: ${p256.publicPem} }`), "BUNDLE_KEY_INVALID", "a key on the curve P-384"],
  ["a curve for EdDSA", keys(`{ alg: EdDSA, pem: ${p256.publicPem} }`), "BUNDLE_KEY_INVALID", "the curve Ed25519"],
  [
    "a secret for RS",
    keys(`{ alg: RS256, secret_file: ${CANARY} }`),
    "BUNDLE_KEY_INVALID",
    'static_keys[0].secret_file: "RS256" needs a public key',
  ],
  [
    "a secret that is not there",
    keys(`{ alg: HS256, secret_file: ${CANARY} }`),
    "CONFIG_UNREADABLE",
    ":7: issuers[0].static_keys[0].secret_file: there is no such file",
  ],
  [
    "a secret that is a directory",
    keys("{ alg: HS256, secret_file: . }"),
    "CONFIG_UNREADABLE",
    "secret_file: it is not a regular file",
  ],
  [
    "a secret that is too large",
    keys("{ alg: HS256, secret_file: large }"),
    "CONFIG_UNREADABLE",
    "larger than 4096 bytes",
  ],
  ...([["HS256", 32, "short31"], ["HS384", 48, "short47"], ["HS512", 64, "short63"]] as const).map((
    [alg, least, file],
  ): Row => [
    `TM-33 a secret that is too short for ${alg}`,
    keys(`{ alg: ${alg}, secret_file: ${file} }`),
    "BUNDLE_KEY_INVALID",
    `:7: issuers[0].static_keys[0].secret_file: "${alg}" needs a secret of at least ${least} bytes`,
    "openssl rand",
  ]),
  [
    "an empty kid",
    keys(`{ kid: "", alg: RS256, pem: ${rsa.publicPem} }`),
    "BUNDLE_KEY_INVALID",
    "static_keys[0].kid: 1",
  ],
  [
    "a kid twice",
    keys(`{ kid: a, alg: RS256, pem: ${rsa.publicPem} }`, `{ kid: a, alg: ES256, pem: ${p256.publicPem} }`),
    "BUNDLE_KEY_INVALID",
    ":8: issuers[0].static_keys[1]: another key of this issuer has this kid",
  ],
  [
    "two keys of which one has no kid",
    keys(`{ kid: a, alg: RS256, pem: ${rsa.publicPem} }`, `{ alg: ES256, pem: ${p256.publicPem} }`),
    "BUNDLE_KEY_INVALID",
    ':8: issuers[0].static_keys[1]: "kid" is missing',
  ],
];

const POLICIES: Row[] = [
  ...["name", "effect", "rule"].map((key): Row => [
    `a policy without ${key}`,
    policies({ [key]: undefined }),
    "CONFIG_KEY_MISSING",
    `:2: policies[0]: "${key}" is missing`,
  ]),
  [
    "an unknown key of a policy",
    policies({ rules: CANARY }),
    "CONFIG_KEY_UNKNOWN",
    ":5: policies[0].rules: ",
    '"rule"',
  ],
  ["a policy twice", policies({}, {}), "CONFIG_NAME_INVALID", ":5: policies[1].name: another policy has this name"],
  [
    "a policy called default-deny",
    policies({ name: "default-deny" }),
    "CONFIG_NAME_INVALID",
    ':2: policies[0].name: "def',
  ],
  ["a policy's name with a slash", policies({ name: `a/${CANARY}` }), "CONFIG_NAME_INVALID", ":2: policies[0].name: 1"],
  ["an unknown effect", policies({ effect: "alow" }), "CONFIG_TYPE_INVALID", ":3: policies[0].effect: this", '"allow"'],
  [
    "an effect that is true",
    policies({ effect: "true" }),
    "CONFIG_TYPE_INVALID",
    ":3: policies[0].effect: a string is",
  ],
  ["an empty rule", policies({ rule: '""' }), "BUNDLE_RULE_INVALID", ":4: policies[0].rule: it is not CEL"],
  [
    "a rule that is true",
    policies({ rule: "true" }),
    "CONFIG_TYPE_INVALID",
    ":4: policies[0].rule: a string is",
    "quotation marks",
  ],
];

const RULES: Row[] = [
  [
    "a rule that is no CEL",
    policies({ rule: `service = "${CANARY}"` }),
    "BUNDLE_RULE_INVALID",
    ":4: policies[0].rule: it is not CEL at line 1, column 9",
  ],
  [
    "a rule of an unknown name",
    policies({ rule: `service == "a" && ${CANARY}` }),
    "BUNDLE_RULE_INVALID",
    ":4: policies[0].rule: a name is not one of a variable at line 1, column 19",
    "Write CEL over",
  ],
  [
    "a rule of several lines",
    policies({ rule: '|\n      service == "a"\n        && colour == "b"' }),
    "BUNDLE_RULE_INVALID",
    ":4: policies[0].rule: a name is not one of a variable at line 2, column 6",
  ],
  [
    "revokers that ask for the ref",
    withSection("revokers", 'revokers: ref == "a"'),
    "BUNDLE_RULE_INVALID",
    ":1: revokers: a name is not one of a variable at line 1, column 1",
  ],
];

const RESOURCES: Row[] = [
  ...["ref", "resolver"].map((key): Row => [
    `a resource without ${key}`,
    resources({ [key]: undefined }),
    "CONFIG_KEY_MISSING",
    `:2: resources[0]: "${key}" is missing`,
  ]),
  [
    "an unknown key of a resource",
    resources({ host: `[${CANARY}]` }),
    "CONFIG_KEY_UNKNOWN",
    ":5: resources[0].host: ",
    '"hosts"',
  ],
  ...["/a", "a/", "a//b", "../a", "a/./b", "a b", "a/b**", "ä", "a?", "[ab]", "", "a".repeat(257)].map((ref): Row => [
    `TM-35 the ref ${JSON.stringify(ref.slice(0, 8))}`,
    resources({ ref: JSON.stringify(ref) }),
    "RESOURCE_REF_INVALID",
    ":2: resources[0].ref: plain segments, * and ** are expected",
  ]),
  ["a ref twice", resources({}, {}), "RESOURCE_REF_INVALID", ":5: resources[1].ref: another resource has this ref"],
  ["a glob twice", resources({ ref: "a/*" }, { ref: "a/*" }), "RESOURCE_REF_INVALID", ":5: resources[1].ref: another"],
  [
    "an unknown resolver",
    resources({ resolver: "g" }),
    "BUNDLE_REFERENCE_UNKNOWN",
    ":3: resources[0].resolver: no backend has this name",
    '"gh"',
  ],
  [
    "a secret as a resolver",
    resources({ resolver: CANARY }),
    "BUNDLE_REFERENCE_UNKNOWN",
    ":3: resources[0].resolver: no backend",
    "The backends are: gh",
  ],
  ["a resolver of objects", resources({ resolver: "constructor" }), "BUNDLE_REFERENCE_UNKNOWN", "no backend has this"],
  ["an empty secret", resources({ secret: '""' }), "CONFIG_REF_INVALID", ":5: resources[0].secret: 1 to 2048"],
  [
    "a secret with a line break",
    resources({ secret: `"${CANARY}\\n"` }),
    "CONFIG_REF_INVALID",
    ":5: resources[0].secret",
  ],
  [
    "a misspelt placeholder",
    resources({ secret: '"{reff}"' }),
    "CONFIG_REF_INVALID",
    ':5: resources[0].secret: "{ref}"',
    'Did you mean "{ref}"?',
  ],
  [
    "another placeholder",
    resources({ secret: `"{${"x".repeat(9)}}"` }),
    "CONFIG_REF_INVALID",
    "is the only placeholder",
  ],
  [
    "five placeholders",
    resources({ secret: '"{ref}{ref}{ref}{ref}{ref}"' }),
    "CONFIG_REF_INVALID",
    "more than 4 times",
  ],
  [
    "a secret that the backend cannot have",
    resources({ secret: `${CANARY}-x` }),
    "CONFIG_REF_INVALID",
    ":5: resources[0].secret: the name of a variable is expected",
  ],
  ["a ref that the backend cannot have", resources({}), "CONFIG_REF_INVALID", ":2: resources[0].ref: the name of a"],
  [
    "an unknown mode",
    resources({ mode: "mask" }),
    "CONFIG_TYPE_INVALID",
    ":5: resources[0].mode: this mode",
    '"masked"',
  ],
  ...["0", "86401", "1.5", "-1", '"300"', "5m", ".inf", ".nan", "1e400"].map((ttl): Row => [
    `a ttl of ${ttl}`,
    resources({ ttl }),
    "CONFIG_TYPE_INVALID",
    ":5: resources[0].ttl: a whole number from 1 to 86400",
  ]),
  ...[
    "Authorization",
    "header:",
    "header:Host:",
    "header:Content-Length:",
    "header:a b:",
    "query:",
    "query:a=b",
    "basic:",
    "basic:a:b",
    `cookie:${CANARY}`,
  ].map((location): Row => [
    `the credential location ${location.slice(0, 16)}`,
    resources({ credential_location: JSON.stringify(location) }),
    "CONFIG_PLACEMENT_INVALID",
    ":5: resources[0].credential_location: header:<name>:<scheme>",
    "header:Authorization:Bearer",
  ]),
  ["hosts that are no list", resources({ hosts: CANARY }), "CONFIG_TYPE_INVALID", ":4: resources[0].hosts: a list is"],
  [
    "a host with a scheme",
    resources({ hosts: `[a.example, "https://${CANARY}"]` }),
    "CONFIG_HOST_INVALID",
    ":4: resources[0].hosts[1]: ",
  ],
  ["every host", resources({ hosts: '["*"]' }), "CONFIG_HOST_INVALID", ":4: resources[0].hosts[0]: "],
  [
    "a wildcard over a top-level domain",
    resources({ hosts: '["*.com"]' }),
    "CONFIG_HOST_INVALID",
    "hosts[0]: the suffix",
  ],
  [
    "TM-13 a wildcard over a public suffix",
    resources({ hosts: '["*.co.uk"]' }),
    "CONFIG_HOST_INVALID",
    ":4: resources[0].hosts[0]: anyone can register a name",
  ],
  [
    "TM-13 a wildcard over a private suffix",
    resources({ hosts: '["*.github.io:8443/x"]' }),
    "CONFIG_HOST_INVALID",
    ":4: resources[0].hosts[0]: anyone can register a name",
  ],
  [
    "a method that is none",
    resources({ methods: `[GET, "${CANARY}!"]` }),
    "CONFIG_RULE_INVALID",
    ":5: resources[0].methods[1]: a method is a word",
  ],
  ["methods that are a text", resources({ methods: "GET" }), "CONFIG_TYPE_INVALID", ":5: resources[0].methods: a list"],
  ...["x", "/a?b", "/a%2f", "/a/../b", "//a", "/a*b", "/a;b", "/ä"].map((path): Row => [
    `TM-19 the path ${path}`,
    resources({ paths: `["/ok", "${path}"]` }),
    "CONFIG_RULE_INVALID",
    ":5: resources[0].paths[1]: a path is plain ASCII",
  ]),
];

const REST: Row[] = [
  ["a backend without type", backends("  gh: {}"), "CONFIG_KEY_MISSING", ':2: backends.gh: "type" is missing'],
  ["a backend that is a text", backends(`  gh: ${CANARY}`), "CONFIG_TYPE_INVALID", ":2: backends.gh: a table is"],
  [
    "an unknown provider",
    backends("  gh: { type: keychian }"),
    "CONFIG_PROVIDER_UNKNOWN",
    ":2: backends.gh.type: ",
    '"keychain"',
  ],
  [
    "a secret as a provider",
    backends(`  gh: { type: ${CANARY} }`),
    "CONFIG_PROVIDER_UNKNOWN",
    ":2: backends.gh.type: ",
  ],
  [
    "an unknown option",
    backends("  gh: { type: aws, regoin: x }"),
    "CONFIG_KEY_UNKNOWN",
    ":2: backends.gh.regoin: ",
    '"region"',
  ],
  [
    "an option of another provider",
    backends("  gh: { type: env, region: x }"),
    "CONFIG_KEY_UNKNOWN",
    "backends.gh.region",
  ],
  [
    "an option that is not fit",
    backends(`  gh: { type: aws, region: "${CANARY}!" }`),
    "CONFIG_TYPE_INVALID",
    ":2: backends.gh.region: ",
  ],
  [
    "a backend's name with a dot first",
    backends("  gh: { type: env }\n  .a: { type: env }"),
    "CONFIG_NAME_INVALID",
    ":3: backends.…: 1 to 64",
  ],
  [
    "a secret as a backend's name",
    backends(`  gh: { type: env }\n  "${CANARY}!": { type: env }`),
    "CONFIG_NAME_INVALID",
    ":3: backends.…: 1 to 64",
  ],
  [
    "an unknown key of network",
    network(`  upstreamca: ${CANARY}`),
    "CONFIG_KEY_UNKNOWN",
    ":2: network.upstreamca: ",
    '"upstream_ca"',
  ],
  [
    "a target without port",
    network(`  connect: { a: "${CANARY}" }`),
    "CONFIG_HOST_INVALID",
    ':2: network.connect.a: "host',
  ],
  [
    "a root that is not there",
    network(`  upstream_ca: ${CANARY}.pem`),
    "CONFIG_UNREADABLE",
    ":2: network.upstream_ca: there is no such file",
  ],
  [
    "a root that is a directory",
    network("  upstream_ca: [.]"),
    "CONFIG_UNREADABLE",
    ":2: network.upstream_ca[0]: it is not a regular file",
  ],
  [
    "a root without certificate",
    network("  upstream_ca:\n    - large"),
    "CONFIG_UPSTREAM_CA_INVALID",
    ":3: network.upstream_ca[0]: it holds no certificate",
  ],
  [
    "a broken root",
    network("  upstream_ca: broken.pem"),
    "CONFIG_UPSTREAM_CA_INVALID",
    ":2: network.upstream_ca: certificate 1 of 1 in it cannot be read",
  ],
];

const FILES = {
  large: "x".repeat(5000),
  short31: `${"s".repeat(31)}\n`,
  short47: `${"s".repeat(47)}\r\n`,
  short63: "s".repeat(63),
  "broken.pem": `-----BEGIN CERTIFICATE-----\n${btoa(CANARY)}\n-----END CERTIFICATE-----\n`,
};

for (
  const [why, text, code, message, hint] of [
    ...DOCUMENT,
    ...YAML,
    ...ISSUERS,
    ...KEY_ROWS,
    ...POLICIES,
    ...RULES,
    ...RESOURCES,
    ...REST,
  ]
) {
  const [, threat = "", rest = why] = /^(TM-\d+ )(.*)$/s.exec(why) ?? [];
  Deno.test(`${threat}checkBundle() refuses ${rest} and shows no value [S-1.2]`, async () => {
    const { problems, bundle, warnings } = await checkText(text, { files: FILES });
    assert.equal(bundle, undefined);
    assert.deepEqual(warnings, []);
    const problem = problems.find((error) => error.message.includes(message));
    assert.ok(problem !== undefined, `no such message in: ${problems.map((error) => error.message).join("\n")}`);
    assert.equal(problem.code, code);
    assert.match(problem.message, /^Cannot read bundle\.yaml(?::\d+(?::\d+)?)?: /);
    if (hint !== undefined) assert.ok(problem.hints.join("\n").includes(hint), problem.hints.join("\n"));
    const all = Deno.inspect(problems, { depth: 9 });
    // requirement: S-1.3
    assert.ok(!all.includes(CANARY) && !all.includes(btoa(CANARY)), all);
    assert.ok(!/[A-Za-z0-9+/_-]{40,}/.test(all.replace(/^\s+at .*$/gm, "")), "a piece of a key is shown");
  });
}
