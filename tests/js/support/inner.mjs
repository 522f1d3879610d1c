/** A request for `routedFetch`, and a `fetch` for it to send with that sends nothing. */

export const CHAT = 'https://upstream.test/v1/chat/completions';
export const messages = [{ role: 'user', content: 'Hello' }];
export const BODY = JSON.stringify({ model: 'auto', messages });

/** A `fetch` that sends nothing and keeps what it was given; `answers` are what it returns or throws, in turn. */
export function inner(...answers) {
  const sent = [];
  return Object.assign(async (input, init) => {
    sent.push({ input, init, request: new Request(input, init) });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? new Response('{}');
  }, { sent });
}

export const post = (body = BODY, init = {}) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body, ...init });
