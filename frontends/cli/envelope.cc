#include "cli/envelope.h"

#include <algorithm>
#include <map>

#include "cli/error_next.gen.h"
#include "cli/library.h"
#include "cli/text.h"

namespace selftune::cli {
namespace {

JsonObject Head(std::string_view schema, bool ok, std::string_view command, bool dry_run) {
  JsonObject out;
  out.AddText("schema", schema)
      .AddBool("ok", ok)
      .AddText("command", command)
      .AddText("selftune_version", LibraryVersion())
      .AddText("generated_at", UtcNow())
      .AddBool("dry_run", dry_run)
      .AddBool("changed", false);
  return out;
}

std::string NextObject(const Failure& failure) {
  return JsonObject()
      .AddText("command", ShellLine(failure.next_argv))
      .AddTexts("argv", failure.next_argv)
      .AddText("reason", failure.suggestion)
      .AddBool("blocking", true)
      .AddRaw("alternatives", "[]")
      .Take();
}

std::string ErrorObject(const Failure& failure) {
  JsonObject out;
  out.AddText("code", failure.code).AddText("message", failure.message);
  out.AddRaw("suggestion", failure.suggestion.empty() ? "null" : Quote(failure.suggestion));
  out.AddBool("retryable", failure.retryable).AddInt("exit_code", failure.exit_code);
  out.AddRaw("details", failure.details.empty() ? "null" : failure.details);
  return out.Take();
}

// A set of dotted paths as a tree.
struct Wanted {
  std::map<std::string, Wanted, std::less<>> below;
  bool whole = false;  // a path ends here: everything below is kept
};

Wanted ParseWanted(std::string_view fields) {
  Wanted root;
  Wanted* at = &root;
  std::string part;
  for (size_t i = 0; i <= fields.size(); ++i) {
    const char c = i < fields.size() ? fields[i] : ',';
    if (c != ',' && c != '.') {
      if (c != ' ') part += c;
      continue;
    }
    if (!part.empty()) at = &at->below[part];
    part.clear();
    if (c == ',') {
      at->whole = at != &root;
      at = &root;
    }
  }
  return root;
}

Json Keep(const Json& value, const Wanted& wanted) {
  if (wanted.whole || !(value.is_object() || value.is_array())) return value;
  if (value.is_array()) {
    std::vector<Json> items;
    for (const Json& item : value.items()) items.push_back(Keep(item, wanted));
    return Json::Array(std::move(items));
  }
  std::vector<Json::Member> members;
  for (const auto& [key, member] : value.members()) {
    const auto it = wanted.below.find(key);
    if (it != wanted.below.end()) members.emplace_back(key, Keep(member, it->second));
  }
  return Json::Object(std::move(members));
}

// A path that no part of `value` has; of a list, that none of its items has.
bool Lacks(const Json& value, std::string_view name) {
  if (value.is_array()) {
    return !value.items().empty() &&
           std::all_of(value.items().begin(), value.items().end(),
                       [&](const Json& item) { return Lacks(item, name); });
  }
  return !value.is_null() && !value.Has(name);
}

void FindUnknown(const Json& value, const Wanted& wanted, const std::string& front,
                 std::vector<std::string>& unknown) {
  for (const auto& [name, below] : wanted.below) {
    if (Lacks(value, name)) {
      unknown.push_back(front + name);
    } else if (value.is_object()) {
      FindUnknown(value[name], below, front + name + ".", unknown);
    } else if (!value.items().empty()) {
      FindUnknown(value.items().front()[name], below, front + name + ".", unknown);
    }
  }
}

Json UnknownField(const std::string& name) {
  const auto text = JsonObject()
                        .AddText("code", "UNKNOWN_FIELD")
                        .AddText("message", "--fields: data has no " + OneLine(name))
                        .AddRaw("next", "null")
                        .Take();
  return Json::Parse(text).value_or(Json());
}

}  // namespace

Failure FailureOf(const Json& error) {
  Failure failure;
  failure.code = error["code"].Text();
  failure.message = error["message"].Text();
  failure.suggestion = error["suggestion"].Text();
  failure.retryable = error["retryable"].Bool();
  failure.exit_code = static_cast<int>(error["exit_code"].Int());
  if (error["details"].is_object()) failure.details = error["details"].Dump();
  for (const Json& word : error["next"]["argv"].items()) failure.next_argv.push_back(word.Text());
  return failure;
}

Failure UsageFailure(std::string code, std::string message, std::string suggestion) {
  Failure failure;
  failure.code = std::move(code);
  failure.message = std::move(message);
  failure.suggestion = std::move(suggestion);
  failure.exit_code = 64;
  failure.next_argv = {"selftune", "help"};
  return failure;
}

std::string FailureEnvelope(std::string_view command, std::string_view schema, const Failure& told,
                            bool dry_run) {
  const ErrorNext& usual = FindErrorNext(told.code);
  Failure failure = told;
  if (failure.suggestion.empty()) failure.suggestion = usual.text;
  if (failure.next_argv.empty()) failure.next_argv = usual.argv();
  return Head(schema, false, command, dry_run)
      .AddRaw("data", "null")
      .AddRaw("warnings", "[]")
      .AddRaw("next", NextObject(failure))
      .AddRaw("error", ErrorObject(failure))
      .Take();
}

std::string OwnEnvelope(std::string_view command, std::string_view schema,
                        std::string_view data_json) {
  return Head(schema, true, command, false)
      .AddRaw("data", data_json)
      .AddRaw("warnings", "[]")
      .AddRaw("next", "null")
      .AddRaw("error", "null")
      .Take();
}

Json KeepFields(const Json& envelope, std::string_view fields) {
  const Wanted wanted = ParseWanted(fields);
  std::vector<Json::Member> members;
  for (const auto& [key, value] : envelope.members()) {
    if (key == "data" && value.is_object()) {
      members.emplace_back(key, Keep(value, wanted));
    } else if (key == "warnings" && envelope["data"].is_object()) {
      std::vector<Json> warnings = value.items();
      std::vector<std::string> unknown;
      FindUnknown(envelope["data"], wanted, "", unknown);
      for (const std::string& name : unknown) warnings.push_back(UnknownField(name));
      members.emplace_back(key, Json::Array(std::move(warnings)));
    } else {
      members.emplace_back(key, value);
    }
  }
  return Json::Object(std::move(members));
}

}  // namespace selftune::cli
