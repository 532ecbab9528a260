import assert from "node:assert/strict";
import { AppError } from "./error.ts";
import { maskValue, parseMask } from "./mask.ts";
import { makeMaskedToken } from "./masked_token.ts";

const TOKEN = makeMaskedToken(new Uint8Array(16));

/** `T` stands for the token. */
const AUTO: readonly (readonly [why: string, value: string, text: string, real: string])[] = [
  ["a password", "postgres://admin:s3cret@prod-db:5432/app", "postgres://admin:T@prod-db:5432/app", "s3cret"],
  ["no user", "redis://:s3cret@cache:6379/0", "redis://:T@cache:6379/0", "s3cret"],
  ["a query", "postgres://u:p@h/db?sslmode=require", "postgres://u:T@h/db?sslmode=require", "p"],
  ["an IPv6 host", "postgres://u:p@[::1]:5432/db", "postgres://u:T@[::1]:5432/db", "p"],
  ["several hosts", "mongodb://u:p@h1:27017,h2:27017/db?r=1", "mongodb://u:T@h1:27017,h2:27017/db?r=1", "p"],
  ["a scheme with a plus", "mongodb+srv://u:p@h/db", "mongodb+srv://u:T@h/db", "p"],
  ["a scheme in capitals", "HTTPS://u:p@h/", "HTTPS://u:T@h/", "p"],
  ["a colon in the password", "postgres://u:a:b@h/db", "postgres://u:T@h/db", "a:b"],
  ["an at in the password", "postgres://u:a@b@h/db", "postgres://u:T@h/db", "a@b"],
  ["a slash in the password", "postgres://u:a/b@h/db", "T", "postgres://u:a/b@h/db"],
  ["an escape", "postgres://u:p%40ss@h/db", "postgres://u:T@h/db", "p@ss"],
  ["an escaped letter above ASCII", "postgres://u:p%C3%A9@h/db", "postgres://u:T@h/db", "pé"],
  ["an at in the user", "postgres://u@corp:p@h/db", "postgres://u@corp:T@h/db", "p"],
  ["an escaped user", "https://u%3Ax:p@h/", "https://u%3Ax:T@h/", "p"],
  // Doubt masks more, never less.
  ["an escape that is none", "postgres://u:100%@h/db", "T", "postgres://u:100%@h/db"],
  ["escapes that are no UTF-8", "postgres://u:%ff@h/db", "T", "postgres://u:%ff@h/db"],
  ["a question mark in the password", "postgres://u:a?b@h/db", "T", "postgres://u:a?b@h/db"],
  ["a number sign in the password", "postgres://u:a#b@h/db", "T", "postgres://u:a#b@h/db"],
  ["an at in the query", "postgres://u:p@h/db?mail=a@b", "T", "postgres://u:p@h/db?mail=a@b"],
  ["white space", "postgres://u:a b@h/db", "T", "postgres://u:a b@h/db"],
  ["a line break at its end", "postgres://u:p@h/db\n", "T", "postgres://u:p@h/db\n"],
  ["an empty password", "postgres://u:@h/db", "T", "postgres://u:@h/db"],
  ["a user only", "https://ghp_token@github.com/", "T", "https://ghp_token@github.com/"],
  ["no userinfo", "https://hooks.test/services/T00/B00/xyz", "T", "https://hooks.test/services/T00/B00/xyz"],
  ["a port and no userinfo", "https://hooks.test:8443/x", "T", "https://hooks.test:8443/x"],
  ["JDBC", "jdbc:postgresql://h/db?user=u&password=p", "T", "jdbc:postgresql://h/db?user=u&password=p"],
  ["no scheme", "u:p@h/db", "T", "u:p@h/db"],
  ["no slashes", "mailto:u:p@h", "T", "mailto:u:p@h"],
  ["two URLs", "amqp://u:p@h1,amqp://u:q@h2", "T", "amqp://u:p@h1,amqp://u:q@h2"],
  ["an at behind the authority", "https://host:443/a@b", "T", "https://host:443/a@b"],
  ["a plain value", "ghp_0123456789", "T", "ghp_0123456789"],
  ["a key in PEM", "-----BEGIN KEY-----\nab\n-----END KEY-----", "T", "-----BEGIN KEY-----\nab\n-----END KEY-----"],
  ["nothing", "", "T", ""],
];

for (const [why, value, text, real] of AUTO) {
  Deno.test(`maskValue() with auto masks a value with ${why}`, () => {
    const masked = maskValue(value, { kind: "auto" }, TOKEN);
    assert.deepEqual(masked, { text: text === "T" ? TOKEN : text.replace(/T(?=@)/, TOKEN), real });
  });
}

const GROUPS: readonly (readonly [mask: string, value: string, text: string, real: string])[] = [
  ["/password=(\\w+)/", "host=h password=s3cret x=1", "host=h password=T x=1", "s3cret"],
  ["/(a)|b/", "b", "T", "b"],
  ["/password=(\\w*)/", "password=", "T", "password="],
  ["/nothing(.)/", "host=h password=p", "T", "host=h password=p"],
  ["/^(.+)$/", "two\nlines", "T", "two\nlines"],
  ["whole", "postgres://u:p@h/db", "T", "postgres://u:p@h/db"],
];

for (const [mask, value, text, real] of GROUPS) {
  Deno.test(`maskValue() with ${mask} masks ${JSON.stringify(value)}`, () => {
    assert.deepEqual(maskValue(value, parseMask(mask), TOKEN), { text: text.replace("T", TOKEN), real });
  });
}

for (const text of ["", "none", "/abc/", "/(?:abc)/", "/(abc/", "(abc)", "//", "AUTO"]) {
  Deno.test(`parseMask() refuses ${JSON.stringify(text)} and does not repeat it`, () => {
    assert.throws(
      () => parseMask(text),
      (error) =>
        error instanceof AppError && error.code === "CONFIG_MASK_INVALID" &&
        (text === "" || !error.message.includes(text)),
    );
  });
}
