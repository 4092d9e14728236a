// Every operation with nothing, with the least, and with what is wrong.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "base/file.h"
#include "base/json_writer.h"
#include "capi/engine.h"
#include "capi/op_spec.h"
#include "capi/router.h"
#include "llm/backend.h"
#include "support/temp_dir.h"

namespace selftune::capi {
namespace {

std::unique_ptr<Engine> OpenEngine(const testing::TempDir& home) {
  EngineOptions options;
  options.env.Set("HOME", home.path());
  options.env.Set("PATH", "/nonexistent");
  options.no_network = true;
  return *Engine::Open(std::move(options));
}

std::string Request(const OpSpec& op, const std::string& params) {
  return fmt::format(R"({{"op":"{}","params":{}}})", op.name, params);
}

// `home`: where operations may write, should they take the path as a target.
std::string SomeValue(const ParamSpec& spec, const std::string& home) {
  std::string one;
  switch (spec.type) {
    case ParamType::kString:
      one = spec.choices.empty() ? "\"x\"" : base::JsonQuote(spec.choices[0]);
      break;
    case ParamType::kPath:
      one = base::JsonQuote(home + "/none/x");
      break;
    case ParamType::kPlatform:
      one = "\"claude_code\"";
      break;
    case ParamType::kTime:
      one = "\"2026-01-02\"";
      break;
    case ParamType::kInt:
      one = std::to_string(std::max<int64_t>(spec.minimum, 1));
      break;
    case ParamType::kNumber:
      one = "0.5";
      break;
    case ParamType::kBool:
      one = "true";
      break;
    case ParamType::kObject:
      one = "{}";
      break;
    case ParamType::kAny:
      one = "1";
      break;
  }
  return spec.list ? "[" + one + "]" : one;
}

std::string WrongValue(const ParamSpec& spec) {
  if (spec.list) return "7";
  return spec.type == ParamType::kString || spec.type == ParamType::kPath ||
                 spec.type == ParamType::kPlatform || spec.type == ParamType::kTime
             ? "7"
             : "\"\\u0000\"";
}

// The required parameters; `other` replaces the value of `name`.
std::string Params(const OpSpec& op, const std::string& home, std::string_view name = {},
                   const std::string& other = {}) {
  base::JsonWriter out;
  out.BeginObject();
  for (const ParamSpec& spec : op.params) {
    if (spec.name == name) {
      out.Key(spec.name).Raw(other);
    } else if (spec.required) {
      out.Key(spec.name).Raw(SomeValue(spec, home));
    }
  }
  out.EndObject();
  return std::move(out).Take();
}

bool HasRequired(const OpSpec& op) {
  for (const ParamSpec& spec : op.params) {
    if (spec.required) return true;
  }
  return false;
}

const SchemaRow* FindSchema(std::string_view id) {
  for (const SchemaRow& row : AllSchemas()) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

// Declared keys are always present, and nothing else is; nested as far as the
// schema says what is in there.
void CheckShape(const base::JsonValue& schema, const base::JsonValue& value,
                const std::string& where) {
  CAPTURE(where);
  const base::JsonValue& any_of = schema["anyOf"];
  if (any_of.is_array()) {
    if (!value.is_null()) CheckShape(any_of.items()[0], value, where);
    return;
  }
  const base::JsonValue& type = schema["type"];
  const bool may_be_null = type.is_array();
  if (value.is_null()) {
    CHECK(may_be_null);
    return;
  }
  const std::string name = may_be_null ? type.items()[0].AsString() : type.AsString();
  if (name == "string") CHECK(value.is_string());
  if (name == "integer") CHECK(value.is_int());
  if (name == "number") CHECK(value.is_number());
  if (name == "boolean") CHECK(value.is_bool());
  if (name == "array") {
    REQUIRE(value.is_array());
    for (const base::JsonValue& item : value.items())
      CheckShape(schema["items"], item, where + "[]");
  }
  if (name != "object") return;
  REQUIRE(value.is_object());
  const base::JsonValue& properties = schema["properties"];
  for (const base::JsonValue& key : schema["required"].items()) {
    CAPTURE(key.AsString());
    CHECK(value.Has(key.AsString()));
  }
  for (const auto& [key, member] : value.members()) {
    const std::string below = where + "." + key;
    if (properties.Has(key)) {
      CheckShape(properties[key], member, below);
    } else if (schema["additionalProperties"].is_object()) {
      CheckShape(schema["additionalProperties"], member, below);
    } else if (properties.is_object()) {
      FAIL_CHECK("undeclared key " << below);
    }
  }
}

void CheckEnvelope(const OpSpec& op, const std::string& text) {
  const auto envelope = base::JsonValue::Parse(text);
  REQUIRE(envelope.ok());
  CheckShape(*base::JsonValue::Parse(FindSchema("selftune/envelope@1")->json), *envelope,
             "envelope");
  CHECK((*envelope)["schema"].AsString() == op.schema);
  const SchemaRow* reply = FindSchema(op.schema);
  REQUIRE(reply != nullptr);
  CheckShape(*base::JsonValue::Parse(reply->json), (*envelope)["data"], "data");
}

}  // namespace

TEST_SUITE("capi/all_ops") {
  TEST_CASE(
      "tiers and efforts that may be asked for are those that callers know, and all of them") {
    size_t seen = 0;
    for (const OpSpec& op : AllOps()) {
      for (const ParamSpec& param : op.params) {
        if (param.name != "tier" && param.name != "effort") continue;
        CAPTURE(op.name);
        ++seen;
        for (const std::string_view word : param.choices) {
          CAPTURE(word);
          CHECK((param.name == "tier" ? llm::ParseTier(word).has_value() : llm::IsEffort(word)));
        }
        CHECK(param.choices.size() == (param.name == "tier" ? 3 : 6));
      }
    }
    CHECK(seen > 2);
  }

  TEST_CASE("the table is sorted and its schemas exist") {
    std::string_view before;
    for (const OpSpec& op : AllOps()) {
      CAPTURE(op.name);
      CHECK(before < op.name);
      before = op.name;
      CHECK(FindOp(op.name) == &op);
      CHECK(FindSchema(op.schema) != nullptr);
      CHECK(FindSchema(fmt::format("selftune/{}.params@1", op.name)) != nullptr);
    }
    for (const SchemaRow& row : AllSchemas()) CHECK(base::JsonValue::Parse(row.json).ok());
  }

  TEST_CASE("nothing given is either enough or named as missing") {
    const testing::TempDir home;
    const auto engine = OpenEngine(home);
    for (const OpSpec& op : AllOps()) {
      CAPTURE(op.name);
      const auto reply = engine->Request(Request(op, "{}"));
      if (HasRequired(op)) {
        REQUIRE_FALSE(reply.ok());
        CHECK(CodeOf(reply.status()).name == "INVALID_REQUEST");
        CHECK(Message(reply.status()).find("is missing") != std::string_view::npos);
      } else if (reply.ok()) {
        CheckEnvelope(op, *reply);
      } else {
        CHECK(CodeOf(reply.status()).name != "INTERNAL");
      }
    }
  }

  TEST_CASE("the least that is asked for gives a reply of its shape or a named failure") {
    const testing::TempDir home;
    const auto engine = OpenEngine(home);
    (void)engine->Request(R"({"op":"sync.run"})");  // an empty store for those that need one
    for (const OpSpec& op : AllOps()) {
      CAPTURE(op.name);
      const auto reply = engine->Request(Request(op, Params(op, engine->paths().home)));
      if (reply.ok()) {
        CheckEnvelope(op, *reply);
        continue;
      }
      CAPTURE(std::string(Message(reply.status())));
      CHECK(CodeOf(reply.status()).name != "INTERNAL");
      CHECK_FALSE(Message(reply.status()).empty());
    }
  }

  TEST_CASE("a dry run of an operation that writes says so and changes nothing") {
    const testing::TempDir home;
    const auto engine = OpenEngine(home);
    for (const OpSpec& op : AllOps()) {
      if (!op.Has('S') && !op.Has('F') && !op.Has('R')) continue;
      CAPTURE(op.name);
      const auto reply =
          engine->Request(Request(op, Params(op, engine->paths().home, "dry_run", "true")));
      if (!reply.ok()) continue;
      CHECK(reply->find(R"("dry_run":true,"changed":false)") != std::string::npos);
      CHECK_FALSE(base::Exists(engine->paths().state_dir));
    }
  }

  TEST_CASE("wrong values and unknown names are refused by name") {
    const testing::TempDir home;
    const auto engine = OpenEngine(home);
    for (const OpSpec& op : AllOps()) {
      CAPTURE(op.name);
      const auto unknown = engine->Request(Request(op, R"({"no_such_parameter":1})"));
      REQUIRE_FALSE(unknown.ok());
      CHECK(CodeOf(unknown.status()).name == "INVALID_REQUEST");
      CHECK(Message(unknown.status()).find("no_such_parameter") != std::string_view::npos);
      for (const ParamSpec& spec : op.params) {
        if (spec.type == ParamType::kAny) continue;
        CAPTURE(spec.name);
        const auto wrong = engine->Request(
            Request(op, Params(op, engine->paths().home, spec.name, WrongValue(spec))));
        REQUIRE_FALSE(wrong.ok());
        CHECK(CodeOf(wrong.status()).name == "INVALID_REQUEST");
        CHECK(Message(wrong.status()).find(spec.name) != std::string_view::npos);
      }
    }
  }
}

}  // namespace selftune::capi
