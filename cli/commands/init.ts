import { join } from "node:path";
import { AppError } from "../../policy/error.ts";
import { PROJECT_FILE, type Surroundings } from "../config/config_files.ts";
import { configSchemaText } from "../config/json_schema.ts";
import { createFile } from "../config/replace_file.ts";
import { writeStderr } from "../terminal/write.ts";
import type { Arguments } from "./arguments.ts";
import { pickProvider } from "./pick_provider.ts";

/** Beside the configuration, so that editors complete it without a network and for the version that wrote it. */
const SCHEMA_FILE = ".keyzero.schema.json";

/** `kz init` */
export async function initCommand(_args: Arguments, around: Surroundings): Promise<number> {
  const provider = await pickProvider(around.cwd);
  await createFile(join(around.cwd, PROJECT_FILE), PROJECT_FILE, initialText(provider));
  writeStderr(`Wrote ${PROJECT_FILE}; new secrets go to the provider "${provider}"\n`);
  await createSchema(around.cwd);
  writeStderr('Next: "kz add NAME" declares a secret, "kz put NAME" stores its value\n');
  return 0;
}

async function createSchema(cwd: string): Promise<void> {
  try {
    await createFile(join(cwd, SCHEMA_FILE), SCHEMA_FILE, configSchemaText());
    writeStderr(`Wrote ${SCHEMA_FILE}, by which editors complete and check ${PROJECT_FILE}\n`);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "CONFIG_EXISTS") throw error;
    writeStderr(`Left ${SCHEMA_FILE} as it is\n`);
  }
}

function initialText(provider: string): string {
  return `#:schema ./${SCHEMA_FILE}
# Where this project's secrets are; never their values. "kz help" shows the commands.

[secrets]
# GITHUB_TOKEN = { provider = "${provider}", ref = "github-pat", hosts = ["api.github.com"] }
`;
}
