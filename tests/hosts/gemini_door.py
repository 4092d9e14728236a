"""Google's generateContent in front of the stub model, which speaks chat completions.

`Door(port)` listens on loopback and hands each request on: contents become messages,
function calls become tool calls, and the answer goes back the same way, streamed as
one event where a stream was asked for.
"""

import json
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def text_of(parts):
    return "\n".join(part["text"] for part in parts if "text" in part)


def messages(request):
    out = []
    system = text_of(request.get("systemInstruction", {}).get("parts", []))
    if system:
        out.append({"role": "system", "content": system})
    for content in request.get("contents", []):
        parts = content.get("parts", [])
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        if calls:
            out.append({"role": "assistant", "content": text_of(parts), "tool_calls": [
                {"id": call.get("id", call["name"]), "type": "function",
                 "function": {"name": call["name"], "arguments": json.dumps(call.get("args", {}))}}
                for call in calls]})
        elif results:
            out += [{"role": "tool", "tool_call_id": result.get("id", result["name"]),
                     "content": json.dumps(result.get("response", {}))} for result in results]
        else:
            role = "assistant" if content.get("role") == "model" else "user"
            out.append({"role": role, "content": text_of(parts)})
    return out


def functions(request):
    return [{"type": "function",
             "function": {"name": one["name"], "description": one.get("description", ""),
                          "parameters": one.get("parametersJsonSchema") or one.get("parameters") or {}}}
            for tool in request.get("tools", []) for one in tool.get("functionDeclarations", [])]


def answer(reply, model):
    message, usage = reply["choices"][0]["message"], reply["usage"]
    parts = [{"text": message["content"]}] if message.get("content") else []
    parts += [{"functionCall": {"name": call["function"]["name"],
                                "args": json.loads(call["function"]["arguments"])}}
              for call in message.get("tool_calls") or []]
    return {"modelVersion": model,
            "candidates": [{"index": 0, "finishReason": "STOP",
                            "content": {"role": "model", "parts": parts}}],
            "usageMetadata": {"promptTokenCount": usage["prompt_tokens"],
                              "candidatesTokenCount": usage["completion_tokens"],
                              "totalTokenCount": usage["total_tokens"]}}


class Door(ThreadingHTTPServer):
    def __init__(self, stub_port):
        super().__init__(("127.0.0.1", 0), Handler)
        self.stub = f"http://127.0.0.1:{stub_port}/v1/chat/completions"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):  # the stub's own log says what was served
        return

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        model, _, method = self.path.partition("?")[0].rpartition("/")[2].partition(":")
        if method == "countTokens":
            return self.reply("application/json", json.dumps({"totalTokens": len(json.dumps(request)) // 4}))
        body = {"model": model, "messages": messages(request)}
        if functions(request):
            body["tools"] = functions(request)
        asked = urllib.request.Request(self.server.stub, json.dumps(body).encode(),
                                       {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as served:
            said = json.dumps(answer(json.load(served), model))
        if method.startswith("stream"):
            return self.reply("text/event-stream", f"data: {said}\n\n")
        return self.reply("application/json", said)

    def reply(self, kind, text):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
