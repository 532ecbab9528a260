/// <reference lib="deno.worker" />
// Answers each list of permission descriptors with their states, asked inside this worker.
self.onmessage = async ({ data }: MessageEvent<readonly Deno.PermissionDescriptor[]>) => {
  self.postMessage(await Promise.all(data.map(async (descriptor) => (await Deno.permissions.query(descriptor)).state)));
};
