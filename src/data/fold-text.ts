/** A text without what does not tell texts apart: case, kinds and amounts of white space, forms of one character. */
export function foldText(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim();
}
