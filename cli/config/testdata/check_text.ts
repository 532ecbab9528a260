import type { AppError } from "../../../policy/error.ts";
import { checkFiles } from "../load.ts";
import type { ConfigFile } from "../problem.ts";

/** Texts of the files, as if they were in `/project` and in the user's configuration. */
export interface Texts {
  readonly project: string;
  readonly local?: string;
  readonly user?: string;
}

/** What `kz validate` would say of these texts. */
export async function problemsOf({ project, local, user }: Texts): Promise<readonly AppError[]> {
  const file = (label: string, text: string | undefined): ConfigFile | undefined =>
    text === undefined ? undefined : { path: `/project/${label}`, label, text };
  const found = {
    project: file(".keyzero.toml", project),
    local: file(".keyzero.local.toml", local),
    user: file("config.toml", user),
  };
  return (await checkFiles(found, { cwd: "/project", getEnv: () => undefined })).problems;
}
