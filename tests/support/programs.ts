/** Whether a program is on this machine, for `ignore` by name. */
export function hasProgram(name: string): boolean {
  const path = Deno.env.get("PATH") ?? "";
  const [separator, endings] = Deno.build.os === "windows" ? [";", [".exe", ".cmd"]] : [":", [""]];
  return path.split(separator).some((folder) => endings.some((ending) => isFile(`${folder}/${name}${ending}`)));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
