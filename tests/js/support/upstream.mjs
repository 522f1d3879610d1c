/**
 * A STUB of an OpenAI-compatible upstream on this machine, because no paid language model can be asked here. What it
 * answers is made up: it names the model that was asked for and repeats the last text of the request, so that a test
 * can tell whose answer it got. It records whatever arrives.
 */

import { createServer } from 'node:http';
import { once } from 'node:events';

/**
 * @param {import('node:test').TestContext} t
 * @returns {Promise<{ url: string, requests: any[], faults: Map<string, any>, models: () => string[] }>} `url` ends in
 *   /v1. `faults` says by model how to fail: a status with headers, `drop` the connection, `hang`, `hold` a stream
 *   after its first piece until that promise is settled, or `streamError` to send as a stream's first event.
 */
export async function startUpstream(t) {
  const [requests, faults] = [[], new Map()];
  const server = createServer(async (request, response) => {
    const record = { method: request.method, path: request.url, headers: request.headers, closed: once(response, 'close') };
    requests.push(Object.assign(record, { body: await textOf(request) }));
    record.json = parsed(record.body);
    await respond(response, record, faults.get(record.json?.model) ?? {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${server.address().port}/v1`;
  return { url, requests, faults, models: () => requests.map(({ json }) => json.model) };
}

async function textOf(request) {
  return Buffer.concat(await request.toArray()).toString();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function respond(response, { path, json }, fault) {
  if (fault.hang) return;
  if (fault.drop) return response.destroy();
  if (fault.status) return send(response, fault.status, { error: { message: 'the stub was told to fail' } }, fault.headers);
  if (!json) return send(response, 200, { object: 'echo' });
  const api = path.split('?')[0].endsWith('/responses') ? responses : chatCompletions;
  if (!json.stream) return send(response, 200, api.whole(json));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (fault.streamError) response.write(event({ error: fault.streamError }));
  for (const piece of fault.streamError ? [] : api.pieces(json)) {
    response.write(event(piece));
    await fault.hold;
  }
  response.end('data: [DONE]\n\n');
}

function send(response, status, value, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'stub', ...headers });
  response.end(JSON.stringify(value));
}

function event(value) {
  return `${value.type ? `event: ${value.type}\n` : ''}data: ${JSON.stringify(value)}\n\n`;
}

const chatCompletions = {
  whole(json) {
    const message = { role: 'assistant', content: answerTo(json), tool_calls: toolCalls(json) };
    const finish = message.tool_calls ? 'tool_calls' : 'stop';
    return { id: 'stub', object: 'chat.completion', created: 1, model: json.model, choices: [{ index: 0, message, finish_reason: finish }], usage: USAGE };
  },
  pieces(json) {
    const chunk = (delta, finish = null) => (
      { id: 'stub', object: 'chat.completion.chunk', created: 1, model: json.model, choices: [{ index: 0, delta, finish_reason: finish }] }
    );
    const calls = toolCalls(json)?.map((call, index) => ({ index, ...call }));
    if (calls) return [chunk({ role: 'assistant', tool_calls: calls }), chunk({}, 'tool_calls')];
    return [...answerTo(json).split(/(?<= )/).map((content) => chunk({ role: 'assistant', content })), chunk({}, 'stop')];
  },
};

const responses = {
  whole(json) {
    const content = [{ type: 'output_text', text: answerTo(json), annotations: [] }];
    const output = [{ type: 'message', id: 'stub', role: 'assistant', status: 'completed', content }];
    return { id: 'stub', object: 'response', created_at: 1, model: json.model, status: 'completed', output, usage: USAGE };
  },
  pieces(json) {
    const deltas = answerTo(json).split(/(?<= )/).map((delta) => (
      { type: 'response.output_text.delta', item_id: 'stub', output_index: 0, content_index: 0, delta }
    ));
    return [...deltas, { type: 'response.completed', response: responses.whole(json) }];
  },
};

const USAGE = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

/** JSON where JSON was asked for. */
function answerTo(json) {
  const [model, said] = [json.model, lastText(json.messages ?? json.input)];
  const format = json.response_format ?? json.text?.format;
  return format?.type?.startsWith('json') ? JSON.stringify({ model, said }) : `${model} heard: ${said}`;
}

function lastText(messages) {
  if (typeof messages === 'string') return messages;
  const content = messages.at(-1).content;
  return typeof content === 'string' ? content : content?.map((part) => part.text ?? '').join('');
}

/** The first tool, called once; its result is then answered with text. */
function toolCalls({ tools, messages }) {
  if (!tools || messages.at(-1).role === 'tool') return undefined;
  return [{ id: 'call-1', type: 'function', function: { name: tools[0].function.name, arguments: '{"city":"Paris"}' } }];
}
