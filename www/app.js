/** The page: a prompt and a dial go in, the router's decision is drawn. */

import { createRouter } from 'pointsman';
import { dialOf, dialText } from './dial.js';
import { EXAMPLES } from './examples.js';
import { showDecision, showEngine, showProblem, showProgress, showReady } from './view.js';

/** Long enough that a fast typist is not interrupted, short enough to feel immediate. */
const PAUSE_MS = 120;

const prompt = document.querySelector('#prompt');
const dial = document.querySelector('#dial');
const dialValue = document.querySelector('#dial-value');
const dialReset = document.querySelector('#dial-reset');
let router;
let pause;

async function route() {
  if (!router || prompt.value.trim() === '') return;
  try {
    showDecision(await router.route(prompt.value, dialOf(dial.valueAsNumber)));
    showEngine(router.stats());
  } catch (error) {
    showProblem(error);
  }
}

function routeSoon() {
  clearTimeout(pause);
  pause = setTimeout(route, PAUSE_MS);
}

function turnDial() {
  const text = dialText(dial.valueAsNumber);
  dialValue.textContent = text;
  dial.setAttribute('aria-valuetext', text);
  dialReset.disabled = dial.valueAsNumber === 0;
  routeSoon();
}

function offerExamples() {
  const buttons = EXAMPLES.map(({ title, text }) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = title;
    button.addEventListener('click', () => {
      prompt.value = text;
      routeSoon();
    });
    return button;
  });
  document.querySelector('#examples').append(...buttons);
}

prompt.addEventListener('input', routeSoon);
dial.addEventListener('input', turnDial);
dialReset.addEventListener('click', () => {
  dial.value = 0;
  turnDial();
  dial.focus();
});
offerExamples();
prompt.value ||= EXAMPLES[0].text;
turnDial();

try {
  router = await createRouter({ onProgress: showProgress });
  showReady();
  await route();
} catch (error) {
  showProblem(error);
}
