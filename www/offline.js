/** Asks the browser to keep the page (sw.js), and says how that stands. */

/** @param {(text: string) => void} say */
export function hearOfUpdates(say) {
  navigator.serviceWorker?.addEventListener('message', ({ data }) => {
    if (data.isNew) say('A new version is here: reload to use it.');
  });
}

/** @param {(text: string) => void} say */
export async function keepOffline(say) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return; // none without https, nor in a private window of some browsers
  try {
    const registration = await serviceWorker.register('./sw.js');
    await Promise.race([serviceWorker.ready, failureOf(registration.installing)]);
    say('Works offline.');
  } catch (error) {
    say('Not kept for offline use.');
    console.warn(`The page cannot be kept: ${error.message}`);
  }
}

/** `ready` waits for ever where the first installation has failed. */
function failureOf(installing) {
  return new Promise((_, reject) => {
    installing?.addEventListener('statechange', () => {
      if (installing.state === 'redundant') reject(new Error('a file could not be fetched, or differs from its hash'));
    });
  });
}
