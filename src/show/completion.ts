// What a shell needs to complete the words of cronlatch, written from the same table as --help. Pure: text for the shells.
import { type CommandRow, commands, ofWizard } from '../cli/commands.ts';
import { everywhere, type Flag } from '../cli/flags.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** The completion script of a shell, to be put where that shell looks for such files. */
export function completionFor(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

const flagsOf = (row: CommandRow | undefined): readonly Flag[] => [
  ...(row?.flags ?? ofWizard),
  ...everywhere,
];

/** What kind of word a flag takes, beyond those that can be listed. */
function kindOf({ takes, name }: Flag): 'file' | 'directory' | 'user' | 'other' {
  if (takes === 'DIR') return 'directory';
  if (takes === 'FILE' || takes === 'PATH') return 'file';
  return name === 'user' ? 'user' : 'other';
}

/** In single quotes, for any of the three. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function unique(flags: readonly Flag[]): readonly Flag[] {
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()];
}

function bash(): string {
  const all = unique([...ofWizard, ...everywhere, ...commands.flatMap((row) => row.flags)]);
  const named = (of: (flag: Flag) => boolean) =>
    all.filter((flag) => flag.takes !== undefined && of(flag)).map((flag) => `--${flag.name}`);
  const pattern = (names: readonly string[]) => names.join('|');
  const answers = all.flatMap(({ name, values }) =>
    values === undefined ? [] : [`    --${name}) _cronlatch_from ${quoted(values.join(' '))}; return ;;`],
  );
  const listed = (flag: Flag) => flag.values !== undefined;
  const kind = (wanted: string) => named((flag) => !listed(flag) && kindOf(flag) === wanted);
  const words = (row: CommandRow | undefined) => flagsOf(row).map(({ name }) => `--${name}`);
  return `# bash completion for cronlatch, made by: cronlatch completion bash
_cronlatch_from() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_cronlatch() {
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command='' second='' at
  # "=" is a word of its own to bash: --to=x is three.
  if [ "$cur" = = ]; then cur=''; elif [ "$before" = = ]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
    ${pattern(commands.map(({ name }) => name))})
      if [ -z "$command" ]; then command=\${COMP_WORDS[at]} second=\${COMP_WORDS[at+1]}; fi ;;
    esac
  done
  COMPREPLY=()
  case $before in
${answers.join('\n')}
    ${pattern(kind('file'))}) compopt -o default 2>/dev/null; return ;;
    ${pattern(kind('directory'))}) compopt -o default 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ${pattern(kind('user'))}) COMPREPLY=($(compgen -u -- "$cur")); return ;;
    ${pattern(kind('other'))}) return ;;
  esac
  case $command in
    '') _cronlatch_from ${quoted([...commands.map(({ name }) => name), 'help', ...words(undefined)].join(' '))} ;;
${commands
  .map((row) => {
    const flags = `_cronlatch_from ${quoted(words(row).join(' '))}`;
    if (row.actions === undefined) return `    ${row.name}) ${flags} ;;`;
    const known = row.actions.map((action) => action).join('|');
    return `    ${row.name}) case $second in ${known}) ${flags} ;; *) _cronlatch_from ${quoted(row.actions.join(' '))} ;; esac ;;`;
  })
  .join('\n')}
  esac
}
complete -F _cronlatch cronlatch
`;
}

function zsh(): string {
  const spec = (flag: Flag): string => {
    const { name, short, takes, values, many } = flag;
    const help = flag.help.replace(/[[\]:\\]/g, '\\$&');
    const action = {
      file: '_files',
      directory: '_files -/',
      user: '_users',
      other: '',
    }[kindOf(flag)];
    const value =
      takes === undefined ? '' : `:${takes}:${values === undefined ? action : `(${values.join(' ')})`}`;
    const star = many === true ? '*' : '';
    const long = quoted(`${star}--${name}${takes === undefined ? '' : '='}[${help}]${value}`);
    return short === undefined ? long : `${quoted(`-${short}[${help}]`)} ${long}`;
  };
  const block = (row: CommandRow): string => {
    const first = row.actions === undefined ? '' : ` ${quoted(`1:what:(${row.actions.join(' ')})`)}`;
    return `    ${row.name}) _arguments -s${first} ${flagsOf(row).map(spec).join(' ')} ;;`;
  };
  return `#compdef cronlatch
# zsh completion for cronlatch, made by: cronlatch completion zsh
_cronlatch() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C -s ${flagsOf(undefined).map(spec).join(' ')} '1:command:->command' '*::word:->words'
  case $state in
  command)
    local -a known=(${commands.map(({ name, what }) => quoted(`${name}:${what}`)).join(' ')})
    _describe command known ;;
  words)
    case $words[1] in
${commands.map(block).join('\n')}
    esac ;;
  esac
}
if [ "$funcstack[1]" = _cronlatch ]; then _cronlatch "$@"; else compdef _cronlatch cronlatch; fi
`;
}

function fish(): string {
  const lines = commands.map(
    ({ name, what }) => `complete -c cronlatch -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(what)}`,
  );
  const flagLine = (when: string, { name, short, takes, values, help, ...flag }: Flag): string => {
    const kind = kindOf({ name, help, ...(takes === undefined ? {} : { takes }), ...flag });
    const taken =
      takes === undefined
        ? ''
        : values !== undefined
          ? ` -x -a ${fishQuoted(values.join(' '))}`
          : {
              file: ' -r -F',
              directory: " -x -a '(__fish_complete_directories)'",
              user: " -x -a '(__fish_complete_users)'",
              other: ' -x',
            }[kind];
    return `complete -c cronlatch${when} -l ${name}${short === undefined ? '' : ` -s ${short}`}${taken} -d ${fishQuoted(help)}`;
  };
  for (const row of commands) {
    const when = ` -n '__fish_seen_subcommand_from ${row.name}'`;
    if (row.actions !== undefined)
      lines.push(
        `complete -c cronlatch -n '__fish_seen_subcommand_from ${row.name}; and not __fish_seen_subcommand_from ${row.actions.join(' ')}' -f -a ${fishQuoted(row.actions.join(' '))}`,
      );
    for (const flag of row.flags) lines.push(flagLine(when, flag));
  }
  for (const flag of everywhere) lines.push(flagLine('', flag));
  for (const flag of ofWizard) lines.push(flagLine('__fish_use_subcommand', flag));
  return `# fish completion for cronlatch, made by: cronlatch completion fish
complete -c cronlatch -f
${lines.join('\n')}
`;
}

/** Fish knows backslashes between its single quotes. */
const fishQuoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
