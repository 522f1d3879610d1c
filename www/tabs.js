/** Tabs after the pattern of the WAI-ARIA practices: arrow keys, Home and End move; the address names the open one. */

const MOVES = { ArrowRight: 1, ArrowLeft: -1 };

/**
 * @param {HTMLElement} line the element with `role="tablist"`
 * @param {(name: string) => void} opened called with a tab's name whenever it opens
 */
export function startTabs(line, opened) {
  const tabs = /** @type {HTMLElement[]} */ ([...line.querySelectorAll('[role="tab"]')]);
  const nameOf = (tab) => tab.id.replace('tab-', '');
  const open = (tab) => {
    for (const other of tabs) select(other, other === tab);
    line.style.setProperty('--stop', String(tabs.indexOf(tab)));
    opened(nameOf(tab));
  };
  const follow = () => open(tabs.find((tab) => `#${nameOf(tab)}` === location.hash) ?? tabs[0]);
  // The address follows, so that a tab can be linked to, and left by the back button.
  const go = (tab) => {
    open(tab);
    tab.focus();
    if (location.hash !== `#${nameOf(tab)}`) location.hash = nameOf(tab);
  };
  for (const tab of tabs) tab.addEventListener('click', () => go(tab));
  line.addEventListener('keydown', (event) => {
    const next = target(tabs, event.key);
    if (!next) return;
    event.preventDefault();
    go(next);
  });
  addEventListener('hashchange', follow);
  follow();
}

function select(tab, selected) {
  tab.setAttribute('aria-selected', String(selected));
  tab.tabIndex = selected ? 0 : -1;
  document.getElementById(tab.getAttribute('aria-controls')).hidden = !selected;
}

function target(tabs, key) {
  if (key === 'Home') return tabs[0];
  if (key === 'End') return tabs[tabs.length - 1];
  const place = tabs.findIndex((tab) => tab.tabIndex === 0);
  return MOVES[key] && tabs[(place + MOVES[key] + tabs.length) % tabs.length];
}
