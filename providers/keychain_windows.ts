import { type KeychainBackend, KeychainFailure, type KeychainItem } from "./keychain_backend.ts";
import { KEYCHAIN_PROGRAM, keychainEnvironment } from "./keychain_programs.ts";
import { type ProgramResult, runProgram } from "./program.ts";

/** `CRED_MAX_CREDENTIAL_BLOB_SIZE`. */
const MAX_BYTES = 2560;
/** What the script ends with when `CredRead` says `ERROR_NOT_FOUND` (1168). */
const ITEM_NOT_FOUND = 3;

/** Credential Manager, through PowerShell and the Win32 calls. Not verified on a Windows machine. */
export const windowsKeychain: KeychainBackend = {
  maxBytes: MAX_BYTES,

  async get(item, signal) {
    const { code, stdout } = await powershell([base64(utf8(target(item)))], signal);
    if (code === ITEM_NOT_FOUND) return undefined;
    if (code !== 0) throw new KeychainFailure("refused", "Credential Manager refused");
    return Uint8Array.from(atob(new TextDecoder().decode(stdout).trim()), (char) => char.charCodeAt(0));
  },

  async set(item, bytes, signal) {
    const { code } = await powershell([base64(utf8(target(item))), base64(bytes)], signal);
    if (code !== 0) throw new KeychainFailure("refused", "Credential Manager refused");
  },
};

function target(item: KeychainItem): string {
  return `${item.service}:${item.name}`;
}

/** The script is fixed; what differs goes in on stdin, one base64 line each: the target's name, and the value to store. */
async function powershell(lines: readonly string[], signal: AbortSignal): Promise<ProgramResult> {
  const args = ["-NoProfile", "-NonInteractive", "-EncodedCommand", base64(utf16(SCRIPT))];
  const stdin = utf8(lines.map((line) => `${line}\n`).join(""));
  try {
    return await runProgram(KEYCHAIN_PROGRAM.windows!, args, { stdin, env: keychainEnvironment(), signal });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new KeychainFailure("missing", "PowerShell is not at its usual place", { cause });
  } finally {
    stdin.fill(0);
  }
}

/** Type 1 is `CRED_TYPE_GENERIC`, persist 2 is `CRED_PERSIST_LOCAL_MACHINE` (wincred.h). */
const SCRIPT = `
$ErrorActionPreference = 'Stop'
Add-Type -TypeDefinition @'
using System;
using System.Runtime.InteropServices;
public static class KeyZeroCredential {
  [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
  public struct Credential {
    public uint Flags; public uint Type; public string TargetName; public string Comment;
    public System.Runtime.InteropServices.ComTypes.FILETIME LastWritten;
    public uint BlobSize; public IntPtr Blob; public uint Persist; public uint AttributeCount;
    public IntPtr Attributes; public string TargetAlias; public string UserName;
  }
  [DllImport("advapi32.dll", SetLastError = true, CharSet = CharSet.Unicode, EntryPoint = "CredReadW")]
  public static extern bool Read(string target, uint type, uint flags, out IntPtr credential);
  [DllImport("advapi32.dll", SetLastError = true, CharSet = CharSet.Unicode, EntryPoint = "CredWriteW")]
  public static extern bool Write(ref Credential credential, uint flags);
  [DllImport("advapi32.dll", EntryPoint = "CredFree")]
  public static extern void Free(IntPtr credential);
}
'@
$target = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String([Console]::In.ReadLine()))
$value = [Console]::In.ReadLine()
if ($null -eq $value) {
  $found = [IntPtr]::Zero
  if (-not [KeyZeroCredential]::Read($target, 1, 0, [ref]$found)) {
    if ([Runtime.InteropServices.Marshal]::GetLastWin32Error() -eq 1168) { exit ${ITEM_NOT_FOUND} } else { exit 4 }
  }
  $item = [Runtime.InteropServices.Marshal]::PtrToStructure($found, [type][KeyZeroCredential+Credential])
  $bytes = New-Object byte[] $item.BlobSize
  if ($item.BlobSize -gt 0) { [Runtime.InteropServices.Marshal]::Copy($item.Blob, $bytes, 0, $item.BlobSize) }
  [KeyZeroCredential]::Free($found)
  [Console]::Out.Write([Convert]::ToBase64String($bytes))
} else {
  $bytes = [Convert]::FromBase64String($value)
  $item = New-Object KeyZeroCredential+Credential
  $item.Type = 1; $item.Persist = 2; $item.TargetName = $target; $item.UserName = 'keyzero'
  $item.BlobSize = $bytes.Length
  $item.Blob = [Runtime.InteropServices.Marshal]::AllocHGlobal($bytes.Length)
  [Runtime.InteropServices.Marshal]::Copy($bytes, 0, $item.Blob, $bytes.Length)
  $written = [KeyZeroCredential]::Write([ref]$item, 0)
  [Runtime.InteropServices.Marshal]::FreeHGlobal($item.Blob)
  if (-not $written) { exit 4 }
}
exit 0
`;

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function utf16(text: string): Uint8Array {
  return Uint8Array.from([...text].flatMap((char) => [char.charCodeAt(0) & 0xff, char.charCodeAt(0) >> 8]));
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
