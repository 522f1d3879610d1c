/** An OpenAI-compatible endpoint that decides inside the Worker which upstream a request goes to, and learns from feedback. */

import { hasAccess } from './access.js';
import { discard, readBody } from './body.js';
import { complete } from './complete.js';
import { readConfig, secret } from './config.js';
import { Problem, answerTo } from './errors.js';
import { learnerOf } from './learner.js';
import { addStates, filesOf, loadedRouter, routerIfLoaded } from './router.js';
import { readOutcome } from './share.js';
import { Tokens } from './token.js';

/**
 * @typedef {object} Place what a request finds here
 * @property {any} env
 * @property {{ waitUntil(work: Promise<unknown>): void }} ctx
 * @property {import('./config.js').Config} config
 * @property {Tokens} tokens
 */

const ROUTES = {
  'POST /v1/chat/completions': complete,
  'POST /v1/responses': complete,
  'GET /v1/models': models,
  'POST /v1/feedback': feedback,
  'GET /stats': stats,
  'GET /state': state,
};

export const Learner = learnerOf(addStates);

export default {
  /** @param {Request} request */
  async fetch(request, env, ctx) {
    try {
      const route = ROUTES[`${request.method} ${new URL(request.url).pathname}`];
      if (!route) throw new Problem(404, 'NOT_FOUND', `nothing is here; there are ${Object.keys(ROUTES).join(', ')}`);
      if (!await hasAccess(request, secret(env, 'ACCESS_KEY'))) throw new Problem(401, 'UNAUTHORIZED', 'give the ACCESS_KEY as your API key');
      const config = readConfig(env);
      return await route(request, { env, ctx, config, tokens: tokensOf(env, config) });
    } catch (error) {
      await discard(request).catch(() => {}); // a client that has left
      return answerTo(error);
    }
  },
};

let tokens;
function tokensOf(env, config) {
  return tokens ??= new Tokens(secret(env, 'TOKEN_SECRET'), filesOf(config));
}

async function models(_, { config }) {
  const data = ['auto', ...config.upstreams.keys()].map((id) => ({ id, object: 'model', created: 0, owned_by: 'pointsman' }));
  return Response.json({ object: 'list', data });
}

/** `{ id, score?, usd? }`, where `id` is the x-pointsman-decision of an answer. */
async function feedback(request, { env, ctx, config, tokens }) {
  const { body } = await readBody(request, config.limits.bodyBytes);
  const outcome = readOutcome(body);
  const decision = await tokens.open(body.id);
  const { share } = await loadedRouter(env, config, ctx);
  const learner = env.LEARNER.getByName(filesOf(config));
  await share.hear(learner, decision, outcome);
  share.tend(ctx, learner);
  return Response.json({ heard: true });
}

/** The figures of this isolate, which loads no router for them, and the Learner's. */
async function stats(_, { env, config }) {
  const loaded = routerIfLoaded();
  const learner = await env.LEARNER.getByName(filesOf(config)).stats();
  return Response.json({ tier: config.tier, router: loaded?.router.stats(), isolate: loaded?.share.stats(), learner });
}

/** What all have learned, for `router.mergeState` elsewhere; nothing where nothing was. */
async function state(_, { env, config }) {
  const bytes = await env.LEARNER.getByName(filesOf(config)).state();
  return new Response(bytes, { status: bytes ? 200 : 204, headers: { 'content-type': 'application/octet-stream' } });
}
