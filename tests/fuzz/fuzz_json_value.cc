// An owned document that parses reads back from its own text as the same value.
#include "base/json_value.h"

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using selftune::base::JsonValue;
  const auto value = JsonValue::Parse(selftune::fuzz::AsText(data, size));
  if (!value.ok()) return 0;
  const auto again = JsonValue::Parse(value->ToJson());
  selftune::fuzz::Require(again.ok(), "own text parses");
  selftune::fuzz::Require(again->ToJson() == value->ToJson(), "own text is a fixed point");
  return 0;
}
