#include "cli/mcp/protocol.h"

#include <algorithm>
#include <iterator>

namespace selftune::cli::mcp {
namespace {

bool IsId(const Json& id) {
  return id.is_string() || (id.is_number() && id.Dump().find_first_of(".eE") == std::string::npos);
}

}  // namespace

std::string_view Negotiate(std::string_view asked) {
  const auto* const known =
      std::find(std::begin(kHandshakeVersions), std::end(kHandshakeVersions), asked);
  return known != std::end(kHandshakeVersions) ? *known : *std::rbegin(kHandshakeVersions);
}

std::string ErrorLine(std::string_view id, int code, std::string_view message,
                      std::string_view data_json) {
  JsonObject error;
  error.AddInt("code", code).AddText("message", message);
  if (!data_json.empty()) error.AddRaw("data", data_json);
  return JsonObject()
      .AddText("jsonrpc", "2.0")
      .AddRaw("id", id)
      .AddRaw("error", error.Take())
      .Take();
}

std::string ResultLine(std::string_view id, std::string_view result_json) {
  return JsonObject()
      .AddText("jsonrpc", "2.0")
      .AddRaw("id", id)
      .AddRaw("result", result_json)
      .Take();
}

std::string Extended(std::string object, std::string_view members) {
  object.pop_back();
  if (object.size() > 1) object += ',';
  return object + std::string(members) + "}";
}

Read ReadMessage(const Json& value) {
  Read read;
  if (!value.is_object()) {
    read.flaw = {kInvalidRequest, "a message is a JSON object"};
    return read;
  }
  const Json& id = value["id"];
  if (value.Has("id") && IsId(id)) read.message.id = id.Dump();
  if (!read.message.id.empty()) read.flaw.id = read.message.id;
  const Json& method = value["method"];
  if (!value.Has("method") && (value.Has("result") || value.Has("error"))) return read;
  if (value["jsonrpc"].Text() != "2.0" || !method.is_string() || method.Text().empty()) {
    read.flaw.code = kInvalidRequest;
    read.flaw.text = "a message has jsonrpc \"2.0\" and a method";
  } else if (value.Has("id") && read.message.id.empty()) {
    read.flaw.code = kInvalidRequest;
    read.flaw.text = "an id is a string or an integer";
  } else if (value.Has("params") && !value["params"].is_object()) {
    read.flaw.code = kInvalidParams;
    read.flaw.text = "params is an object";
  }
  if (read.flaw.code != 0) return read;
  read.message.method = method.Text();
  read.message.params = value["params"];
  read.message.version = read.message.params["_meta"][kVersionKey].Text();
  return read;
}

}  // namespace selftune::cli::mcp
