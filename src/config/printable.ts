/**
 * Text of others on its way to a terminal: names, ids, details and error messages may hold escape
 * sequences that a terminal obeys, line ends that forge a line, and marks that turn the order of what
 * is read around. They are shown as what they are.
 */

/** Control characters, format characters (bidirectional marks, zero width), line ends of Unicode. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text in one line, for a cell of a table or a part of a sentence. */
export function printable(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** A text of several lines, as far as these are ours. */
export function printableLines(text: string): string {
  return text.replace(UNSEEN, (character) => (character === '\n' ? '\n' : escaped(character)));
}

/** JSON that says the same: between its values it has no other unseen characters than line ends. */
export function printableJson(json: string): string {
  return json.replace(UNSEEN, (character) => {
    if (character === '\n') return character;
    return Array.from({ length: character.length }, (_, i) => {
      return `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
    }).join('');
  });
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code > 0xffff) return `\\u{${hex}}`;
  return (
    SHORT[character] ?? (code > 0xff ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`)
  );
}
