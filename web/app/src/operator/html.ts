/** Building elements without `innerHTML`, which the page's security policy forbids. */

type Child = Node | string;

export function h<N extends keyof HTMLElementTagNameMap>(
  name: N, attributes: Readonly<Record<string, string | number>> = {}, ...children: Child[]
): HTMLElementTagNameMap[N] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value));
  element.append(...children);
  return element;
}
