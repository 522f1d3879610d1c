/** The adapters' types fit the real clients, without naming them: users' code compiles, mistakes do not. */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLIENTS, link } from './support/consumer.mjs';
import { PKG } from './support/paths.mjs';
import { typeCheck } from './support/types.mjs';

const FETCH = `
import { ChatOpenAI } from '@langchain/openai';
import OpenAI from 'openai';
import type { Decision, Router } from 'pointsman';
import { routedFetch } from 'pointsman/openai';
import type { RoutedBody, RoutedFetchOptions } from 'pointsman/openai';

export function use(router: Router): OpenAI {
  const options: RoutedFetchOptions = {
    alias: ['auto', 'best'],
    models: { 'gpt-4o': 'openai/gpt-4o' },
    fetch: globalThis.fetch,
    policy: (body: RoutedBody) => ({ maxUsd: body.messages.length, needs: ['tools'] }),
    fallback: 2,
    onDecision: (decision: Decision, { model }) => console.log(decision.id, model.length),
  };
  const fetch: typeof globalThis.fetch = routedFetch(router, options);
  new ChatOpenAI({ model: 'auto', configuration: { fetch } });
  return new OpenAI({ fetch: routedFetch(router, { policy: { costWeight: 1 } }) });
}

declare const router: Router;
// @ts-expect-error a misspelt dial
routedFetch(router, { policy: { costweight: 1 } });
// @ts-expect-error a promise of a router
routedFetch(Promise.resolve(router));
// @ts-expect-error a list of models
routedFetch(router, { models: ['gpt-4o'] });
`;

const MODEL = `
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import type { LanguageModel } from 'ai';
import type { Router } from 'pointsman';
import { routedModel } from 'pointsman/ai-sdk';
import type { RoutedMetadata } from 'pointsman/ai-sdk';

export async function use(router: Router): Promise<string> {
  const provider = createOpenAICompatible({ name: 'x', baseURL: 'http://x' });
  const model = routedModel(router, { small: provider('a'), large: provider('b') }, {
    policy: (call) => ({ maxUsd: call.maxOutputTokens, allow: call.tools ? ['large'] : undefined }),
    fallback: false,
    onDecision: ({ model }, call) => console.log(model, call.prompt.length),
  });
  const general: LanguageModel = model;
  const { providerMetadata } = await generateText({ model, prompt: 'Hello' });
  const metadata = providerMetadata?.pointsman as RoutedMetadata | undefined;
  console.log(metadata?.failed, streamText({ model: general, prompt: 'Hello' }).text);
  return model.provider;
}

declare const router: Router;
// @ts-expect-error a model's name is no language model
routedModel(router, { small: 'openai/gpt-4o' });
// @ts-expect-error routedFetch's option
routedModel(router, { small: createOpenAICompatible({ name: 'x', baseURL: 'http://x' })('a') }, { alias: 'auto' });
`;

const MIXED = `
import { createOpenAICompatible as provider6 } from 'provider6';
import { createOpenAICompatible as provider7 } from '@ai-sdk/openai-compatible';
import { generateText } from 'ai';
import type { Router } from 'pointsman';
import { routedModel } from 'pointsman/ai-sdk';

declare const router: Router;
const settings = { name: 'x', baseURL: 'http://x' };
const model = routedModel(router, { small: provider6(settings)('a'), large: provider7(settings)('b') });
// @ts-expect-error models of two versions
await generateText({ model, prompt: 'Hello' });
`;

/** The clients' own declarations are theirs to check. */
const check = async (code, packages) => {
  const folder = await link(undefined, packages);
  const file = join(folder, 'use.mts');
  await writeFile(file, code);
  await typeCheck(folder, [file], { preserveSymlinks: false, skipLibCheck: true });
};

test('routedFetch is a fetch to openai and LangChain', () => check(FETCH, CLIENTS));

test('routedModel is a LanguageModel to AI SDK 6', () => check(MODEL, { ai: 'ai6', '@ai-sdk/openai-compatible': 'provider6' }));

test('routedModel is a LanguageModel to AI SDK 7', () => check(MODEL, CLIENTS));

test('models of two versions together are none', () => check(MIXED, { ...CLIENTS, provider6: 'provider6' }));

test('the adapters’ types compile where no client is installed', async () => {
  const folder = await link();
  const file = join(folder, 'use.mts');
  await writeFile(file, "import { routedModel } from 'pointsman/ai-sdk';\nimport { routedFetch } from 'pointsman/openai';\nconsole.log(routedFetch, routedModel);\n");
  for (const options of [{}, { lib: ['es2022'] }, { types: [], module: 'esnext', moduleResolution: 'bundler' }]) await typeCheck(folder, [file], options);
  for (const name of ['openai', 'ai-sdk']) {
    const code = (await readFile(join(PKG, 'adapters', `${name}.d.ts`), 'utf8')).replace(/\/\*\*.*?\*\//gs, '');
    assert.deepEqual([...code.matchAll(/from '(.*?)'/g)].map(([, from]) => from), ['../index.js']);
  }
});
