/** A drawer in this browser, for what was learned. One key, one value; nothing leaves the device. */

const NAME = 'pointsman-page';
const DRAWER = 'kept';

export const keep = (key, value) => within('readwrite', (drawer) => drawer.put(value, key));
export const kept = (key) => within('readonly', (drawer) => drawer.get(key));
export const forget = (key) => within('readwrite', (drawer) => drawer.delete(key));

/** @returns {Promise<any>} what the request found, once it is safely written */
async function within(mode, ask) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const change = database.transaction(DRAWER, mode);
      const request = ask(change.objectStore(DRAWER));
      change.oncomplete = () => resolve(request.result);
      change.onabort = () => reject(change.error);
    });
  } finally {
    database.close();
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(DRAWER);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
