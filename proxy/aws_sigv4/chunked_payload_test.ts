import assert from "node:assert/strict";
import fc from "fast-check";
import { Secret } from "../../policy/secret.ts";
import { parseSecretRef } from "../../policy/secret_ref.ts";
import { ByteBudget } from "../byte_budget.ts";
import { decodeLatin1, encodeLatin1 } from "../http/latin1.ts";
import { LIMITS } from "../limits.ts";
import { Refusal } from "../refusal.ts";
import { ScrubPlan } from "../scrub/scrub_plan.ts";
import { ChunkedPayload } from "./chunked_payload.ts";
import { ChunkSigner } from "./chunk_signer.ts";
import { type CredentialScope, scopeText } from "./credential_scope.ts";
import { findSignedRequest, type SignedRequest } from "./signed_request.ts";
import { sha256Hex, SigningKey } from "./signing_key.ts";
import { EMPTY_HASH, field, grantOf, keyTable, MASKED, REAL, SCOPE, TIMESTAMP } from "./testing/signer.ts";

const SEED = "5".repeat(64);
const REAL_SEED = "6".repeat(64);

interface Signer {
  readonly key: SigningKey;
  readonly scope: CredentialScope;
  readonly timestamp: string;
}

/** What a program writes, or a host expects: the coding, from AWS's description. */
function encode(
  chunks: readonly string[],
  { key, scope, timestamp }: Signer,
  { seed, trailers }: { seed: string; trailers?: readonly string[] },
): string {
  let before = seed;
  const next = (kind: string, ...hashes: string[]) =>
    before = key.sign([kind, timestamp, scopeText(scope), before, ...hashes].join("\n"));
  const parts = [...chunks, ""].map((chunk, at) => {
    const signature = next("AWS4-HMAC-SHA256-PAYLOAD", EMPTY_HASH, sha256Hex(chunk));
    return `${chunk.length.toString(16)};chunk-signature=${signature}\r\n${chunk}${at === chunks.length ? "" : "\r\n"}`;
  });
  const lines = trailers === undefined
    ? ""
    : `${trailers.map((line) => `${line}\r\n`).join("")}x-amz-trailer-signature:${
      next("AWS4-HMAC-SHA256-TRAILER", sha256Hex(trailers.map((line) => `${line}\n`).join("")))
    }\r\n`;
  return `${parts.join("")}${lines}\r\n`;
}

function signerOf(secretKey: string): Signer {
  return { key: new SigningKey(encodeLatin1(secretKey), SCOPE), scope: SCOPE, timestamp: TIMESTAMP };
}

const MASKED_SIGNER = signerOf(MASKED.secretKey);
const REAL_SIGNER = signerOf(REAL.secretKey);

function signedOf(hash: string): SignedRequest {
  const credential = `${MASKED.keyId}/${scopeText(SCOPE)}`;
  const signed = findSignedRequest({
    pathAndQuery: "/",
    fields: [
      field("Authorization", `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=${SEED}`),
      field("X-Amz-Date", TIMESTAMP),
      field("X-Amz-Content-Sha256", hash),
    ],
  }, keyTable().table);
  assert.ok(signed !== undefined);
  return signed;
}

const SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER = `${SIGNED}-TRAILER`;
const UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/** Carries a body that comes in the given pieces. */
async function carried(pieces: readonly string[], hash: string, budget = new ByteBudget(2 ** 30)): Promise<string> {
  const signed = signedOf(hash);
  const queue = pieces.filter((piece) => piece !== "").map(encodeLatin1);
  const credentials = { keyId: grantOf("keyId"), secretKey: grantOf("secretKey"), sessionToken: undefined };
  const payload = new ChunkedPayload({ next: () => Promise.resolve(queue.shift()), trailers: [] }, {
    signed,
    signer: hash === UNSIGNED_TRAILER ? undefined : new ChunkSigner(signed, credentials, REAL_SEED),
    detector: new ScrubPlan([{ text: MASKED.keyId, standIn: MASKED.keyId }]).detector(),
    lease: budget.lease(),
  });
  let out = "";
  for (let piece = await payload.next(); piece !== undefined; piece = await payload.next()) out += decodeLatin1(piece);
  return out;
}

const TRAILERS = ["x-amz-checksum-crc32c:sOO8/Q=="];
const CARRIED: readonly [why: string, hash: string, from: string, to: string][] = [
  [
    "signed chunks",
    SIGNED,
    encode(["hello", "world!"], MASKED_SIGNER, { seed: SEED }),
    encode(["hello", "world!"], REAL_SIGNER, { seed: REAL_SEED }),
  ],
  [
    "no chunk but the last",
    SIGNED,
    encode([], MASKED_SIGNER, { seed: SEED }),
    encode([], REAL_SIGNER, { seed: REAL_SEED }),
  ],
  [
    "signed chunks with a signed trailer",
    SIGNED_TRAILER,
    encode(["hello"], MASKED_SIGNER, { seed: SEED, trailers: TRAILERS }),
    encode(["hello"], REAL_SIGNER, { seed: REAL_SEED, trailers: TRAILERS }),
  ],
  [
    "unsigned chunks with a trailer",
    UNSIGNED_TRAILER,
    `5\r\nhello\r\n0\r\n${TRAILERS[0]}\r\n\r\n`,
    `5\r\nhello\r\n0\r\n${TRAILERS[0]}\r\n\r\n`,
  ],
];
for (const [why, hash, from, to] of CARRIED) {
  Deno.test(`ChunkedPayload carries ${why}, at every split, in the same length`, async () => {
    for (let cut = 0; cut <= from.length; cut++) {
      assert.equal(await carried([from.slice(0, cut), from.slice(cut)], hash), to);
    }
    assert.equal(from.length, to.length);
  });
}

const GOOD = encode(["hello", "world!"], MASKED_SIGNER, { seed: SEED });
const GOOD_TRAILER = encode(["hello"], MASKED_SIGNER, { seed: SEED, trailers: TRAILERS });
const large = (size: number) => `${size.toString(16)};chunk-signature=${"0".repeat(64)}\r\n`;
const MALFORMED = "PROXY_AWS_SIGNATURE_MALFORMED";
const INVALID = "PROXY_AWS_SIGNATURE_INVALID";
const REFUSED: readonly [why: string, hash: string, body: string, code: string][] = [
  ["changed data", SIGNED, GOOD.replace("hello", "jello"), INVALID],
  [
    "chunks in another order",
    SIGNED,
    encode(["world!", "hello"], MASKED_SIGNER, { seed: SEED }).replace("world!", "hello!").replace(
      "hello\r",
      "world\r",
    ),
    INVALID,
  ],
  ["a chain that begins elsewhere", SIGNED, encode(["hello"], MASKED_SIGNER, { seed: REAL_SEED }), INVALID],
  ["another secret key", SIGNED, encode(["hello"], signerOf("own"), { seed: SEED }), INVALID],
  ["a changed trailer", SIGNED_TRAILER, GOOD_TRAILER.replace("sOO8", "tOO8"), INVALID],
  ["a trailer that was not announced", SIGNED, GOOD_TRAILER, MALFORMED],
  ["a missing trailer", SIGNED_TRAILER, GOOD, MALFORMED],
  [
    "a trailer after the signature",
    SIGNED_TRAILER,
    GOOD_TRAILER.replace(/\r\n\r\n$/, "\r\nx-amz-a:b\r\n\r\n"),
    MALFORMED,
  ],
  ["a signature where none belongs", UNSIGNED_TRAILER, GOOD, MALFORMED],
  ["no signature where one belongs", SIGNED, "5\r\nhello\r\n0\r\n\r\n", MALFORMED],
  ["another chunk extension", UNSIGNED_TRAILER, "5;a=b\r\nhello\r\n0\r\n\r\n", MALFORMED],
  ["a size with a leading zero", UNSIGNED_TRAILER, "05\r\nhello\r\n0\r\n\r\n", MALFORMED],
  ["data longer than announced", UNSIGNED_TRAILER, "5\r\nhello!\r\n0\r\n\r\n", MALFORMED],
  ["bare line feeds", UNSIGNED_TRAILER, "5\nhello\n0\n\n", MALFORMED],
  ["a body that is cut off", SIGNED, GOOD.slice(0, -1), MALFORMED],
  ["bytes after the end", SIGNED, `${GOOD}0`, MALFORMED],
  ["a line without an end", SIGNED, "0".repeat(1000), MALFORMED],
  ["endless trailers", UNSIGNED_TRAILER, `0\r\n${"x-a:b\r\n".repeat(5000)}\r\n`, MALFORMED],
  ["a chunk that is too large to be kept", SIGNED, large(LIMITS.signedChunkBytes + 1), "PROXY_AWS_BODY_TOO_LARGE"],
  ["a chunk of the greatest size that is kept, unless it comes", SIGNED, large(LIMITS.signedChunkBytes), MALFORMED],
  [
    "TM-05 a token over two chunks",
    SIGNED,
    encode([MASKED.keyId.slice(0, 20), MASKED.keyId.slice(20)], MASKED_SIGNER, { seed: SEED }),
    "PROXY_TOKEN_MISPLACED",
  ],
  [
    "TM-05 a token over two unsigned chunks",
    UNSIGNED_TRAILER,
    `14\r\n${MASKED.keyId.slice(0, 20)}\r\n16\r\n${MASKED.keyId.slice(20)}\r\n0\r\n\r\n`,
    "PROXY_TOKEN_MISPLACED",
  ],
  ["TM-05 a token in a trailer", UNSIGNED_TRAILER, `0\r\nx-amz-a:${MASKED.keyId}\r\n\r\n`, "PROXY_TOKEN_MISPLACED"],
];
for (const [why, hash, body, code] of REFUSED) {
  Deno.test(`ChunkedPayload refuses ${why}`, async () => {
    await assert.rejects(carried([body], hash), (error) => error instanceof Refusal && error.code === code);
  });
}

Deno.test("TM-24 ChunkedPayload keeps its largest chunk, and no second one, on the budget of all connections", async () => {
  const beyond = 1000;
  const chunk = "x".repeat(LIMITS.wholeBodyBytes + beyond);
  const body = encode([chunk, chunk, "y"], MASKED_SIGNER, { seed: SEED });
  const enough = new ByteBudget(beyond);
  assert.equal((await carried([body], SIGNED, enough)).length, body.length);
  assert.equal(enough.taken, beyond);
  await assert.rejects(
    carried([body], SIGNED, new ByteBudget(beyond - 1)),
    (error) => error instanceof Refusal && error.code === "PROXY_OVERLOADED",
  );
});

Deno.test("ChunkedPayload gives no byte of a chunk out before its signature was checked", async () => {
  const out: string[] = [];
  const signed = signedOf(SIGNED);
  const queue = [encodeLatin1(GOOD.replace("world!", "WORLD!"))];
  const credentials = { keyId: grantOf("keyId"), secretKey: grantOf("secretKey"), sessionToken: undefined };
  const payload = new ChunkedPayload({ next: () => Promise.resolve(queue.shift()), trailers: [] }, {
    signed,
    signer: new ChunkSigner(signed, credentials, REAL_SEED),
    detector: new ScrubPlan([]).detector(),
    lease: new ByteBudget(0).lease(),
  });
  await assert.rejects(async () => {
    for (let piece = await payload.next(); piece !== undefined; piece = await payload.next()) {
      out.push(decodeLatin1(piece));
    }
  }, Refusal);
  assert.ok(out.join("").includes("hello") && !out.join("").includes("WORLD"));
});

Deno.test("ChunkedPayload signs any chunks in any pieces as a host expects them", async () => {
  const text = fc.uint8Array({ minLength: 1, maxLength: 40 }).map(decodeLatin1);
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { maxLength: 4 }),
      fc.array(fc.nat(60), { maxLength: 8 }),
      async (chunks, sizes) => {
        const body = encode(chunks, MASKED_SIGNER, { seed: SEED, trailers: TRAILERS });
        const pieces: string[] = [];
        let at = 0;
        for (const size of sizes) pieces.push(body.slice(at, at += size));
        const expected = encode(chunks, REAL_SIGNER, { seed: REAL_SEED, trailers: TRAILERS });
        assert.equal(await carried([...pieces, body.slice(at)], SIGNED_TRAILER), expected);
      },
    ),
  );
});

Deno.test("ChunkedPayload carries a body that was changed anywhere not at all, or as a host expects it", async () => {
  const expected = encode(["hello"], REAL_SIGNER, { seed: REAL_SEED, trailers: TRAILERS });
  await fc.assert(
    fc.asyncProperty(fc.nat(GOOD_TRAILER.length - 1), fc.string({ maxLength: 2 }), fc.nat(3), async (at, put, cut) => {
      const body = GOOD_TRAILER.slice(0, at) + put + GOOD_TRAILER.slice(at + cut);
      try {
        const out = await carried([body], SIGNED_TRAILER);
        // What may differ: the case of a digit or a name, and spaces around a value.
        assert.equal(out.toLowerCase().replaceAll(" ", ""), expected.toLowerCase());
      } catch (error) {
        assert.ok(error instanceof Refusal);
      }
    }),
    { numRuns: 2000 },
  );
});

// The two examples of AWS's own description of the coding, of 66,560 letters "a", with its example keys.
const EXAMPLE_SCOPE = { date: "20130524", region: "us-east-1", service: "s3" };
const EXAMPLES: readonly [
  why: string,
  seed: string,
  trailers: readonly string[] | undefined,
  signatures: readonly string[],
][] = [
  ["signed chunks", "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", undefined, [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
  ]],
  ["a signed trailer", "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", [
    "x-amz-checksum-crc32c:sOO8/Q==",
  ], [
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
  ]],
];
for (const [why, seed, trailers, signatures] of EXAMPLES) {
  Deno.test(`ChunkSigner agrees with AWS's example of ${why}`, () => {
    const timestamp = "20130524T000000Z";
    const signed = { ...signedOf(SIGNED), scope: EXAMPLE_SCOPE, timestamp };
    const key = new TextEncoder().encode("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    const secretKey = { ...grantOf("secretKey"), real: new Secret(parseSecretRef("example"), key) };
    using signer = new ChunkSigner(signed, { keyId: grantOf("keyId"), secretKey, sessionToken: undefined }, seed);
    using masked = new SigningKey(encodeLatin1(MASKED.secretKey), EXAMPLE_SCOPE);
    const chunks = ["a".repeat(65536), "a".repeat(1024)];
    const body = encode(chunks, { key: masked, scope: EXAMPLE_SCOPE, timestamp }, {
      seed: SEED,
      ...(trailers === undefined ? {} : { trailers }),
    });
    const made = Array.from(body.matchAll(/signature[=:]([0-9a-f]{64})/g), ([, signature]) => signature!);
    const found = [...chunks, ""].map((chunk, at) => signer.chunk(encodeLatin1(chunk), made[at]!));
    if (trailers !== undefined) found.push(signer.trailer(`${trailers[0]}\n`, made[3]!));
    assert.deepEqual(found, signatures);
  });
}
