#include "capi/params.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/time.h"
#include "base/utf8.h"
#include "capi/engine.h"
#include "hosts/registry.h"

namespace selftune::capi {
namespace {

using base::JsonValue;

constexpr size_t kMaxShown = 80;  // code points of a foreign name in a message

std::string Shown(std::string_view text) {
  return base::EscapeControls(base::FirstCodePoints(text, kMaxShown));
}

// Each checked value needs the engine only for "now" and "here".
struct Checker {
  const OpSpec& op;
  const Engine& engine;

  [[nodiscard]] Status Wrong(const ParamSpec& spec, std::string_view expected) const {
    return Fail(kInvalidRequest, "{}: {} must be {}", op.name, spec.name, expected);
  }

  [[nodiscard]] StatusOr<JsonValue> Text(const ParamSpec& spec, const JsonValue& value) const {
    if (!value.is_string()) return Wrong(spec, "a string");
    if (spec.choices.empty()) return value;
    const std::string& text = value.AsString();
    for (const std::string_view choice : spec.choices) {
      if (base::EqualsIgnoreCase(choice, text)) return JsonValue::Text(std::string(choice));
    }
    const std::vector<std::string_view> known(spec.choices.begin(), spec.choices.end());
    return UnknownName(fmt::format("value of {} for {}:", spec.name, op.name), text, known);
  }

  [[nodiscard]] StatusOr<JsonValue> Path(const ParamSpec& spec, const JsonValue& value) const {
    const std::string& text = value.AsString();
    if (text.empty()) return Wrong(spec, "a path");
    if (text.size() >= PATH_MAX) return Wrong(spec, "a path that the system takes");
    if (text.find('\0') != std::string::npos) return Wrong(spec, "a path without NUL");
    if (text == "~" || text.starts_with("~/")) {
      return JsonValue::Text(
          base::NormalizePath(engine.paths().home, text.substr(std::min<size_t>(2, text.size()))));
    }
    if (text.front() == '/') return JsonValue::Text(base::NormalizePath("/", text));
    char here[PATH_MAX];
    if (::getcwd(here, sizeof here) == nullptr) return Wrong(spec, "an absolute path here");
    return JsonValue::Text(base::NormalizePath(here, text));
  }

  [[nodiscard]] StatusOr<JsonValue> Time(const ParamSpec& spec, const JsonValue& value) const {
    const std::string& text = value.AsString();
    if (const auto time = ParseRfc3339(text)) return JsonValue::Text(FormatRfc3339(*time));
    if (text.size() == 10) {  // a day
      if (const auto day = ParseRfc3339(text + "T00:00:00Z")) {
        return JsonValue::Text(FormatRfc3339(*day));
      }
    }
    const auto unit_ms = [](char unit) -> int64_t {
      switch (unit) {
        case 's':
          return 1000;
        case 'm':
          return 60'000;
        case 'h':
          return 3'600'000;
        case 'd':
          return kDayMs;
        case 'w':
          return 7 * kDayMs;
        default:
          return 0;
      }
    };
    const int64_t unit = text.empty() ? 0 : unit_ms(text.back());
    const auto count = unit == 0 ? std::nullopt : base::ParseInt(text.substr(0, text.size() - 1));
    if (!count.has_value() || *count < 0 || *count > 100'000) {
      return Wrong(spec, "a time (2026-01-31, 2026-01-31T08:00:00Z) or an age (30m, 24h, 7d)");
    }
    return JsonValue::Text(FormatRfc3339(UtcMillis{engine.clock().Now().value - *count * unit}));
  }

  [[nodiscard]] StatusOr<JsonValue> Platform(const JsonValue& value) const {
    if (const hosts::HostRow* row = hosts::FindRow(value.AsString())) {
      return JsonValue::Text(std::string(row->platform));
    }
    std::vector<std::string_view> known;
    for (const hosts::HostRow& row : hosts::Rows()) known.push_back(row.platform);
    return UnknownName("host", value.AsString(), known);
  }

  [[nodiscard]] StatusOr<JsonValue> Int(const ParamSpec& spec, const JsonValue& value) const {
    if (!value.is_int()) return Wrong(spec, "an integer");
    const int64_t number = value.AsInt();
    if (number < spec.minimum || number > spec.maximum) {
      return Wrong(spec, fmt::format("from {} to {}", spec.minimum, spec.maximum));
    }
    return value;
  }

  [[nodiscard]] StatusOr<JsonValue> One(const ParamSpec& spec, const JsonValue& value) const {
    switch (spec.type) {
      case ParamType::kString:
        return Text(spec, value);
      case ParamType::kPath:
        if (!value.is_string()) return Wrong(spec, "a string");
        return Path(spec, value);
      case ParamType::kPlatform:
        if (!value.is_string()) return Wrong(spec, "a string");
        return Platform(value);
      case ParamType::kTime:
        if (!value.is_string()) return Wrong(spec, "a string");
        return Time(spec, value);
      case ParamType::kInt:
        return Int(spec, value);
      case ParamType::kNumber:
        if (!value.is_number()) return Wrong(spec, "a number");
        return value;
      case ParamType::kBool:
        if (!value.is_bool()) return Wrong(spec, "true or false");
        return value;
      case ParamType::kObject:
        if (!value.is_object()) return Wrong(spec, "an object");
        return value;
      case ParamType::kAny:
        return value;
    }
    return value;
  }

  [[nodiscard]] StatusOr<JsonValue> All(const ParamSpec& spec, const JsonValue& value) const {
    if (!spec.list) return One(spec, value);
    if (!value.is_array()) return Wrong(spec, "a list");
    std::vector<JsonValue> items;
    const std::string each = fmt::format("each of {}", spec.name);
    ParamSpec one = spec;
    one.name = each;
    for (const JsonValue& item : value.items()) {
      ST_ASSIGN_OR_RETURN(JsonValue checked, One(one, item));
      items.push_back(std::move(checked));
    }
    return JsonValue::Array(std::move(items));
  }

  [[nodiscard]] StatusOr<JsonValue> Absent(const ParamSpec& spec) const {
    if (spec.required) return Fail(kInvalidRequest, "{}: {} is missing", op.name, spec.name);
    if (spec.default_json.empty()) return JsonValue();
    return JsonValue::Parse(spec.default_json);
  }
};

Status CheckNames(const OpSpec& op, const JsonValue& given) {
  std::vector<std::string_view> known;
  for (const ParamSpec& spec : op.params) known.push_back(spec.name);
  for (const auto& [key, value] : given.members()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return UnknownName(fmt::format("parameter of {}:", op.name), key, known);
  }
  return absl::OkStatus();
}

}  // namespace

Status UnknownName(std::string_view what, std::string_view name,
                   const std::vector<std::string_view>& known) {
  const Status status = Fail(kInvalidRequest, "unknown {} {}", what, Shown(name));
  std::string_view nearest;
  size_t best = base::MostEdits(name) + 1;
  // A name of foreign length is not near anything, and comparing it is work.
  for (const std::string_view candidate : known) {
    if (name.size() > candidate.size() + best) continue;
    const size_t distance = base::EditDistance(name, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  if (!nearest.empty()) {
    return WithSuggestion(status, fmt::format("did you mean {}?", nearest), "");
  }
  if (known.empty()) return WithSuggestion(status, "it takes none", "");
  std::vector<std::string> all(known.begin(), known.end());
  return WithSuggestion(status, fmt::format("known are {}", base::Join(all, ", ")), "");
}

StatusOr<JsonValue> CheckParams(const OpSpec& op, const JsonValue& given, const Engine& engine) {
  if (!given.is_null() && !given.is_object()) {
    return Fail(kInvalidRequest, "{}: params must be an object", op.name);
  }
  ST_RETURN_IF_ERROR(CheckNames(op, given));
  const Checker checker{op, engine};
  std::vector<JsonValue::Member> members;
  for (const ParamSpec& spec : op.params) {
    const JsonValue& value = given[spec.name];
    ST_ASSIGN_OR_RETURN(JsonValue checked,
                        value.is_null() ? checker.Absent(spec) : checker.All(spec, value));
    members.emplace_back(std::string(spec.name), std::move(checked));
  }
  return JsonValue::Object(std::move(members));
}

void WarnOfIgnored(Context& context, const JsonValue& params,
                   std::initializer_list<std::string_view> names, std::string_view why) {
  for (const std::string_view name : names) {
    const JsonValue& given = params[name];
    if (given.is_null() || (given.is_bool() && !given.AsBool())) continue;
    context.Warn("NO_EFFECT", fmt::format("{} has no effect: {}", name, why));
  }
}

}  // namespace selftune::capi
