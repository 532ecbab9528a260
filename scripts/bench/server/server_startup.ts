import type { KzVariant } from "../kz_blind.ts";
import { residentMiB } from "../resident_set.ts";
import type { Row, Table } from "../report.ts";
import { median } from "../statistics.ts";
import { makeServerProject, type ServerFiles, startServerIn } from "./running_server.ts";

/** From the start of `kz server start` until it listens, and what its process holds then. */
export async function measureServerStartup(
  options: {
    readonly variants: readonly KzVariant[];
    readonly bundles: readonly { readonly name: string; readonly files: ServerFiles }[];
    readonly rounds: number;
  },
): Promise<Table> {
  const rows: Row[] = [];
  for (const variant of options.variants) {
    for (const { name, files } of options.bundles) {
      await using project = await makeServerProject(files);
      const [times, sizes]: [number[], number[]] = [[], []];
      // The first start fills caches.
      for (let round = 0; round <= options.rounds; round++) {
        await using server = await startServerIn(variant, project);
        if (round === 0) continue;
        times.push(server.startMs);
        sizes.push(await residentMiB(server.pid) ?? NaN);
      }
      rows.push({ name: `${variant}, ${name}`, values: [median(times), median(sizes)] });
    }
  }
  return {
    title: `kz server start until it listens, median of ${options.rounds}`,
    columns: ["ms", "resident MiB"],
    rows,
  };
}
