// A line is walked in any pattern of touching and skipping; whatever it does to
// the parser, the next good line parses.
#include <string_view>

#include "base/json_object.h"
#include "input.h"

namespace {

using selftune::base::JsonField;

// Consumes a value in the way the next bit of the pattern says.
void Walk(JsonField& value, uint32_t& pattern, int depth) {
  pattern = pattern * 1664525u + 1013904223u;
  switch (pattern >> 29) {
    case 0:
      return;  // skipped
    case 1:
      (void)value.RawJson();
      return;
    case 2:
      (void)value.String();
      return;
    case 3:
      (void)value.Int();
      return;
    default:
      break;
  }
  if (depth > 20) return;
  switch (value.type()) {
    case JsonField::Type::kObject:
      value.ForEachField([&](std::string_view, JsonField& v) { Walk(v, pattern, depth + 1); });
      break;
    case JsonField::Type::kArray:
      value.ForEachItem([&](JsonField& v) { Walk(v, pattern, depth + 1); });
      break;
    case JsonField::Type::kString:
      (void)value.String();
      break;
    case JsonField::Type::kNumber:
      (void)value.Double();
      break;
    case JsonField::Type::kBool:
      (void)value.Bool();
      break;
    case JsonField::Type::kNull:
    case JsonField::Type::kError:
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace selftune;
  static base::LineParser parser;
  static const fuzz::Input good(R"({"a":[1,{"b":"c"}]})");
  uint32_t pattern = size > 0 ? data[0] : 0;
  const fuzz::Input line(fuzz::AsText(data, size));
  (void)parser.ForEachField(line.text(),
                            [&](std::string_view, JsonField& v) { Walk(v, pattern, 0); });
  size_t fields = 0;
  const Status status =
      parser.ForEachField(good.text(), [&](std::string_view, JsonField&) { ++fields; });
  fuzz::Require(status.ok() && fields == 1, "a good line parses after any other");
  return 0;
}
