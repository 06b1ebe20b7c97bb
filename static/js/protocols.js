// The two protocols a client may speak, as the playground writes and reads them.

/** What can be set, empty: not sent. */
export const parameters = () => ({ system: '', temperature: '', topP: '', maxTokens: '', seed: '', effort: '', isJson: false, more: '' });

const number = (text) => (String(text).trim() === '' ? undefined : Number(text));
const isPicture = (part) => part.type === 'image_url';
const base64 = (url) => url.slice(url.indexOf(',') + 1);

/** The kind of a picture, by the beginning of its base64. */
const KINDS = { '/9j/': 'jpeg', iVBOR: 'png', R0lGOD: 'gif', UklGR: 'webp' };
const asUrl = (data) => {
  const kind = Object.keys(KINDS).find((start) => data.startsWith(start));
  return `data:image/${KINDS[kind] ?? 'png'};base64,${data}`;
};

/** A turn as a message: what it was, where it came from the same protocol, or written anew. */
const message = (protocol, turn, write) => (turn.raw?.protocol === protocol ? turn.raw.message : write(turn));

const openai = {
  path: '/v1/chat/completions',

  body(model, turns, { system, temperature, topP, maxTokens, seed, effort, isJson, isStreamed }) {
    const write = ({ role, text, images }) => {
      if (images.length === 0) return { role, content: text };
      const pictures = images.map(({ url }) => ({ type: 'image_url', image_url: { url } }));
      return { role, content: [...(text === '' ? [] : [{ type: 'text', text }]), ...pictures] };
    };
    return {
      model,
      messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), ...turns.map((turn) => message('openai', turn, write))],
      stream: isStreamed,
      stream_options: isStreamed ? { include_usage: true } : undefined,
      temperature: number(temperature),
      top_p: number(topP),
      max_tokens: number(maxTokens),
      seed: number(seed),
      reasoning_effort: effort || undefined,
      response_format: isJson ? { type: 'json_object' } : undefined,
    };
  },

  async read(answer, take) {
    const piece = (said, part) => {
      const { usage } = said;
      take({
        text: part?.content ?? (part?.tool_calls ? JSON.stringify(part.tool_calls) : ''),
        thinking: part?.reasoning_content ?? part?.reasoning ?? '',
        tokens: usage ? { input: usage.prompt_tokens, output: usage.completion_tokens } : undefined,
        error: said.error,
      });
    };
    if (!isEventStream(answer)) {
      const said = await answer.json();
      return piece(said, said.choices?.[0]?.message);
    }
    await eachLine(answer, (line) => {
      if (!line.startsWith('data:')) return;
      const data = line.slice(5).trim();
      if (data === '' || data === '[DONE]') return;
      const said = JSON.parse(data);
      piece(said, said.choices?.[0]?.delta);
    });
  },
};

const ollama = {
  path: '/api/chat',

  body(model, turns, { system, temperature, topP, maxTokens, seed, effort, isJson, isStreamed }) {
    const write = ({ role, text, images }) => ({ role, content: text, images: images.length === 0 ? undefined : images.map(({ url }) => base64(url)) });
    const options = { temperature: number(temperature), top_p: number(topP), num_predict: number(maxTokens), seed: number(seed) };
    return {
      model,
      messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), ...turns.map((turn) => message('ollama', turn, write))],
      stream: isStreamed,
      options: Object.values(options).some((value) => value !== undefined) ? options : undefined,
      think: effort === '' ? undefined : effort === 'none' ? false : effort,
      format: isJson ? 'json' : undefined,
    };
  },

  async read(answer, take) {
    await eachLine(answer, (line) => {
      if (line === '') return;
      const said = JSON.parse(line);
      const part = said.message;
      take({
        text: (part?.content ?? '') + (part?.tool_calls ? JSON.stringify(part.tool_calls) : ''),
        thinking: part?.thinking ?? '',
        tokens: said.done ? { input: said.prompt_eval_count ?? 0, output: said.eval_count ?? 0 } : undefined,
        error: said.error,
      });
    });
  },
};

export const PROTOCOLS = { openai, ollama };

const isEventStream = (answer) => (answer.headers.get('content-type') ?? '').startsWith('text/event-stream');

async function eachLine(answer, take) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? '')).split('\n');
    rest = done ? '' : lines.pop();
    for (const line of lines) take(line.trim());
    if (done) return;
  }
}

/** What a kept body says, as the form has it; what the form has no field for stands in `more`. */
export function fill(body, protocol) {
  const { model, messages, prompt, images, system, stream, stream_options, options = {}, ...rest } = body;
  const told = protocol === 'ollama' ? options : rest;
  const taken = (source, key) => {
    const value = source[key];
    delete source[key];
    return value === undefined || value === null ? '' : String(value);
  };
  const set = { ...parameters(), temperature: taken(told, 'temperature'), topP: taken(told, 'top_p'), seed: taken(told, 'seed') };
  if (protocol === 'ollama') {
    set.maxTokens = taken(told, 'num_predict');
    if (['low', 'medium', 'high', false].includes(rest.think)) {
      set.effort = rest.think === false ? 'none' : rest.think;
      delete rest.think;
    }
    if (rest.format === 'json') { set.isJson = true; delete rest.format; }
    if (Object.keys(options).length > 0) rest.options = options;
  } else {
    set.maxTokens = taken(told, 'max_tokens');
    if (['none', 'low', 'medium', 'high'].includes(rest.reasoning_effort)) {
      set.effort = rest.reasoning_effort;
      delete rest.reasoning_effort;
    }
    if (rest.response_format?.type === 'json_object') { set.isJson = true; delete rest.response_format; }
  }
  const all = messages ?? [{ role: 'user', content: typeof prompt === 'string' ? prompt : '', ...(images ? { images } : {}) }];
  set.system = typeof system === 'string' ? system : '';
  const turns = [];
  for (const said of all) {
    const parts = Array.isArray(said.content) ? said.content : null;
    const text = parts ? parts.filter((part) => part.type === 'text').map((part) => part.text).join('\n') : said.content ?? '';
    const pictures = parts ? parts.filter(isPicture).map((part) => part.image_url.url) : (said.images ?? []).map(asUrl);
    if (said.role === 'system' && turns.length === 0 && set.system === '') set.system = text;
    else turns.push({ role: said.role, text, images: pictures, raw: { protocol, message: said } });
  }
  set.more = Object.keys(rest).length > 0 ? JSON.stringify(rest, null, 2) : '';
  return { parameters: set, turns, isStreamed: stream ?? protocol === 'ollama' };
}
