import { AppError } from "../../policy/error.ts";
import { writeStdout } from "../terminal/write.ts";
import { allOptions, type Arguments } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import { COMMANDS } from "./table.ts";

/** `kz completion bash|zsh|fish`: a script made from the table of commands. */
export function completionCommand({ operands: [shell] }: Arguments): Promise<number> {
  const script = makeScript(shell ?? "");
  if (script === undefined) {
    throw new AppError("USAGE_INVALID", "Cannot make completion script: the shell is not known", {
      hints: [`Use one of: ${SHELLS.join(", ")}`],
    });
  }
  writeStdout(script);
  return Promise.resolve(0);
}

const SCRIPTS: ReadonlyMap<string, () => string> = new Map([["bash", bash], ["zsh", zsh], ["fish", fish]]);
export const SHELLS: readonly string[] = [...SCRIPTS.keys()];

/** @returns Undefined for a shell that is not known. */
export function makeScript(shell: string): string | undefined {
  return SCRIPTS.get(shell)?.();
}

/** What may follow a command's name: its options, and the words of its operand. */
function words(spec: CommandSpec): readonly string[] {
  const operands = spec.name === "help" ? COMMANDS.map(({ name }) => name) : spec.operands.completes ?? [];
  return [...operands, ...allOptions(spec).map(({ name }) => `--${name}`)];
}

const commandNames = (): string => COMMANDS.map(({ name }) => name).join(" ");

function bash(): string {
  const cases = COMMANDS.map((spec) => `    ${spec.name}) words=${quoted(words(spec).join(" "))} ;;`);
  return `# bash completion for kz: source <(kz completion bash)
_kz() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=""
  local index
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(commandNames())} -- "$current"))
    return
  fi
  for ((index = 2; index < COMP_CWORD; index++)); do
    # What follows is another program's.
    if [ "\${COMP_WORDS[index]}" = -- ]; then
      COMPREPLY=($(compgen -c -f -- "$current"))
      return
    fi
  done
  case \${COMP_WORDS[1]} in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _kz kz
`;
}

function zsh(): string {
  const commands = COMMANDS.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = COMMANDS.map((spec) => `    ${spec.name}) compadd -- ${words(spec).join(" ")} ;;`);
  return `#compdef kz
# zsh completion for kz: source <(kz completion zsh)
_kz() {
  local -a commands=(
${commands.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local dashes=\${words[(i)--]}
  if (( dashes < CURRENT )); then
    # What follows is another program's.
    shift $dashes words
    (( CURRENT -= dashes ))
    _normal
    return
  fi
  case \${words[2]} in
${cases.join("\n")}
  esac
}
compdef _kz kz
`;
}

function fish(): string {
  const lines = COMMANDS.flatMap((spec) => [
    `complete -c kz -n __fish_use_subcommand -f -a ${spec.name} -d ${quoted(spec.summary)}`,
    ...(spec.operands.completes ?? []).map((word) => `${inCommand(spec)} -f -a ${word}`),
    ...allOptions(spec).map(({ name, value, description }) =>
      `${inCommand(spec)} -l ${name}${value === undefined ? "" : " -x"} -d ${quoted(description)}`
    ),
  ]);
  return `# fish completion for kz: kz completion fish | source\n${lines.join("\n")}\n`;
}

const inCommand = (spec: CommandSpec): string => `complete -c kz -n '__fish_seen_subcommand_from ${spec.name}'`;

/** A word for a shell, single quotes included. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
