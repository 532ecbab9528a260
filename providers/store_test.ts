import assert from "node:assert/strict";
import { join } from "node:path";
import { AppError } from "../policy/error.ts";
import { setVariable, storeOf, temporaryDirectory } from "./testing/store_of.ts";

const POSIX = Deno.build.os !== "windows";
const CANARY = "kz-canary-91ce44d07f";

const VALUES: readonly [why: string, value: string][] = [
  ["plain text", "s3cret"],
  ["letters beyond ASCII", "pässwörd 🔑 秘密"],
  ["a PEM key", "-----BEGIN PRIVATE KEY-----\nMIG…\n-----END PRIVATE KEY-----\n"],
  ["white space at the ends", " \t a \n\n"],
  ["64 KiB", "x".repeat(65_536)],
  ["JSON's own signs", '"\\\u2028{}'],
];
for (const [why, value] of VALUES) {
  Deno.test(`createStoreProvider() gives back ${why} [F-5.2]`, async () => {
    using directory = temporaryDirectory();
    const options = { path: join(directory.path, "new", "store.age"), identity: "file" };
    await storeOf(options).put("a", value);
    assert.equal(await storeOf(options).get("a"), value);
  });
}

Deno.test("createStoreProvider() keeps entries apart, replaces, and takes any name", async () => {
  using directory = temporaryDirectory();
  const store = storeOf({ path: join(directory.path, "store.age"), identity: "file" });
  for (const name of ["a", "A", "a/b", "__proto__", "constructor", "a b"]) await store.put(name, `1 ${name}`);
  await store.put("a", "2 a");
  assert.equal(await store.get("a"), "2 a");
  for (const name of ["A", "a/b", "__proto__", "constructor", "a b"]) assert.equal(await store.get(name), `1 ${name}`);
  await assert.rejects(store.get("toString"), { code: "PROVIDER_SECRET_NOT_FOUND" });
});

Deno.test("createStoreProvider() says that there is no store, and makes none by reading", async () => {
  using directory = temporaryDirectory();
  const store = storeOf({ path: join(directory.path, "store.age"), identity: "file" });
  await assert.rejects(store.get("a"), {
    code: "PROVIDER_SECRET_NOT_FOUND",
    message: 'Cannot read secret "a" of provider "store": there is no store yet',
  });
  assert.deepEqual([...Deno.readDirSync(directory.path)], []);
});

Deno.test({
  name: "createStoreProvider() leaves only files of the owner, none with the value or half written",
  ignore: !POSIX,
  async fn() {
    using directory = temporaryDirectory();
    const path = join(directory.path, "new", "store.age");
    await storeOf({ path, identity: "file" }).put("a", CANARY);
    const names = [...Deno.readDirSync(join(directory.path, "new"))].map(({ name }) => name).sort();
    assert.deepEqual(names, ["store.age", "store.age.identity", "store.age.lock"]);
    assert.equal(Deno.statSync(join(directory.path, "new")).mode! & 0o777, 0o700);
    for (const name of names) {
      const file = join(directory.path, "new", name);
      assert.equal(Deno.statSync(file).mode! & 0o777, 0o600, name);
      const text = Deno.readTextFileSync(file);
      assert(!text.includes(CANARY) && !text.includes(btoa(CANARY)), name);
    }
  },
});

Deno.test({
  name: "createStoreProvider() refuses an identity that others may read, and changes nothing",
  ignore: !POSIX,
  async fn() {
    using directory = temporaryDirectory();
    const path = join(directory.path, "store.age");
    const store = storeOf({ path, identity: "file" });
    await store.put("a", CANARY);
    const before = Deno.readFileSync(path);
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      Deno.chmodSync(`${path}.identity`, mode);
      await assert.rejects(store.get("a"), { code: "STORE_IDENTITY_EXPOSED" });
      await assert.rejects(store.put("b", "c"), { code: "STORE_IDENTITY_EXPOSED" });
    }
    assert.deepEqual(Deno.readFileSync(path), before);
    Deno.chmodSync(`${path}.identity`, 0o600);
    assert.equal(await store.get("a"), CANARY);
  },
});

Deno.test("createStoreProvider() refuses a store whose identity is gone or is none", async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "store.age");
  const store = storeOf({ path, identity: "file" });
  await store.put("a", "b");
  const before = Deno.readFileSync(path);
  Deno.writeTextFileSync(`${path}.identity`, "AGE-SECRET-KEY-1CUT", { mode: 0o600 });
  await assert.rejects(store.put("b", "c"), { code: "STORE_IDENTITY_MISSING" });
  Deno.removeSync(`${path}.identity`);
  await assert.rejects(store.get("a"), { code: "STORE_IDENTITY_MISSING" });
  await assert.rejects(store.put("b", "c"), { code: "STORE_IDENTITY_MISSING" });
  assert.deepEqual(Deno.readFileSync(path), before);
});

Deno.test("createStoreProvider() refuses a store that another identity made", async () => {
  using directory = temporaryDirectory();
  const [path, other] = [join(directory.path, "store.age"), join(directory.path, "other.age")];
  await storeOf({ path, identity: "file" }).put("a", "b");
  await storeOf({ path: other, identity: "file" }).put("a", "b");
  Deno.copyFileSync(`${other}.identity`, `${path}.identity`);
  await assert.rejects(storeOf({ path, identity: "file" }).get("a"), { code: "STORE_UNREADABLE" });
});

const DAMAGE: readonly [why: string, damage: (file: Uint8Array) => Uint8Array][] = [
  ["is empty", () => new Uint8Array()],
  ["ends in its first line", (file) => file.slice(0, 10)],
  ["ends in its head", (file) => file.slice(0, 100)],
  ["ends in its middle", (file) => file.slice(0, file.length - 20)],
  ["lacks its last byte", (file) => file.slice(0, -1)],
  ["has one byte more", (file) => Uint8Array.of(...file, 0)],
  ["has a flipped bit", (file) => file.with(-1, file.at(-1)! ^ 1)],
];
for (const [why, damage] of DAMAGE) {
  Deno.test(`createStoreProvider() refuses a store that ${why}, and does not overwrite it [F-9.4]`, async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, "store.age");
    const store = storeOf({ path, identity: "file" });
    await store.put("a", CANARY);
    const damaged = damage(Deno.readFileSync(path));
    Deno.writeFileSync(path, damaged);
    for (const act of [() => store.get("a"), () => store.put("b", "c"), () => storeCheck(store)]) {
      await assert.rejects(act, (error) => {
        assert(error instanceof AppError);
        assert.equal(error.code, "STORE_UNREADABLE");
        assert(!error.message.includes(CANARY));
        return true;
      });
    }
    assert.deepEqual(Deno.readFileSync(path), damaged);
  });
}

function storeCheck(store: ReturnType<typeof storeOf>): Promise<void> {
  return store.provider.check({ signal: new AbortController().signal });
}

Deno.test("createStoreProvider() with a passphrase: made with it, opened by it, refused without and by another [F-9.5]", async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, "store.age");
  const store = storeOf({ path });
  {
    using _variable = setVariable("KEYZERO_PASSPHRASE", CANARY);
    await store.put("a", "b");
    assert.equal(await store.get("a"), "b");
  }
  assert.throws(() => Deno.statSync(`${path}.identity`), Deno.errors.NotFound);
  const before = Deno.readFileSync(path);
  assert.match(new TextDecoder().decode(before), /^age-encryption\.org\/v1\n-> scrypt \S+ 18\n/);
  {
    using _variable = setVariable("KEYZERO_PASSPHRASE", `${CANARY}x`);
    const wrong = {
      code: "STORE_PASSPHRASE_WRONG",
      message: `Cannot open store "${path}": the passphrase does not fit`,
    };
    await assert.rejects(store.get("a"), wrong);
    await assert.rejects(store.put("c", "d"), wrong);
  }
  {
    using _variable = setVariable("KEYZERO_PASSPHRASE", "");
    await assert.rejects(store.put("c", "d"), { code: "STORE_PASSPHRASE_MISSING" });
  }
  assert.deepEqual(Deno.readFileSync(path), before);
});

Deno.test("createStoreProvider() opens a store made with an identity while a passphrase is set", async () => {
  using directory = temporaryDirectory();
  const store = storeOf({ path: join(directory.path, "store.age"), identity: "file" });
  await store.put("a", "b");
  using _variable = setVariable("KEYZERO_PASSPHRASE", CANARY);
  assert.equal(await store.get("a"), "b");
  await store.put("c", "d");
  assert.equal(await store.get("c"), "d");
});

Deno.test({
  name: "createStoreProvider() makes an identity file where no keychain answers",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using directory = temporaryDirectory();
    using _path = setVariable("PATH", directory.path);
    const path = join(directory.path, "store.age");
    await storeOf({ path }).put("a", "b");
    assert.match(Deno.readTextFileSync(`${path}.identity`), /^AGE-SECRET-KEY-1/);
    assert.equal(await storeOf({ path }).get("a"), "b");
    await assert.rejects(storeOf({ path: `${path}2`, identity: "keychain" }).put("a", "b"), {
      code: "PROVIDER_UNAVAILABLE",
    });
  },
});
