#!/usr/bin/env node
// stubmodel - a deterministic, scripted stand-in for hosted language models.
//
// Speaks, over plain HTTP on the loopback interface only:
//   * Anthropic Messages API      POST /v1/messages          (JSON and SSE)
//   *                             POST /v1/messages/count_tokens
//   * OpenAI Responses API        POST /v1/responses         (JSON and SSE)
//   * OpenAI Chat Completions API POST /v1/chat/completions  (JSON and SSE)
//   * Model lists                 GET  /v1/models, GET /v1/models/<id>
//
// No dependencies. Node 18 or newer. See README.md beside this file.

import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import crypto from 'node:crypto';

// ---------------------------------------------------------------- arguments
function parseArgs(argv) {
  const o = { port: 0, host: '127.0.0.1', script: null, log: null, dump: null, seed: 'stub', portFile: null, quiet: false };
  for (let i = 0; i < argv.length; i++) {
    const a = argv[i];
    const val = () => {
      if (i + 1 >= argv.length) fail(`${a} needs a value`);
      return argv[++i];
    };
    if (a === '--port') o.port = Number(val());
    else if (a === '--host') o.host = val();
    else if (a === '--script') o.script = val();
    else if (a === '--log') o.log = val();
    else if (a === '--dump') o.dump = val();
    else if (a === '--seed') o.seed = val();
    else if (a === '--port-file') o.portFile = val();
    else if (a === '--quiet') o.quiet = true;
    else if (a === '--help' || a === '-h') {
      process.stdout.write('usage: stubmodel.mjs --script FILE [--port N] [--port-file F] [--log F.jsonl] [--dump DIR] [--seed S] [--quiet]\n');
      process.exit(0);
    } else fail(`unknown argument ${a}`);
  }
  if (!['127.0.0.1', '::1', 'localhost'].includes(o.host)) fail('only loopback hosts are allowed');
  return o;
}
function fail(m) { process.stderr.write(`stubmodel: ${m}\n`); process.exit(2); }

const opt = parseArgs(process.argv.slice(2));
const script = opt.script ? JSON.parse(fs.readFileSync(opt.script, 'utf8')) : { rules: [] };
const rules = (script.rules || []).map((r, i) => compileRule(r, i));
const fallback = script.fallback || { text: 'OK.' };
if (opt.dump) fs.mkdirSync(opt.dump, { recursive: true });

function rx(s) {
  if (s == null) return null;
  const m = /^\(\?([ims]+)\)/.exec(s);
  return m ? new RegExp(s.slice(m[0].length), m[1]) : new RegExp(s);
}
function compileRule(r, i) {
  const w = r.when || {};
  return {
    name: r.name || `rule${i}`,
    raw: r,
    prompt: rx(w.prompt), system: rx(w.system), model: rx(w.model), lastTool: rx(w.last_tool_result),
    tools: [].concat(w.tools || []), noTools: w.no_tools === true, api: w.api || null,
    anywhere: w.anywhere === true,
    steps: r.steps || [], after: r.after || 'last',
  };
}

// ------------------------------------------------------- request -> neutral
// A request of any dialect becomes: { api, model, stream, system, tools[], turns[] }
// turns: [{ role: 'user'|'assistant'|'tool', text, isPrompt }], in order. Adjacent
// assistant items are one turn (an answer may consist of several items).
function textOf(c) {
  if (c == null) return '';
  if (typeof c === 'string') return c;
  if (Array.isArray(c)) return c.map((p) => (typeof p === 'string' ? p : p && (p.text ?? (p.type === 'tool_result' ? textOf(p.content) : '')) || '')).join('\n');
  return '';
}
function neutralAnthropic(b) {
  const turns = [];
  for (const m of b.messages || []) {
    if (m.role === 'assistant') { turns.push({ role: 'assistant', text: textOf(m.content) }); continue; }
    if (m.role === 'system') { turns.push({ role: 'user', text: textOf(m.content), injected: true }); continue; }
    const blocks = typeof m.content === 'string' ? [{ type: 'text', text: m.content }] : m.content || [];
    for (const bl of blocks) {
      if (bl.type === 'tool_result') turns.push({ role: 'tool', text: textOf(bl.content), isError: !!bl.is_error, id: bl.tool_use_id });
      else if (bl.type === 'text') turns.push({ role: 'user', text: bl.text });
    }
  }
  return { api: 'messages', model: b.model, stream: !!b.stream, system: textOf(b.system), tools: (b.tools || []).map((t) => t.name), turns };
}
function neutralResponses(b) {
  const turns = [];
  const input = typeof b.input === 'string' ? [{ type: 'message', role: 'user', content: b.input }] : b.input || [];
  for (const it of input) {
    const t = it.type || 'message';
    if (t === 'message') {
      if (it.role === 'assistant') turns.push({ role: 'assistant', text: textOf(it.content) });
      else turns.push({ role: 'user', text: textOf(it.content), injected: it.role === 'developer' || it.role === 'system' });
    } else if (/_output$/.test(t)) turns.push({ role: 'tool', text: textOf(it.output?.content ?? it.output), id: it.call_id });
    else turns.push({ role: 'assistant', text: '', item: t });
  }
  const tools = [];
  for (const t of b.tools || []) {
    if (t.type === 'namespace') for (const u of t.tools || []) tools.push(`${t.name}.${u.name}`);
    else tools.push(t.name || t.type);
  }
  return { api: 'responses', model: b.model, stream: !!b.stream, system: b.instructions || '', tools, turns };
}
function neutralChat(b) {
  const turns = []; let system = '';
  for (const m of b.messages || []) {
    if (m.role === 'system' || m.role === 'developer') system += textOf(m.content) + '\n';
    else if (m.role === 'assistant') turns.push({ role: 'assistant', text: textOf(m.content) });
    else if (m.role === 'tool') turns.push({ role: 'tool', text: textOf(m.content), id: m.tool_call_id });
    else turns.push({ role: 'user', text: textOf(m.content) });
  }
  return { api: 'chat', model: b.model, stream: !!b.stream, system, tools: (b.tools || []).map((t) => t.function?.name || t.name), turns };
}

// ------------------------------------------------------------------ choosing
// The rule whose prompt pattern matches the LATEST user text wins; ties go to
// the rule listed first. The step is the number of assistant answers after it.
function choose(n) {
  let best = null;
  for (const r of rules) {
    if (r.api && r.api !== n.api) continue;
    if (r.model && !r.model.test(n.model || '')) continue;
    if (r.system && !r.system.test(n.system)) continue;
    if (r.noTools && n.tools.length) continue;
    if (r.tools.some((t) => !n.tools.includes(t))) continue;
    let at = -1, m = null;
    if (r.prompt) {
      for (let i = n.turns.length - 1; i >= 0; i--) {
        const t = n.turns[i];
        if (!r.anywhere && (t.role !== 'user' || t.injected)) continue;
        m = r.prompt.exec(t.text);
        if (m) { at = i; break; }
      }
      if (at < 0) continue;
    }
    if (r.lastTool) {
      const lt = [...n.turns].reverse().find((t) => t.role === 'tool');
      if (!lt || !r.lastTool.test(lt.text)) continue;
    }
    if (!best || at > best.at) best = { r, at, m };
  }
  if (!best) return { rule: null, step: 0, spec: fallback, captures: [] };
  let step = 0, prev = null;
  for (let i = best.at + 1; i < n.turns.length; i++) {
    const role = n.turns[i].role;
    if (role === 'assistant' && prev !== 'assistant') step++;
    prev = role;
  }
  const { steps, after } = best.r;
  let spec;
  if (step < steps.length) spec = steps[step];
  else if (after === 'repeat' && steps.length) spec = steps[step % steps.length];
  else if (after === 'fallback' || !steps.length) spec = fallback;
  else spec = steps[steps.length - 1];
  return { rule: best.r, step, spec, captures: best.m ? [...best.m] : [] };
}

// -------------------------------------------------------------- substitution
function subst(v, ctx) {
  if (typeof v === 'string') {
    return v.replace(/\{\{([^{}]+)\}\}/g, (all, k) => {
      k = k.trim();
      if (/^\d+$/.test(k)) return ctx.captures[Number(k)] ?? '';
      if (k.startsWith('env:')) return process.env[k.slice(4)] ?? '';
      if (k.startsWith('repeat:')) { const [, n, s] = /^repeat:(\d+):([\s\S]*)$/.exec(k); return s.repeat(Number(n)); }
      if (k.startsWith('tool_match:')) { // first capture of a pattern, newest tool result first
        const re = new RegExp(k.slice(11));
        for (const t of [...ctx.n.turns].reverse()) if (t.role === 'tool') { const m = re.exec(t.text); if (m) return m[1] ?? m[0]; }
        return '';
      }
      if (k === 'last_tool_result') return [...ctx.n.turns].reverse().find((t) => t.role === 'tool')?.text ?? '';
      if (script.vars && k in script.vars) return script.vars[k];
      return all;
    });
  }
  if (Array.isArray(v)) return v.map((x) => subst(x, ctx));
  if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, subst(x, ctx)]));
  return v;
}

// An answer specification -> ordered blocks [{kind:'thinking'|'text'|'tool', ...}]
// A judge that can be foreseen: for each numbered query, YES when one of its
// words (four letters or more, compared by their first five) stands in the
// description. Both are read out of the fenced blocks of the prompt.
function judge(prompt) {
  const block = (name) => (new RegExp(`<untrusted-[0-9a-f]+ source="${name}">\\n([\\s\\S]*?)\\n</untrusted-`).exec(prompt) || [])[1];
  const words = (t) => new Set((String(t).toLowerCase().match(/[a-z]{4,}/g) || []).map((w) => w.slice(0, 5)));
  const description = words(JSON.parse(block('description') || '""'));
  const queries = JSON.parse(block('queries') || '[]');
  return queries.map((q) => `${q.n}. ${[...words(q.query)].some((w) => description.has(w)) ? 'YES' : 'NO'}`).join('\n');
}
function blocksOf(spec) {
  const out = [];
  const one = (s) => {
    if (s.thinking != null) out.push({ kind: 'thinking', text: s.thinking });
    if (s.text != null) out.push({ kind: 'text', text: s.text });
    if (s.tool != null) out.push({ kind: 'tool', name: s.tool, input: s.input ?? {}, custom: s.custom, namespace: s.namespace, search: s.search });
    for (const t of s.tools || []) out.push({ kind: 'tool', name: t.tool, input: t.input ?? {}, custom: t.custom, namespace: t.namespace });
    for (const b of s.blocks || []) one(b);
  };
  one(spec);
  return out;
}

// ---------------------------------------------------------------- identities
const hits = new Map();
function bump(k) { const n = (hits.get(k) || 0) + 1; hits.set(k, n); return n; }
function idMaker(ruleName, step) {
  const h = bump(`${ruleName}#${step}`);
  let k = 0;
  return (prefix, len = 24) => {
    const d = crypto.createHash('sha256').update(`${opt.seed}|${ruleName}|${step}|${h}|${k++}`).digest();
    const al = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
    let s = ''; for (let i = 0; s.length < len; i++) s += al[d[i % 32] % al.length];
    return prefix + s;
  };
}
const hexId = (mk) => crypto.createHash('sha256').update(mk('x')).digest('hex').slice(0, 48);

const approx = (s) => Math.max(1, Math.ceil(s.length / 4));
function usageOf(spec, n, blocks, bodyLen) {
  const outChars = blocks.map((b) => (b.kind === 'tool' ? JSON.stringify(b.input) + b.name : b.text)).join('');
  const u = { input_tokens: approx('x'.repeat(Math.min(bodyLen, 4e6))), output_tokens: approx(outChars), cache_read_input_tokens: 0, cache_creation_input_tokens: 0, reasoning_tokens: 0 };
  return Object.assign(u, script.usage || {}, spec.usage || {});
}

// ----------------------------------------------------------------- streaming
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
function chunks(s, n = 48) { const o = []; const cp = Array.from(s); for (let i = 0; i < cp.length; i += n) o.push(cp.slice(i, i + n).join('')); return o.length ? o : ['']; }

async function sendMessages(res, n, spec, blocks, u, mk, reqId) {
  const id = spec.message_id || mk('msg_');
  const stop = spec.stop_reason || (blocks.some((b) => b.kind === 'tool') ? 'tool_use' : 'end_turn');
  const content = blocks.map((b) => b.kind === 'thinking' ? { type: 'thinking', thinking: b.text, signature: Buffer.from(mk('sig', 60)).toString('base64') }
    : b.kind === 'text' ? { type: 'text', text: b.text }
    : { type: 'tool_use', id: mk('toolu_'), name: b.name, input: b.input });
  const usage = { input_tokens: u.input_tokens, cache_creation_input_tokens: u.cache_creation_input_tokens, cache_read_input_tokens: u.cache_read_input_tokens, output_tokens: u.output_tokens, service_tier: 'standard' };
  const model = spec.model || n.model;
  const result = { id, tool_ids: content.filter((c) => c.type === 'tool_use').map((c) => c.id), stop };
  if (!n.stream) {
    json(res, 200, { id, type: 'message', role: 'assistant', model, content, stop_reason: stop, stop_sequence: null, usage }, { 'request-id': reqId });
    return result;
  }
  const ev = sse(res, { 'request-id': reqId });
  ev('message_start', { type: 'message_start', message: { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 1 } } });
  let sent = 0; const cut = spec.drop_after_events ?? Infinity;
  for (let i = 0; i < content.length; i++) {
    const c = content[i];
    if (spec.chunk_delay_ms) await sleep(spec.chunk_delay_ms);
    if (c.type === 'text') ev('content_block_start', { type: 'content_block_start', index: i, content_block: { type: 'text', text: '' } });
    else if (c.type === 'thinking') ev('content_block_start', { type: 'content_block_start', index: i, content_block: { type: 'thinking', thinking: '', signature: '' } });
    else ev('content_block_start', { type: 'content_block_start', index: i, content_block: { type: 'tool_use', id: c.id, name: c.name, input: {} } });
    const parts = c.type === 'text' ? chunks(c.text) : c.type === 'thinking' ? chunks(c.thinking) : chunks(JSON.stringify(c.input), 200);
    for (const p of parts) {
      if (sent++ >= cut) { res.destroy(); return { ...result, dropped: true }; }
      const delta = c.type === 'text' ? { type: 'text_delta', text: p } : c.type === 'thinking' ? { type: 'thinking_delta', thinking: p } : { type: 'input_json_delta', partial_json: p };
      ev('content_block_delta', { type: 'content_block_delta', index: i, delta });
      if (spec.chunk_delay_ms) await sleep(spec.chunk_delay_ms);
    }
    if (c.type === 'thinking') ev('content_block_delta', { type: 'content_block_delta', index: i, delta: { type: 'signature_delta', signature: c.signature } });
    ev('content_block_stop', { type: 'content_block_stop', index: i });
  }
  ev('message_delta', { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { input_tokens: usage.input_tokens, cache_creation_input_tokens: usage.cache_creation_input_tokens, cache_read_input_tokens: usage.cache_read_input_tokens, output_tokens: usage.output_tokens } });
  ev('message_stop', { type: 'message_stop' });
  res.end();
  return result;
}

async function sendResponses(res, n, spec, blocks, u, mk) {
  const id = 'resp_' + hexId(mk);
  const items = blocks.map((b) => {
    if (b.kind === 'thinking') return { type: 'reasoning', id: 'rs_' + hexId(mk), summary: [{ type: 'summary_text', text: b.text }], encrypted_content: Buffer.from(mk('enc', 40)).toString('base64') };
    if (b.kind === 'text') return { type: 'message', id: 'msg_' + hexId(mk), role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: b.text, annotations: [] }] };
    if (b.custom) return { type: 'custom_tool_call', id: 'ctc_' + hexId(mk), status: 'completed', call_id: mk('call_'), name: b.name, input: typeof b.input === 'string' ? b.input : JSON.stringify(b.input) };
    if (b.name === 'web_search') return { type: 'web_search_call', id: 'ws_' + hexId(mk), status: 'completed', action: b.input };
    return { type: 'function_call', id: 'fc_' + hexId(mk), status: 'completed', call_id: mk('call_'), name: b.name, ...(b.namespace ? { namespace: b.namespace } : {}), arguments: typeof b.input === 'string' ? b.input : JSON.stringify(b.input) };
  });
  const usage = { input_tokens: u.input_tokens + u.cache_read_input_tokens, input_tokens_details: { cached_tokens: u.cache_read_input_tokens }, output_tokens: u.output_tokens + u.reasoning_tokens, output_tokens_details: { reasoning_tokens: u.reasoning_tokens } };
  usage.total_tokens = usage.input_tokens + usage.output_tokens;
  const model = spec.model || n.model;
  const shell = (status, output) => ({ id, object: 'response', created_at: 1700000000, status, model, output, usage: status === 'completed' ? usage : null, error: null, incomplete_details: null, parallel_tool_calls: true, tools: [] });
  const result = { id, tool_ids: items.filter((i) => i.call_id).map((i) => i.call_id), stop: 'completed' };
  if (!n.stream) { json(res, 200, shell('completed', items)); return result; }
  const ev0 = sse(res); let seq = 0;
  const ev = (type, o) => ev0(type, { type, sequence_number: seq++, ...o });
  ev('response.created', { response: shell('in_progress', []) });
  if (spec.failed) {
    ev('response.failed', { response: { ...shell('failed', []), error: spec.failed } });
    res.end(); return { ...result, stop: 'failed' };
  }
  let sent = 0; const cut = spec.drop_after_events ?? Infinity;
  for (let i = 0; i < items.length; i++) {
    const it = items[i];
    if (spec.chunk_delay_ms) await sleep(spec.chunk_delay_ms);
    if (it.type === 'message') {
      ev('response.output_item.added', { output_index: i, item: { ...it, status: 'in_progress', content: [] } });
      ev('response.content_part.added', { item_id: it.id, output_index: i, content_index: 0, part: { type: 'output_text', text: '', annotations: [] } });
      for (const p of chunks(it.content[0].text)) {
        if (sent++ >= cut) { res.destroy(); return { ...result, dropped: true }; }
        ev('response.output_text.delta', { item_id: it.id, output_index: i, content_index: 0, delta: p });
        if (spec.chunk_delay_ms) await sleep(spec.chunk_delay_ms);
      }
      ev('response.output_text.done', { item_id: it.id, output_index: i, content_index: 0, text: it.content[0].text });
      ev('response.content_part.done', { item_id: it.id, output_index: i, content_index: 0, part: it.content[0] });
    } else if (it.type === 'reasoning') {
      ev('response.output_item.added', { output_index: i, item: { ...it, summary: [] } });
      ev('response.reasoning_summary_part.added', { item_id: it.id, output_index: i, summary_index: 0, part: { type: 'summary_text', text: '' } });
      for (const p of chunks(it.summary[0].text)) ev('response.reasoning_summary_text.delta', { item_id: it.id, output_index: i, summary_index: 0, delta: p });
      ev('response.reasoning_summary_text.done', { item_id: it.id, output_index: i, summary_index: 0, text: it.summary[0].text });
      ev('response.reasoning_summary_part.done', { item_id: it.id, output_index: i, summary_index: 0, part: it.summary[0] });
    } else {
      ev('response.output_item.added', { output_index: i, item: { ...it, status: 'in_progress' } });
      if (sent++ >= cut) { res.destroy(); return { ...result, dropped: true }; }
      if (it.type === 'function_call') {
        ev('response.function_call_arguments.delta', { item_id: it.id, output_index: i, delta: it.arguments });
        ev('response.function_call_arguments.done', { item_id: it.id, output_index: i, arguments: it.arguments });
      } else if (it.type === 'custom_tool_call') {
        ev('response.custom_tool_call_input.delta', { item_id: it.id, output_index: i, delta: it.input });
        ev('response.custom_tool_call_input.done', { item_id: it.id, output_index: i, input: it.input });
      }
    }
    ev('response.output_item.done', { output_index: i, item: it });
  }
  ev('response.completed', { response: shell('completed', items) });
  res.end();
  return result;
}

async function sendChat(res, n, spec, blocks, u, mk, body) {
  const id = 'chatcmpl-' + mk('');
  const text = blocks.filter((b) => b.kind === 'text').map((b) => b.text).join('\n');
  const calls = blocks.filter((b) => b.kind === 'tool').map((b, i) => ({ index: i, id: mk('call_'), type: 'function', function: { name: b.name, arguments: typeof b.input === 'string' ? b.input : JSON.stringify(b.input) } }));
  const fin = spec.stop_reason || (calls.length ? 'tool_calls' : 'stop');
  const usage = { prompt_tokens: u.input_tokens + u.cache_read_input_tokens, completion_tokens: u.output_tokens, total_tokens: u.input_tokens + u.cache_read_input_tokens + u.output_tokens, prompt_tokens_details: { cached_tokens: u.cache_read_input_tokens } };
  const model = spec.model || n.model;
  const result = { id, tool_ids: calls.map((c) => c.id), stop: fin };
  if (!n.stream) {
    const message = { role: 'assistant', content: text || null };
    if (calls.length) message.tool_calls = calls.map(({ index, ...c }) => c);
    json(res, 200, { id, object: 'chat.completion', created: 1700000000, model, choices: [{ index: 0, message, finish_reason: fin }], usage });
    return result;
  }
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const send = (o) => res.write(`data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: 1700000000, model, ...o })}\n\n`);
  send({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] });
  if (text) for (const p of chunks(text)) { send({ choices: [{ index: 0, delta: { content: p }, finish_reason: null }] }); if (spec.chunk_delay_ms) await sleep(spec.chunk_delay_ms); }
  for (const c of calls) send({ choices: [{ index: 0, delta: { tool_calls: [c] }, finish_reason: null }] });
  send({ choices: [{ index: 0, delta: {}, finish_reason: fin }] });
  if (body.stream_options?.include_usage) send({ choices: [], usage });
  res.write('data: [DONE]\n\n'); res.end();
  return result;
}

function sse(res, extra = {}) {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', connection: 'keep-alive', ...extra });
  return (event, data) => { if (!res.destroyed) res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`); };
}
function json(res, status, obj, extra = {}) {
  const s = JSON.stringify(obj);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(s), ...extra });
  res.end(s);
}

// -------------------------------------------------------------------- server
let seq = 0;
function log(o) {
  const line = JSON.stringify(o) + '\n';
  if (opt.log) fs.appendFileSync(opt.log, line);
  if (!opt.quiet) process.stderr.write(line.length > 400 ? line.slice(0, 400) + '...\n' : line);
}
function readBody(req) {
  return new Promise((ok, no) => {
    const parts = [];
    req.on('data', (d) => parts.push(d));
    req.on('error', no);
    req.on('end', () => {
      let b = Buffer.concat(parts);
      const enc = req.headers['content-encoding'];
      try {
        if (enc === 'gzip') b = zlib.gunzipSync(b);
        else if (enc === 'br') b = zlib.brotliDecompressSync(b);
        else if (enc === 'deflate') b = zlib.inflateSync(b);
        else if (enc === 'zstd') b = zlib.zstdDecompressSync ? zlib.zstdDecompressSync(b) : b;
      } catch (e) { return no(e); }
      ok(b.toString('utf8'));
    });
  });
}
const anthErr = (type, message) => ({ type: 'error', error: { type, message } });
const oaiErr = (type, message, code = null) => ({ error: { type, message, code, param: null } });

async function handle(req, res) {
  const url = new URL(req.url, 'http://stub');
  const p = url.pathname.replace(/\/+$/, '');
  const me = ++seq;
  const raw = req.method === 'POST' ? await readBody(req) : '';
  if (req.method === 'GET' || req.method === 'HEAD') {
    if (/\/models$/.test(p)) { json(res, 200, { object: 'list', data: (script.models || []).map((id) => ({ id, object: 'model', type: 'model', display_name: id, created: 1700000000, owned_by: 'stub' })), has_more: false }); return log({ seq: me, path: p, kind: 'models' }); }
    if (/\/models\/[^/]+$/.test(p)) { const id = p.split('/').pop(); json(res, 200, { id, object: 'model', type: 'model', display_name: id, created: 1700000000, owned_by: 'stub' }); return log({ seq: me, path: p, kind: 'model' }); }
    if (p === '' || p === '/healthz') { json(res, 200, { ok: true, requests: seq }); return; }
    json(res, 404, oaiErr('not_found_error', 'not found')); return log({ seq: me, method: req.method, path: req.url, kind: 'unknown' });
  }
  let body;
  try { body = JSON.parse(raw || '{}'); } catch { json(res, 400, oaiErr('invalid_request_error', 'body is not JSON')); return log({ seq: me, path: p, kind: 'bad-json', bytes: raw.length }); }
  if (opt.dump) fs.writeFileSync(path.join(opt.dump, `${String(me).padStart(4, '0')}.json`), JSON.stringify({ path: req.url, headers: req.headers, body }, null, 1));
  if (/\/messages\/count_tokens$/.test(p)) { json(res, 200, { input_tokens: approx(raw) }); return log({ seq: me, path: p, kind: 'count_tokens' }); }

  let n;
  if (/\/messages$/.test(p)) n = neutralAnthropic(body);
  else if (/\/responses(\/compact)?$/.test(p)) n = neutralResponses(body);
  else if (/\/chat\/completions$/.test(p)) n = neutralChat(body);
  else { json(res, 404, oaiErr('not_found_error', 'not found')); return log({ seq: me, method: req.method, path: req.url, kind: 'unknown' }); }

  const c = choose(n);
  const ruleName = c.rule ? c.rule.name : '(fallback)';
  const ctx = { captures: c.captures, n };
  const spec = subst(c.spec, ctx);
  const prompt = [...n.turns].reverse().find((t) => t.role === 'user' && !t.injected)?.text || '';
  const rec = { seq: me, path: p, api: n.api, model: n.model, stream: n.stream, rule: ruleName, step: c.step, agent: req.headers['user-agent'], session: req.headers['x-claude-code-session-id'] || req.headers['session-id'] || req.headers['session_id'] || req.headers['conversation_id'] || null, thread: req.headers['thread-id'] || null, n_turns: n.turns.length, tools: n.tools.length, prompt_tail: prompt.slice(0, 200) };
  if (spec.delay_ms) await sleep(spec.delay_ms);

  const ff = spec.fail_first;
  if (spec.http_error || (ff && bump(`fail|${ruleName}|${c.step}`) <= (ff.times || 1))) {
    const e = spec.http_error || ff;
    const status = e.status || 500;
    const type = e.type || ({ 400: 'invalid_request_error', 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 413: 'request_too_large', 429: 'rate_limit_error', 500: 'api_error', 529: 'overloaded_error' }[status] || 'api_error');
    const message = e.message || 'scripted failure';
    json(res, status, n.api === 'messages' ? { ...anthErr(type, message), request_id: `req_stub_${me}` } : oaiErr(type, message, e.code ?? null), { 'request-id': `req_stub_${me}`, 'x-should-retry': e.retry === false ? 'false' : 'true', 'retry-after-ms': '50', 'retry-after': '0' });
    return log({ ...rec, kind: 'error', status });
  }
  if (spec.hang) { log({ ...rec, kind: 'hang' }); return; } // never answers
  if (spec.judge) spec.text = judge(n.turns.filter((t) => t.role === 'user').map((t) => t.text).join('\n'));
  const blocks = blocksOf(spec);
  const mk = idMaker(ruleName, c.step);
  const u = usageOf(spec, n, blocks, raw.length);
  const reqId = mk('req_');
  let out;
  if (n.api === 'messages') out = await sendMessages(res, n, spec, blocks, u, mk, reqId);
  else if (n.api === 'responses') out = await sendResponses(res, n, spec, blocks, u, mk);
  else out = await sendChat(res, n, spec, blocks, u, mk, body);
  log({ ...rec, kind: 'answer', id: out.id, request_id: reqId, tool_ids: out.tool_ids, stop: out.stop, dropped: out.dropped, usage: u, blocks: blocks.map((b) => (b.kind === 'tool' ? { tool: b.name, input: b.input } : { [b.kind]: b.text.slice(0, 120) })) });
}

const server = http.createServer((req, res) => {
  handle(req, res).catch((e) => { log({ kind: 'crash', error: String(e && e.stack || e) }); if (!res.headersSent) json(res, 500, oaiErr('api_error', String(e))); else res.end(); });
});
server.on('upgrade', (req, sock) => { log({ seq: ++seq, path: req.url, kind: 'upgrade-refused' }); sock.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'); });
server.keepAliveTimeout = 60000;
server.listen(opt.port, opt.host, () => {
  const port = server.address().port;
  if (opt.portFile) { fs.writeFileSync(opt.portFile + '.tmp', String(port)); fs.renameSync(opt.portFile + '.tmp', opt.portFile); }
  process.stdout.write(`stubmodel listening on http://${opt.host}:${port}\n`);
});
for (const s of ['SIGTERM', 'SIGINT']) process.on(s, () => { server.close(); process.exit(0); });
