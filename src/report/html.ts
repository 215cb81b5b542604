/** HTML text with every inserted value escaped, unless it is HTML already. Nothing else in this room writes a "<". */

/** A piece of finished HTML, told apart from text by its class. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Insert = Html | string | number | readonly (Html | string | number)[];

/** Escapes text for element content and for quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

/**
 * A template tag: inserted strings and numbers are escaped, {@link Html} and arrays of it go in as they are.
 *
 * @example
 * html`<p>${'1 < 2'}</p>`.text; // '<p>1 &lt; 2</p>'
 */
export function html(strings: TemplateStringsArray, ...inserts: readonly Insert[]): Html {
  return new Html(strings.map((string, i) => (i === 0 ? string : markup(inserts[i - 1]) + string)).join(''));
}

function markup(insert: Insert): string {
  if (insert instanceof Html) return insert.text;
  if (typeof insert === 'object') return insert.map(markup).join('');
  return escapeHtml(String(insert));
}
