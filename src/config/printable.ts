/**
 * Escapes text from outside before it is printed: names, ids, details and error messages may have
 * terminal escape sequences, line ends that forge a line, and bidirectional marks that reorder text.
 */

/** Control characters, format characters (bidirectional marks, zero width), line ends of Unicode. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** For a cell of a table or a part of a sentence: line ends are escaped. */
export function printable(text: string): string {
  return text.replace(INVISIBLE, escaped);
}

/** For text of several lines: line feeds are kept. */
export function printableLines(text: string): string {
  return text.replace(INVISIBLE, (character) => (character === '\n' ? '\n' : escaped(character)));
}

/** Equivalent JSON: outside of its strings it has no invisible characters but line feeds. */
export function printableJson(json: string): string {
  return json.replace(INVISIBLE, (character) => {
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
