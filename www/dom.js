/** The few words in which the views speak of the document. */

/** @returns {any} the element of this id */
export const $ = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {string | (Node | string)[]} [content]
 * @param {Record<string, unknown>} [properties] of the element, such as `className`
 */
export function element(tag, content = [], properties = {}) {
  const made = document.createElement(tag);
  made.append(...(typeof content === 'string' ? [content] : content));
  return Object.assign(made, properties);
}

/** Numbers for the stylesheet. Set by script, because the page's policy forbids `style` attributes. */
export function vary(node, numbers) {
  for (const [name, value] of Object.entries(numbers)) node.style.setProperty(`--${name}`, value.toFixed(4));
  return node;
}

/** Pairs of a name and a figure, as the children of a `dl`. */
export function facts(pairs) {
  return Object.entries(pairs).map(([name, figure]) => element('div', [element('dt', name), element('dd', figure)]));
}

/** The rows of a table body; the first cell of each is its heading. */
export function rows(list) {
  return list.map(([head, ...cells]) => {
    const name = element('th', [head], { scope: 'row' });
    return element('tr', [name, ...cells.map((cell) => element('td', [cell]))]);
  });
}

/** Shows what went wrong in one view, or with nothing, that all is well. */
export function complain(node, error) {
  node.hidden = !error;
  node.textContent = error ? `${error.code ?? error.name}: ${error.message}` : '';
}
