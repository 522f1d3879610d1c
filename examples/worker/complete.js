/** `POST /v1/chat/completions` and `/v1/responses`: "auto" is decided here, every other model goes where it was sent. */

import { routedFetch } from 'pointsman/openai';
import { readBody } from './body.js';
import { Problem, badInput } from './errors.js';
import { filesOf, loadedRouter } from './router.js';
import { passedHeaders, sender } from './upstream.js';

const DECISION = 'x-pointsman-decision';

/**
 * @param {Request} request
 * @param {import('./index.js').Place} place
 */
export async function complete(request, place) {
  const { env, config } = place;
  const { text, body } = await readBody(request, config.limits.bodyBytes);
  if (typeof body.model !== 'string') throw badInput('model: expected "auto", or a name that GET /v1/models lists');
  const path = new URL(request.url).pathname.slice('/v1'.length);
  const init = { method: 'POST', headers: passedHeaders(request.headers), body: text };
  if (body.model === 'auto') return decided(path, init, place);
  return config.upstreams.has(body.model) ? named(path, init, place) : sender(env, config)(path, init);
}

/** A request that the router decides. Its answer carries a token for feedback in place of the decision's id. */
async function decided(path, init, { env, config, ctx, tokens }) {
  const { router, share } = await loadedRouter(env, config, ctx);
  let receipt;
  const fetch = routedFetch(router, {
    models: config.models,
    fallback: config.fallback,
    policy: sessionOf,
    fetch: sender(env, config),
    // Now and not when the answer comes: by then, 4096 other decisions may have been made. The last is on who answers.
    onDecision({ id, reason }) {
      receipt = reason === 'fallback-error' ? undefined : router.receipt(id);
    },
  });
  const response = await fetch(path, init);
  share.tend(ctx, env.LEARNER.getByName(filesOf(config)));
  if (receipt) response.headers.set(DECISION, await tokens.issue(receipt));
  else response.headers.delete(DECISION);
  return response;
}

/** A candidate that the client names: nothing is decided, and only its name becomes the upstream's. */
async function named(path, init, { env, config }) {
  const obedient = {
    candidates: [...config.upstreams.keys()].map((id) => ({ id })),
    route: async (_, { pin }) => ({ id: '', model: pin, reason: 'pinned', scores: [] }),
  };
  const fetch = routedFetch(/** @type {any} */ (obedient), {
    alias: [...config.upstreams.keys()],
    models: config.models,
    policy: ({ model }) => ({ pin: model }),
    fetch: sender(env, config),
  });
  const response = await fetch(path, init);
  response.headers.delete(DECISION);
  return response;
}

/** What a client says of its prompt cache names a conversation, which then stays where that cache is. */
function sessionOf({ prompt_cache_key: key }) {
  return typeof key === 'string' ? { session: key } : {};
}
