// The scanner of the hook program agrees with the JSON library: what that one
// reads as an object, it reads too, member by member.
#include <string>
#include <string_view>

#include "base/json_scan.h"
#include "base/json_value.h"
#include "input.h"

namespace {

using selftune::base::JsonScan;
using selftune::base::JsonSpan;
using selftune::base::JsonValue;

bool SameKind(const JsonSpan& span, const JsonValue& value) {
  using Kind = JsonSpan::Kind;
  switch (span.kind) {
    case Kind::kNull:
      return value.is_null();
    case Kind::kBool:
      return value.is_bool() && value.AsBool() == span.IsTrue();
    case Kind::kNumber:
      return value.is_number();
    case Kind::kString:
      return value.is_string() && value.AsString() == span.ToString();
    case Kind::kArray:
      return value.is_array();
    case Kind::kObject:
      return value.is_object();
    case Kind::kMissing:
      break;
  }
  return false;
}

// Nested objects too.
void Compare(std::string_view text, const JsonValue& value) {
  using selftune::fuzz::Require;
  JsonScan scan(text);
  size_t member = 0;
  while (scan.Next()) {
    Require(member < value.members().size(), "no more members than there are");
    const auto& [key, want] = value.members()[member++];
    Require(scan.key().ToString() == key && scan.key().Is(key), "the same key");
    Require(SameKind(scan.value(), want), "the same value");
    if (want.is_object()) Compare(scan.value().text, want);
  }
  Require(scan.complete() && member == value.members().size(), "all members");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = selftune::fuzz::AsText(data, size);
  JsonScan scan(text);
  while (scan.Next()) {
    (void)scan.key().ToString();
    (void)scan.value().ToString();
  }
  selftune::fuzz::Require(scan.complete() != scan.failed(), "a scan ends in one way");
  const auto value = JsonValue::Parse(text);
  if (value.ok() && value->is_object()) Compare(text, *value);
  return 0;
}
