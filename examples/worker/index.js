// curl -d '{"prompt": "your prompt, or a list of chat messages"}' http://localhost:8787
import { createRouter } from 'pointsman';

// Loaded by the first request: a Worker's global scope has one second to start.
let router;

export default {
  async fetch(request) {
    router ??= await createRouter();
    try {
      const { prompt } = await request.json();
      return Response.json(await router.route(prompt));
    } catch ({ code, message }) {
      return Response.json({ code, message }, { status: 400 });
    }
  },
};
