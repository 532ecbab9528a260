/** What is said of the system's errors, by their POSIX names. */
const STATES: Readonly<Record<string, string | undefined>> = {
  EACCES: "permission is denied",
  ELOOP: "its symbolic links lead in a circle",
  ENOENT: "there is no such file",
  ENOSPC: "the disk is full",
  EPERM: "permission is denied",
  EROFS: "the disk can only be read",
};

/** What is wrong with a file, without the path that the system's own text holds. */
export function systemState(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return STATES["EACCES"]!;
  }
  if (!(error instanceof Error)) return "the system reports an error";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const number = /\(os error (\d+)\)/.exec(error.message)?.[1];
  return STATES[code] ?? (number === undefined ? "the system reports an error" : `the system reports error ${number}`);
}
