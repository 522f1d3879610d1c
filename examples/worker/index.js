// curl -d "your prompt" http://localhost:8787
import { createRouter } from 'pointsman';

// Loaded by the first request: a Worker's global scope has one second to start.
let router;

export default {
  async fetch(request) {
    if (request.method !== 'POST') return new Response('POST a prompt\n', { status: 405 });
    router ??= await createRouter();
    try {
      return Response.json(await router.route(await request.text()));
    } catch ({ code, message }) {
      return Response.json({ code, message }, { status: 400 });
    }
  },
};
