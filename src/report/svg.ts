/**
 * The seam to Observable Plot: what a plot needs of a document, and how it becomes HTML. The document is injected (linkedom
 * in Node, the page's own in a browser), so that this room compiles without DOM types.
 */
import * as Plot from '@observablehq/plot';
import { Html, html } from './html.ts';

/** The part of a DOM `Document` that this room asks for by name; Plot uses more of it. */
export interface ReportDocument {
  createElementNS(namespace: string, name: string): unknown;
  createElement(name: string): unknown;
}

interface SvgElement {
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  querySelectorAll(selector: string): Iterable<SvgElement>;
}

/**
 * Draws a plot as one labelled image.
 *
 * @param label what a screen reader says in place of the picture
 * @param finish last changes to the drawn elements
 */
export function drawSvg(
  options: Plot.PlotOptions,
  document: ReportDocument,
  label: string,
  finish: (svg: SvgElement) => void = () => {},
): Html {
  // The cast is the injection: Plot's types ask for the DOM's own Document, which does not exist here.
  const svg = Plot.plot({ ...options, document: document as never }) as unknown as SvgElement;
  finish(svg);
  // The picture has one label. Plot's own, such as "line", stand at groups, where they are not allowed.
  for (const part of svg.querySelectorAll('[aria-label]')) {
    part.setAttribute('data-mark', part.getAttribute('aria-label') ?? '');
    part.removeAttribute('aria-label');
  }
  // The label is escaped here and not by the document, whose serialisation this room does not control.
  const open = html`<svg role="img" aria-label="${label}" `;
  return new Html(svg.outerHTML.replace(/^<svg /, () => open.text));
}
