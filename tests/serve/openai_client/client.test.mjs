// OpenAI's client against the server at $URL.
import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI from 'openai';

const baseURL = `${process.env.URL}/v1`;
const apiKey = 'test-key';
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 60_000 });
const messages = [{ role: 'user', content: 'Grüße, 日本 🎉' }];
const greedy = { model: 'tales', temperature: 0, max_tokens: 20 };

async function metric(pattern) {
  const text = await (await fetch(`${process.env.URL}/metrics`, { headers: { Authorization: `Bearer ${apiKey}` } })).text();
  return Number(text.match(pattern)[1]);
}

test('lists and retrieves models', async () => {
  const models = await client.models.list();
  assert.deepEqual(models.data.map((model) => model.id), ['tales', 'org/tales']);
  assert.equal((await client.models.retrieve('org/tales')).id, 'org/tales');
});

test('completes', async () => {
  const prompt = 'Grüße, 日本 🎉';
  const completion = await client.completions.create({ ...greedy, prompt, echo: true });
  const [choice] = completion.choices;
  assert.ok(choice.text.startsWith(prompt) && choice.text.length > prompt.length);
  assert.equal(choice.finish_reason, 'length');
  assert.equal(completion.usage.completion_tokens, 20);
});

test('says how likely a token was', async () => {
  const completion = await client.completions.create({ ...greedy, prompt: 'Once upon a', logprobs: 2 });
  const { tokens, token_logprobs, top_logprobs } = completion.choices[0].logprobs;
  assert.equal(tokens.join(''), completion.choices[0].text);
  assert.ok(token_logprobs.every((logprob, i) => logprob <= 0 && logprob === Math.max(...Object.values(top_logprobs[i]))));
});

test('streams a completion', async () => {
  const asked = { ...greedy, prompt: 'Once upon a time' };
  const whole = await client.completions.create(asked);
  let text = '';
  let parts = 0;
  for await (const part of await client.completions.create({ ...asked, stream: true })) {
    text += part.choices[0].text;
    ++parts;
  }
  assert.equal(text, whole.choices[0].text);
  assert.ok(parts > 1);
});

test('stops at a string', async () => {
  const { choices: [free] } = await client.completions.create({ ...greedy, prompt: 'Once upon a time' });
  const stop = free.text.slice(10, 14);
  const { choices: [stopped] } = await client.completions.create({ ...greedy, prompt: 'Once upon a time', stop });
  assert.equal(stopped.text, free.text.slice(0, free.text.indexOf(stop)));
  assert.equal(stopped.finish_reason, 'stop');
});

test('chats', async () => {
  const asked = { model: 'tales', messages, max_tokens: 20, n: 2, seed: 7 };
  const chat = await client.chat.completions.create(asked);
  const [one, other] = chat.choices.map((choice) => choice.message.content);
  assert.notEqual(one, other);
  assert.equal(chat.usage.completion_tokens, 40);
  const again = await client.chat.completions.create(asked);
  assert.deepEqual(again.choices.map((choice) => choice.message.content), [one, other]);
  assert.equal(again.system_fingerprint, chat.system_fingerprint);
});

test('streams a chat', async () => {
  const whole = await client.chat.completions.create({ ...greedy, messages });
  const stream = await client.chat.completions.create({
    ...greedy, messages, stream: true, stream_options: { include_usage: true },
  });
  let text = '';
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(usage.completion_tokens, 20);
  assert.equal(usage.prompt_tokens, whole.usage.prompt_tokens);
});

test('collects a chat from its stream by the helper', async () => {
  const asked = { ...greedy, messages, logprobs: true, top_logprobs: 2 };
  const whole = await client.chat.completions.create(asked);
  const collected = await client.chat.completions.stream(asked).finalChatCompletion();
  assert.equal(collected.choices[0].message.content, whole.choices[0].message.content);
  assert.deepEqual(collected.choices[0].logprobs.content, whole.choices[0].logprobs.content);
  assert.equal(collected.choices[0].logprobs.content[19].top_logprobs.length, 2);
});

const parameters = {
  type: 'object', properties: { mood: { enum: ['merry', 'sad'] } }, required: ['mood'], additionalProperties: false,
};
const tools = ['f', 'g'].map((name) => ({ type: 'function', function: { name, parameters } }));

test('calls the tool that it is told to call', async () => {
  const asked = { ...greedy, messages, tools, tool_choice: { type: 'function', function: { name: 'g' } } };
  const { choices: [{ message: { tool_calls: [call] } }] } = await client.chat.completions.create(asked);
  assert.equal(call.function.name, 'g');
  assert.match(JSON.parse(call.function.arguments).mood, /^(merry|sad)$/);
  const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
  assert.deepEqual(streamed.choices[0].message.tool_calls[0].function, call.function);
});

test('calls some tool when one is required', async () => {
  const asked = { ...greedy, max_tokens: 100, messages, tools, tool_choice: 'required', parallel_tool_calls: false };
  const { choices: [choice] } = await client.chat.completions.create(asked);
  assert.equal(choice.finish_reason, 'tool_calls');
  const [call] = choice.message.tool_calls;
  assert.match(call.function.name, /^[fg]$/);
  assert.match(JSON.parse(call.function.arguments).mood, /^(merry|sad)$/);
  // And its result goes back to the model.
  const answered = [...messages, choice.message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }];
  const chat = await client.chat.completions.create({ ...greedy, messages: answered, tools });
  assert.ok(chat.choices[0].message.content.length > 0);
});

test('takes text that is no call for text', async () => {
  const { choices: [choice] } = await client.chat.completions.create({ ...greedy, messages, tools });
  assert.equal(choice.message.tool_calls, undefined);
  assert.ok(choice.message.content.length > 0);
});

test('answers in JSON', async () => {
  const asked = { ...greedy, messages, response_format: { type: 'json_object' } };
  const { choices: [free] } = await client.chat.completions.create(asked);
  assert.equal(typeof JSON.parse(free.message.content), 'object');
  const response_format = { type: 'json_schema', json_schema: { name: 'mood', schema: parameters } };
  const { choices: [held] } = await client.chat.completions.create({ ...asked, response_format });
  assert.match(JSON.parse(held.message.content).mood, /^(merry|sad)$/);
});

test('throws the errors that the server means', async () => {
  await assert.rejects(client.chat.completions.create({ model: 'gpt-9', messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
  await assert.rejects(client.chat.completions.create({ model: 'tales', messages, temperature: -1 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'temperature');
    return true;
  });
  const stranger = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

test('leaves in the middle of a stream', async () => {
  const aborted = () => metric(/request_success_total\{[^}]*"abort"[^}]*\} (\d+)/);
  const before = await aborted();
  const long = { model: 'tales', messages, n: 64, stream: true, ignore_eos: true, max_tokens: 400 };
  for await (const _ of await client.chat.completions.create(long)) break;
  for (let i = 0; i < 100 && (await aborted()) < before + 64; ++i) await new Promise((done) => setTimeout(done, 50));
  assert.equal(await aborted(), before + 64);
});
