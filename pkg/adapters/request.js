/** What a request to a language model says that matters for routing: its prompt, and the abilities it needs. */

/** Names of parts that hold a picture: chat completions, responses, AI SDK 5 and 6. Others have a media type. */
const PICTURES = new Set(['image_url', 'input_image', 'image', 'image-data', 'image-url']);
const JSON_FORMATS = new Set(['json_schema', 'json_object', 'json']);

/**
 * The input to route on. Where no user message has text, as when only a tool's result is sent after
 * `previous_response_id`, the last message with text stands in: refusing would break calls that the upstream answers.
 *
 * @param {any} messages
 */
export function inputOf(messages) {
  if (!Array.isArray(messages)) return messages;
  const spoken = messages.filter((message) => textOf(message?.content).trim() !== '');
  if (spoken.length === 0 || spoken.some(({ role }) => role === 'user')) return messages;
  return textOf(spoken[spoken.length - 1].content);
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
  const parts = Array.isArray(message?.content) ? message.content : [];
  return parts.flatMap((part) => (Array.isArray(part?.output?.value) ? part.output.value : [part]));
}

function isPicture(part) {
  const { type, mediaType } = Object(part);
  return PICTURES.has(type) || (typeof mediaType === 'string' && mediaType.startsWith('image'));
}
