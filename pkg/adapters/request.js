/** What a request to a language model says that matters for routing: its prompt, and the abilities it needs. */

/** Names of parts that hold a picture: chat completions, responses, AI SDK 5 and 6. Others have a media type. */
const PICTURES = new Set(['image_url', 'input_image', 'image', 'image-data', 'image-url']);
const JSON_FORMATS = new Set(['json_schema', 'json_object', 'json']);

/** What an item or a part says beside its text: a tool's call, in responses and in the AI SDK, and what came of it. */
const SAID = ['name', 'toolName', 'arguments', 'input', 'code'];

/**
 * The input to route on. Where no user message has text, as when only a tool's result is sent after
 * `previous_response_id`, the last message with text stands in: refusing would break calls that the upstream answers.
 *
 * What the upstream reads beside the messages' texts decides nothing, but is paid for: it comes last, as a message of the
 * system.
 *
 * @param {any} messages
 * @param {unknown[]} others what else the upstream reads: tools, a format
 */
export function inputOf(messages, others = []) {
  const beside = textsIn([...others, ...unsaid(messages)]).join(' ');
  const rest = beside === '' ? [] : [{ role: 'system', content: beside }];
  if (!Array.isArray(messages)) return rest.length > 0 && typeof messages === 'string' ? [spokenBy('user', messages), ...rest] : messages;
  const spoken = messages.filter((message) => textOf(message?.content).trim() !== '');
  if (spoken.length === 0 || spoken.some(({ role }) => role === 'user')) return rest.length > 0 ? [...messages, ...rest] : messages;
  const last = textOf(spoken[spoken.length - 1].content);
  if (spoken.length + rest.length === 1) return last;
  // An empty part says that there is more than text: if harnesses made all of this text, the request is no less one.
  const standIn = { role: 'user', content: [{ text: last }, {}] };
  return [...spoken.slice(0, -1).map(({ content }) => spokenBy('system', textOf(content))), standIn, ...rest];
}

function spokenBy(role, content) {
  return { role, content };
}

/** What messages hold that is no text of theirs. */
function unsaid(messages) {
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message) => [
    message?.tool_calls, message?.function_call, saidIn(message),
    ...contentOf(message).flatMap((part) => [saidIn(part), outcomeOf(part?.output)]),
  ]);
}

function saidIn(item) {
  return SAID.map((key) => item?.[key]);
}

/** A tool's result in the AI SDK: of content in parts, the texts. */
function outcomeOf(output) {
  const value = output?.value;
  return output?.type === 'content' && Array.isArray(value) ? value.map((part) => part?.text) : value;
}

/**
 * Every text, number and key in values of any shape and depth.
 *
 * @param {unknown[]} values
 */
function textsIn(values) {
  /** @type {string[]} */
  const texts = [];
  const [rest, seen] = [[...values], new Set()];
  while (rest.length > 0) {
    const value = rest.pop();
    if (['string', 'number', 'bigint'].includes(typeof value)) texts.push(`${value}`);
    if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value) || seen.has(value)) continue;
    seen.add(value);
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) texts.push(key);
      rest.push(inner);
    }
  }
  return texts;
}

/**
 * The abilities that a request needs of the candidate that answers it.
 *
 * @param {{ messages: any, tools?: any, format?: any }} request
 * @returns {string[]}
 */
export function needsOf({ messages, tools, format }) {
  const needs = [];
  if (tools?.length > 0) needs.push('tools');
  if (Array.isArray(messages) && messages.some((message) => partsOf(message).some(isPicture))) needs.push('vision');
  if (JSON_FORMATS.has(format?.type)) needs.push('json');
  return needs;
}

function textOf(content) {
  if (typeof content === 'string') return content;
  const texts = Array.isArray(content) ? content.map((part) => part?.text) : [];
  return texts.filter((text) => typeof text === 'string').join('\n');
}

/** A message's parts, and those inside the results of tools. */
function partsOf(message) {
  return contentOf(message).flatMap((part) => (Array.isArray(part?.output?.value) ? part.output.value : [part]));
}

function contentOf(message) {
  return Array.isArray(message?.content) ? message.content : [];
}

function isPicture(part) {
  const { type, mediaType } = Object(part);
  return PICTURES.has(type) || (typeof mediaType === 'string' && mediaType.startsWith('image'));
}
