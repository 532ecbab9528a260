import assert from "node:assert/strict";
import { chooseEnvironment } from "./environment.ts";

const KNOWN = ["production", "staging"];
type Variables = Record<string, string>;
const get = (variables: Variables) => (name: string) => variables[name];

const CHOSEN: [why: string, asked: string | undefined, variables: Variables, expected: string | undefined][] = [
  ["nothing set", undefined, {}, undefined],
  ["--env before the variables", "staging", { KEYZERO_ENV: "production" }, "staging"],
  ["KEYZERO_ENV before NODE_ENV", undefined, { KEYZERO_ENV: "staging", NODE_ENV: "production" }, "staging"],
  ["an empty variable as unset", undefined, { KEYZERO_ENV: "", NODE_ENV: "production" }, "production"],
  ["RAILS_ENV before APP_ENV", undefined, { RAILS_ENV: "staging", APP_ENV: "production" }, "staging"],
  ["APP_ENV last", undefined, { APP_ENV: "production" }, "production"],
  ["an unknown NODE_ENV, which ends the search", undefined, { NODE_ENV: "test", APP_ENV: "production" }, undefined],
];
for (const [why, asked, variables, expected] of CHOSEN) {
  Deno.test(`chooseEnvironment() takes ${why} [F-3.4]`, () => {
    assert.equal(chooseEnvironment(KNOWN, asked, get(variables)), expected);
  });
}

const REFUSED: [why: string, asked: string | undefined, variables: Variables, message: RegExp, hint: RegExp][] = [
  ["an unknown --env", "prod", {}, /"prod" of --env/, /production, staging/],
  ["an unknown KEYZERO_ENV", undefined, { KEYZERO_ENV: "prodution" }, /of KEYZERO_ENV/, /Did you mean "production"/],
  ["what may be a secret, without showing it", "ghp_canary", {}, /^Cannot choose environment of --env/, /production/],
  ["an empty --env", "", {}, /of --env/, /production/],
];
for (const [why, asked, variables, message, hint] of REFUSED) {
  Deno.test(`chooseEnvironment() refuses ${why} [F-3.4]`, () => {
    assert.throws(() => chooseEnvironment(KNOWN, asked, get(variables)), (error: Error & { hints?: string[] }) => {
      assert.match(error.message, message);
      assert.match(error.hints?.join() ?? "", hint);
      return !error.message.includes("canary");
    });
  });
}
