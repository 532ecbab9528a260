import assert from "node:assert/strict";
import fc from "fast-check";
import { ScrubPlan } from "./scrub_plan.ts";
import { PatternSet } from "./pattern_set.ts";

// requirement: P-3.2

const CANARY = `canary/${"p@ss+wörd"}&"x"~42`;
const TOKEN = "kz_masked_0123456789abcdef0123456789abcdef";
/** With all that some writer escapes. */
const HOSTILE = `canary/+<&>"'${"`"}=ü`;
const utf8 = new TextEncoder();
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const base64 = (value: string) => btoa(String.fromCharCode(...utf8.encode(value)));
const plan = () => new ScrubPlan([{ text: CANARY, standIn: TOKEN }]);

const FORMS: readonly [why: string, echo: string][] = [
  ["as it is", CANARY],
  ["JSON", JSON.stringify({ a: CANARY })],
  ["JSON in ASCII", JSON.stringify(CANARY).replace(/[\u007f-\uffff]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)],
  ["JSON with escaped slashes", JSON.stringify(CANARY).replaceAll("/", "\\/")],
  ["percent", encodeURIComponent(CANARY)],
  ["percent in lower case", encodeURIComponent(CANARY).replace(/%../g, (e) => e.toLowerCase())],
  ["form", new URLSearchParams({ a: CANARY }).toString()],
  ["base64", base64(CANARY)],
  ["base64 after one byte", base64(`u${CANARY}`)],
  ["base64 after two bytes, and before more", base64(`u:${CANARY} tail`)],
  ["base64url", base64(`user:${CANARY}`).replaceAll("+", "-").replaceAll("/", "_")],
  ["hex", Array.from(utf8.encode(CANARY), (b) => b.toString(16).padStart(2, "0")).join("")],
  ["hex in upper case", Array.from(utf8.encode(CANARY), (b) => b.toString(16).padStart(2, "0")).join("").toUpperCase()],
];

for (const [why, echo] of FORMS) {
  Deno.test(`ScrubPlan replaces a value written as ${why} at every split`, () => {
    const input = utf8.encode(`before ${echo} after`);
    const whole = text(plan().replaceAll(input));
    assert.ok(whole.includes(TOKEN), "no stand-in");
    assert.ok(whole.startsWith("before ") && whole.endsWith(" after"));
    for (let cut = 0; cut <= input.length; cut++) {
      const replacer = plan().replacer({ keepLength: false });
      const parts = [replacer.push(input.slice(0, cut)), replacer.push(input.slice(cut)), replacer.flush()];
      assert.equal(parts.map(text).join(""), whole);
    }
  });
}

Deno.test("TM-01 ScrubPlan replaces a value in UTF-16", () => {
  const answer = `"${HOSTILE}"`;
  const echo = new Uint8Array(2 * answer.length);
  for (const [at, char] of [...answer].entries()) echo[2 * at] = char.charCodeAt(0);
  const written = new ScrubPlan([{ text: HOSTILE, standIn: TOKEN }]).replaceAll(echo);
  assert.equal(text(written), `"\0${TOKEN}"\0`);
});

const WRITERS: readonly [who: string, echo: string][] = [
  ["Go's encoding/json", String.raw`canary/+\u003c\u0026\u003e\"'${"`"}=ü`],
  ["Gson", String.raw`canary/+\u003c\u0026\u003e\"\u0027${"`"}\u003dü`],
  ["System.Text.Json", String.raw`canary/\u002B\u003C\u0026\u003E\u0022\u0027\u0060=\u00FC`],
  ["PHP's json_encode", String.raw`canary\/+<&>\"'${"`"}=\u00fc`],
  ["PHP's json_encode with JSON_HEX_*", String.raw`canary\/+\u003C\u0026\u003E\u0022\u0027${"`"}=\u00fc`],
  ["Python's json", String.raw`canary/+<&>\"'${"`"}=\u00fc`],
  ["Jackson in ASCII", String.raw`canary/+<&>\"'${"`"}=\u00FC`],
  ["Go's html", "canary/+&lt;&amp;&gt;&#34;&#39;`=ü"],
  ["Go's html/template", "canary/&#43;&lt;&amp;&gt;&#34;&#39;`=ü"],
  ["Python's html", "canary/+&lt;&amp;&gt;&quot;&#x27;`=ü"],
  ["PHP's htmlspecialchars", "canary/+&lt;&amp;&gt;&quot;&#039;`=ü"],
  ["Handlebars", "canary/+&lt;&amp;&gt;&quot;&#x27;&#x60;&#x3D;ü"],
  ["Mustache", "canary&#x2F;+&lt;&amp;&gt;&quot;&#39;&#x60;&#x3D;ü"],
  ["an escaper of text alone", "canary/+&lt;&amp;&gt;\"'`=ü"],
  ["an XML writer", "canary/+&lt;&amp;&gt;&quot;&apos;`=ü"],
];
for (const [who, echo] of WRITERS) {
  Deno.test(`TM-01 ScrubPlan replaces a value as ${who} writes it`, () => {
    const written = new ScrubPlan([{ text: HOSTILE, standIn: TOKEN }]).replaceAll(utf8.encode(`before ${echo} after`));
    assert.equal(text(written), `before ${TOKEN} after`);
  });
}

Deno.test("ScrubPlan finds a value of several lines with the line ends of a terminal", () => {
  const key = "-----BEGIN KEY-----\ncanary\n-----END KEY-----\n";
  const lines = new ScrubPlan([{ text: key, standIn: TOKEN }]);
  assert.equal(text(lines.replaceAll(utf8.encode(key.replaceAll("\n", "\r\n")))), TOKEN);
});

Deno.test("StreamReplacer keeps the length where it was announced", () => {
  const replacer = plan().replacer({ keepLength: true });
  const input = utf8.encode(`<${CANARY}>`);
  const out = text(replacer.push(input)) + text(replacer.flush());
  assert.equal(utf8.encode(out).length, input.length);
  assert.ok(out.startsWith("<kz_masked_"));
});

Deno.test("StreamReplacer holds back only what may begin a value", () => {
  const replacer = plan().replacer({ keepLength: false });
  assert.equal(text(replacer.push(utf8.encode("data: tick\n\n"))), "data: tick\n\n");
  assert.equal(replacer.pending, 0);
  assert.equal(text(replacer.push(utf8.encode("x canary/"))), "x ");
  assert.equal(replacer.pending, 7);
});

Deno.test("StreamReplacer prefers the value that begins first over one inside it, also when split", () => {
  const outer = "prefix-0123456789-suffix";
  const both = new ScrubPlan([{ text: "0123456789", standIn: "IN" }, { text: outer, standIn: "OUT" }]);
  const input = utf8.encode(`a ${outer} b 0123456789 c`);
  for (let cut = 0; cut <= input.length; cut++) {
    const replacer = both.replacer({ keepLength: false });
    const out = [replacer.push(input.slice(0, cut)), replacer.push(input.slice(cut)), replacer.flush()].map(text).join(
      "",
    );
    assert.equal(out, "a OUT b IN c");
  }
});

Deno.test("StreamReplacer flush() replaces a whole value that waited for a longer one", () => {
  const both = new ScrubPlan([{ text: "0123456789", standIn: "IN" }, { text: "0123456789-suffix", standIn: "OUT" }]);
  const replacer = both.replacer({ keepLength: false });
  assert.equal(text(replacer.push(utf8.encode("0123456789-su"))) + text(replacer.flush()), "IN-su");
});

Deno.test("ScrubPlan agrees with a naive search for any patterns and any split", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 8, maxLength: 12 });
  fc.assert(fc.property(
    fc.array(word, { minLength: 1, maxLength: 6 }),
    fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 60 }),
    (words, haystack) => {
      const set = new PatternSet(words.map((w) => utf8.encode(w)));
      const starts = words.map((w) => haystack.indexOf(w)).filter((at) => at >= 0);
      const expected = starts.length === 0 ? undefined : Math.min(...starts);
      assert.equal(set.find(utf8.encode(haystack))?.start, expected);
      const settled = [...haystack].findIndex((_, at) =>
        words.some((w) => w.length > haystack.length - at && w.startsWith(haystack.slice(at)))
      );
      assert.equal(set.settledEnd(utf8.encode(haystack)), settled < 0 ? haystack.length : settled);
    },
  ));
});

Deno.test("ScrubPlan agrees with a naive search among ten thousand patterns, of which its table covers a part", () => {
  const digits = (count: number) =>
    fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: count, maxLength: count + 20 });
  const words = fc.sample(digits(20), { numRuns: 10_000, seed: 1 });
  const set = new PatternSet(words.map((word) => utf8.encode(word)));
  const beginnings = new Set(words.flatMap((word) => Array.from(word.slice(1), (_, at) => word.slice(0, at + 1))));
  const whole = new Map(words.map((word) => [word.slice(0, 20), word]));
  const cut = fc.tuple(fc.constantFrom(...words), fc.nat(19)).map(([word, at]) => word.slice(0, at));
  fc.assert(fc.property(
    fc.array(fc.oneof(fc.constantFrom(...words), cut, digits(0)), { minLength: 1, maxLength: 12 }),
    (parts) => {
      const haystack = parts.join("");
      const bytes = utf8.encode(haystack);
      const expected = [...haystack].findIndex((_, at) => {
        const word = whole.get(haystack.slice(at, at + 20));
        return word !== undefined && haystack.startsWith(word, at);
      });
      assert.equal(set.find(bytes)?.start ?? -1, expected);
      const settled = [...haystack].findIndex((_, at) => beginnings.has(haystack.slice(at)));
      assert.equal(set.settledEnd(bytes), settled < 0 ? haystack.length : settled);
    },
  ));
});

Deno.test("StreamDetector finds a value over chunks and lets nothing of it out before", () => {
  const input = utf8.encode(`{"key":"${base64(CANARY)}"}`);
  const detector = plan().detector();
  let out = "";
  let found: string | undefined;
  for (const byte of input) {
    const step = detector.push(new Uint8Array([byte]));
    if ("found" in step) {
      found = step.found.text;
      break;
    }
    out += text(step.out);
  }
  assert.equal(found, CANARY);
  assert.ok(!out.includes(base64(CANARY).slice(0, 8)));
});

Deno.test("TM-24 ScrubPlan replaces more values in one piece than a call may have arguments", () => {
  const plan = new ScrubPlan([{ text: "12345678", standIn: "-" }]);
  const count = 300_000;
  assert.equal(plan.replaceAll(new TextEncoder().encode("12345678".repeat(count))).length, count);
});

Deno.test("ScrubPlan.withStandIns() replaces some texts by other stand-ins, and leaves the plan it was made of as it is", () => {
  const other = "another-value-0451";
  const plan = new ScrubPlan([{ text: CANARY, standIn: "[value]" }, { text: other, standIn: "[value]" }]);
  const mine = plan.withStandIns(new Map([[CANARY, TOKEN], ["not in it", "x"]]));
  const text = new TextEncoder().encode(`${CANARY} ${encodeURIComponent(CANARY)} ${other}`);
  const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(read(mine.replaceAll(text)), `${TOKEN} ${TOKEN} [value]`);
  assert.equal(read(plan.replaceAll(text)), "[value] [value] [value]");
});

const OVERLAPPING: readonly (readonly [why: string, texts: readonly string[], input: string, output: string])[] = [
  ["the next one begins in it", ["key=abcdef01", "ef01-secret-9"], "x key=abcdef01-secret-9 y", "x T0********* y"],
  ["three in a row", ["aaaa1111", "1111bbbb", "bbbb2222"], "-aaaa1111bbbb2222-", "-T0********-"],
  ["one within another", ["0123456789ab", "3456789a"], "-0123456789ab-", "-T0-"],
  ["side by side", ["aaaa1111", "bbbb2222"], "aaaa1111bbbb2222", "T0T1"],
];
for (const [why, texts, input, output] of OVERLAPPING) {
  Deno.test(`TM-06 StreamReplacer leaves nothing of values that overlap: ${why}`, () => {
    const plan = new ScrubPlan(texts.map((text, at) => ({ text, standIn: `T${at}` })));
    const bytes = utf8.encode(input);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const replacer = plan.replacer({ keepLength: false });
      const parts = [replacer.push(bytes.slice(0, cut)), replacer.push(bytes.slice(cut)), replacer.flush()];
      assert.equal(parts.map(text).join(""), output, `cut at ${cut}`);
    }
    const single = plan.replacer({ keepLength: true });
    const out = Array.from(bytes, (byte) => text(single.push(Uint8Array.of(byte)))).join("") + text(single.flush());
    assert.equal(out.length, input.length);
  });
}

Deno.test("StreamReplacer looks for other values from the moment it is told", () => {
  const [before, after] = [
    new ScrubPlan([{ text: "aaaa1111", standIn: "T" }]),
    new ScrubPlan([{ text: "1111bbbb", standIn: "U" }]),
  ];
  const replacer = before.replacer({ keepLength: false });
  assert.equal(text(replacer.push(utf8.encode("x aaaa111"))), "x ");
  replacer.use(after.replacements);
  assert.equal(text(replacer.push(utf8.encode("1bbbb y"))) + text(replacer.flush()), "aaaaU y");
});
