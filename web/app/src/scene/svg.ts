/** Small hands for building SVG without `innerHTML`, which the page's security policy forbids. */

const NS = 'http://www.w3.org/2000/svg';

type Attributes = Readonly<Record<string, string | number>>;

export function svg<N extends keyof SVGElementTagNameMap>(
  name: N, attributes: Attributes = {}, ...children: Element[]
): SVGElementTagNameMap[N] {
  const element = document.createElementNS(NS, name);
  set(element, attributes);
  element.append(...children);
  return element;
}

export function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

/** A gradient whose colours come from CSS classes (`.tin-0` …), so that light and dark share one drawing. */
export function gradient(
  kind: 'linearGradient' | 'radialGradient', id: string, axis: Attributes, stops: readonly (readonly [offset: number, className: string])[],
): SVGElement {
  const element = svg(kind, { id, ...axis });
  for (const [offset, className] of stops) element.append(svg('stop', { offset, class: className }));
  return element;
}
