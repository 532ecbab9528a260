import { AppError } from "../../policy/error.ts";
import { writeStdout } from "../terminal/write.ts";
import { allOptions, type Arguments } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import { firstWord, groupOf } from "./find_command.ts";
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
  const operands = spec.name === "help" ? firstWords() : spec.operands.completes ?? [];
  return [...operands, ...allOptions(spec).map(({ name }) => `--${name}`)];
}

/** What may follow `kz`. */
const firstWords = (): readonly string[] => [...new Set(COMMANDS.map(firstWord))];

/** First words that need a second, with what that may be. */
function groups(): readonly (readonly [name: string, seconds: readonly string[]])[] {
  return firstWords().map((name) => [name, groupOf(name).map((spec) => secondWord(spec))] as const)
    .filter(([, seconds]) => seconds.length > 0);
}

const secondWord = ({ name }: CommandSpec): string => name.split(" ")[1]!;

function bash(): string {
  const cases = COMMANDS.map((spec) => `    ${pattern(spec)}) words=${quoted(words(spec).join(" "))} ;;`);
  const seconds = groups().map(([name, names]) => `      ${name}) words=${quoted(names.join(" "))} ;;`);
  return `# bash completion for kz: source <(kz completion bash)
_kz() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=""
  local index
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(firstWords().join(" "))} -- "$current"))
    return
  fi
  if [ "$COMP_CWORD" -eq 2 ]; then
    case \${COMP_WORDS[1]} in
${seconds.join("\n")}
    esac
    if [ -n "$words" ]; then
      COMPREPLY=($(compgen -W "$words" -- "$current"))
      return
    fi
  fi
  for ((index = 2; index < COMP_CWORD; index++)); do
    # What follows is another program's.
    if [ "\${COMP_WORDS[index]}" = -- ]; then
      COMPREPLY=($(compgen -c -f -- "$current"))
      return
    fi
  done
  case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _kz kz
`;
}

function zsh(): string {
  const commands = firstWords().map((name) => `    ${quoted(`${name}:${summaryOf(name)}`)}`);
  const cases = COMMANDS.map((spec) => `    ${pattern(spec)}) compadd -- ${words(spec).join(" ")} ;;`);
  const seconds = groups().map(([name, names]) => `      ${name}) compadd -- ${names.join(" ")}; return ;;`);
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
  if (( CURRENT == 3 )); then
    case \${words[2]} in
${seconds.join("\n")}
    esac
  fi
  case "\${words[2]} \${words[3]}" in
${cases.join("\n")}
  esac
}
compdef _kz kz
`;
}

function fish(): string {
  const first = firstWords().map((name) =>
    `complete -c kz -n __fish_use_subcommand -f -a ${name} -d ${quoted(summaryOf(name))}`
  );
  const lines = COMMANDS.flatMap((spec) => [
    ...(firstWord(spec) === spec.name ? [] : [second(spec)]),
    ...(spec.operands.completes ?? []).map((word) => `${inCommand(spec)} -f -a ${word}`),
    ...allOptions(spec).map(({ name, value, description }) =>
      `${inCommand(spec)} -l ${name}${value === undefined ? "" : " -x"} -d ${quoted(description)}`
    ),
  ]);
  return `# fish completion for kz: kz completion fish | source\n${[...first, ...lines].join("\n")}\n`;
}

/** After the words of a command's name. */
const inCommand = (spec: CommandSpec): string => {
  const seen = spec.name.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
  return `complete -c kz -n '${seen.join("; and ")}'`;
};

/** The second word of a command's name, after its first. */
function second(spec: CommandSpec): string {
  const seconds = groupOf(firstWord(spec)).map(secondWord).join(" ");
  const condition = `__fish_seen_subcommand_from ${firstWord(spec)}; and not __fish_seen_subcommand_from ${seconds}`;
  return `complete -c kz -n '${condition}' -f -a ${secondWord(spec)} -d ${quoted(spec.summary)}`;
}

/** A shell pattern for the first two words behind `kz`. */
function pattern({ name }: CommandSpec): string {
  return name.includes(" ") ? quoted(name) : `${quoted(`${name} `)}*`;
}

/** Of a group, what its commands are about. */
function summaryOf(name: string): string {
  const spec = COMMANDS.find((command) => command.name === name);
  return spec?.summary ?? `Commands: ${groupOf(name).map(secondWord).join(", ")}`;
}

/** A word for a shell, single quotes included. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
