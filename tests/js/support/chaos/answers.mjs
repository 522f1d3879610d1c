/** What a STUB of a language model says, in both protocols: its name and the request's, so that no answer can be mistaken. */

/** Words of an answer, as long as that is permitted. */
export function wordsFor(id, model) {
  return `the answer to request ${id} comes from ${model}`;
}

const chat = {
  whole: ({ text, model, usage }) => (
    { id: 'stub', object: 'chat.completion', created: 1, model, choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }], usage }
  ),
  pieces({ text, model }) {
    const chunk = (delta, finish = null) => (
      { id: 'stub', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason: finish }] }
    );
    return [...text.split(/(?<= )/).map((content) => chunk({ role: 'assistant', content })), chunk({}, 'stop')];
  },
  textOf: ({ choices }) => choices[0].message.content,
  deltaOf: ({ choices }) => choices?.[0]?.delta?.content ?? '',
  isLast: ({ choices }) => Boolean(choices?.[0]?.finish_reason),
  last: 'data: [DONE]\n\n',
};

const responses = {
  whole({ text, model, usage }) {
    const content = [{ type: 'output_text', text, annotations: [] }];
    const output = [{ type: 'message', id: 'stub', role: 'assistant', status: 'completed', content }];
    return { id: 'stub', object: 'response', created_at: 1, model, status: 'completed', error: null, output, usage };
  },
  pieces(said) {
    const deltas = said.text.split(/(?<= )/).map((delta) => (
      { type: 'response.output_text.delta', item_id: 'stub', output_index: 0, content_index: 0, delta }
    ));
    return [...deltas, { type: 'response.completed', response: responses.whole(said) }];
  },
  textOf: ({ output }) => output[0].content[0].text,
  deltaOf: ({ delta }) => delta ?? '',
  isLast: ({ type }) => type === 'response.completed',
  last: '',
};

/** The protocol of a path. */
export function protocolOf(path) {
  return path.split('?')[0].endsWith('/responses') ? responses : chat;
}

/** One event of a stream. */
export function event(value) {
  return `${value.type ? `event: ${value.type}\n` : ''}data: ${JSON.stringify(value)}\n\n`;
}

/**
 * What a stream of events says, whether it says that this is all, and with which error it ends, if it does.
 *
 * @returns {{ text: string, error?: { code?: string }, isFinished: boolean }}
 */
export function readEvents(written, protocol) {
  const lines = written.split('\n').filter((line) => line.startsWith('data: {'));
  const values = lines.map((line) => JSON.parse(line.slice('data: '.length)));
  const error = values.map((value) => (value.type === 'error' ? value : value.error)).find((value) => value);
  return { text: values.map(protocol.deltaOf).join(''), error, isFinished: values.some(protocol.isLast) };
}
