// OpenAI's client against the test server on $PORT.
import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI from 'openai';

const baseURL = `http://127.0.0.1:${process.env.PORT}/v1`;
const client = new OpenAI({ baseURL, apiKey: 'test-key', maxRetries: 0, timeout: 60_000 });
const messages = [{ role: 'user', content: 'Grüße, 日本 🎉' }];
const answer = '[user]Grüße, 日本 🎉[assistant]';

test('lists and retrieves models', async () => {
  const models = await client.models.list();
  assert.deepEqual(models.data.map((model) => model.id), ['tiny', 'org/tiny']);
  assert.equal((await client.models.retrieve('org/tiny')).id, 'org/tiny');
});

test('completes', async () => {
  const completion = await client.completions.create({ model: 'tiny', prompt: 'Once upon', logprobs: 1 });
  assert.equal(completion.choices[0].text, 'Once upon');
  assert.equal(completion.choices[0].finish_reason, 'stop');
  assert.equal(completion.usage.prompt_tokens, 9);
  assert.equal(completion.choices[0].logprobs.tokens[0], 'O');
});

test('streams a completion', async () => {
  let text = '';
  for await (const part of await client.completions.create({ model: 'tiny', prompt: 'Once', stream: true })) {
    text += part.choices[0].text;
  }
  assert.equal(text, 'Once');
});

test('chats', async () => {
  const chat = await client.chat.completions.create({ model: 'tiny', messages, n: 2 });
  assert.deepEqual(chat.choices.map((choice) => choice.message.content), [answer, answer]);
  assert.equal(chat.choices[1].finish_reason, 'stop');
  assert.ok(chat.usage.total_tokens > 0);
});

test('streams a chat', async () => {
  const stream = await client.chat.completions.create({
    model: 'tiny', messages, stream: true, stream_options: { include_usage: true },
  });
  let text = '';
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, answer);
  assert.ok(usage.completion_tokens > 0);
});

test('collects a chat from its stream by the helper', async () => {
  const runner = client.chat.completions.stream({ model: 'tiny', messages, logprobs: true, top_logprobs: 2 });
  const chat = await runner.finalChatCompletion();
  assert.equal(chat.choices[0].message.content, answer);
  assert.equal(chat.choices[0].logprobs.content[0].top_logprobs.length, 2);
});

const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];

test('calls a tool that it is told to call', async () => {
  const asked = { model: 'tiny', messages, tools, tool_choice: { type: 'function', function: { name: 'f' } } };
  const chat = await client.chat.completions.create(asked);
  assert.equal(chat.choices[0].message.tool_calls[0].function.name, 'f');
  const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
  assert.equal(streamed.choices[0].message.tool_calls[0].function.arguments,
    chat.choices[0].message.tool_calls[0].function.arguments);
});

test('takes text that is no call for text', async () => {
  const chat = await client.chat.completions.create({ model: 'tiny', messages, tools });
  assert.equal(chat.choices[0].message.tool_calls, undefined);
  assert.ok(chat.choices[0].message.content.endsWith(answer));
});

test('answers in JSON', async () => {
  const chat = await client.chat.completions.create({ model: 'tiny', messages, response_format: { type: 'json_object' } });
  assert.deepEqual(JSON.parse(chat.choices[0].message.content), { a: 1 });
});

test('throws the errors that the server means', async () => {
  await assert.rejects(client.chat.completions.create({ model: 'gpt-9', messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
  await assert.rejects(client.chat.completions.create({ model: 'tiny', messages, temperature: -1 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'temperature');
    return true;
  });
  const stranger = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

test('leaves in the middle of a stream', async () => {
  const endless = { model: 'tiny', messages, stream: true, ignore_eos: true, max_tokens: 300_000 };
  const stream = await client.chat.completions.create(endless);
  for await (const _ of stream) break;
  const open = async () => (await fetch(baseURL.replace('/v1', '/test/open'))).text();
  for (let i = 0; i < 100 && (await open()) !== '0'; ++i) await new Promise((done) => setTimeout(done, 50));
  assert.equal(await open(), '0');
});
