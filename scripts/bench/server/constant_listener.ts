/**
 * What a request over HTTP costs here at least: Deno's own server, which reads the body and answers what it was started
 * with. Prints its port.
 */
const reply = Deno.args[0] ?? "";
Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) }, async (request) => {
  await request.text();
  return new Response(reply, { headers: { "content-type": "application/json" } });
});
