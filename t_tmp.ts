import { checkText, withSection } from "./cli/server/bundle/testdata/check_bundle_text.ts";
const many = (rule: string) => withSection("policies", `policies:\n${Array.from({ length: 10_000 }, (_, i) => `  - { name: p${i}, effect: allow, rule: ${rule} }`).join("\n")}`).replace("resolver: gh", "resolver: gh\n    secret: TOKEN");
console.time("ok");await checkText(many('service == "a"'));console.timeEnd("ok");
console.time("bad");await checkText(many('1'));console.timeEnd("bad");
const wide = `network:\n${Array.from({ length: 40_000 }, (_, i) => `  k${i}:`).join("\n")}`;
console.time("wide");await checkText(wide);console.timeEnd("wide");
