// The load of `../load_client.ts`, kind "rate", by the `fetch` of Node; it takes as many connections as it has requests.
import process from "node:process";

const job = JSON.parse(process.argv[2]);
const headers = { authorization: `Bearer ${process.env.BENCH_TOKEN}` };

async function ask() {
  const reply = await fetch(`https://localhost:${job.port}/reply`, { headers });
  if (reply.status !== 200) throw new Error(`Cannot measure: the reply is ${reply.status}`);
  await reply.arrayBuffer();
}

const each = (use) => Promise.all(Array.from({ length: job.connections }, use));

for (let round = 0; round < 20; round++) await each(ask);
console.log("warm");
await new Promise((resolve) => setTimeout(resolve, 300));
let done = 0;
const start = performance.now();
const deadline = start + job.durationMs;
await each(async () => {
  for (; performance.now() < deadline; done++) await ask();
});
console.log(JSON.stringify({ requestsPerSecond: done / (performance.now() - start) * 1000 }));
process.exit(0);
