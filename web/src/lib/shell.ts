// Words of a command that is shown to be copied (libselftune's JoinCommand does
// the same for the commands that come with replies).

// Controls, marks of direction, blanks of no width: not seen, or change what is.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

/** A word for a shell; quoted when it has more than the usual characters. */
export function quoted(word: string): string {
  if (/^[\w.:/@+=,%-]+$/.test(word)) return word;
  if (!UNSEEN.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const bytes = (c: string): string =>
    [...new TextEncoder().encode(c)].map((b) => `\\x${b.toString(16).padStart(2, "0")}`).join("");
  return `$'${[...word].map((c) => (UNSEEN.test(c) ? bytes(c) : c === "'" || c === "\\" ? `\\${c}` : c)).join("")}'`;
}

/** A flag and its value, which is never taken for a flag itself. */
export function flag(name: string, value: string): string {
  return value.startsWith("-") ? quoted(`${name}=${value}`) : `${name} ${quoted(value)}`;
}

/** A skill's name behind a command that takes it bare. */
export function named(skill: string): string {
  return skill.startsWith("-") ? flag("--skill", skill) : quoted(skill);
}
