// Finds the JSON a model was asked for in what it actually said.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>

#include "base/error.h"
#include "base/json_value.h"

namespace selftune::llm {

// What the caller asked for.
struct JsonShape {
  bool array = false;
  // Members the object must have; of an array: members of each item. An array
  // shape without keys takes any items.
  std::vector<std::string> keys;

  [[nodiscard]] static JsonShape Object(std::vector<std::string> keys = {}) {
    return {.array = false, .keys = std::move(keys)};
  }
  [[nodiscard]] static JsonShape Array(std::vector<std::string> keys = {}) {
    return {.array = true, .keys = std::move(keys)};
  }
  [[nodiscard]] bool Fits(const base::JsonValue& value) const;
};

struct ExtractedJson {
  base::JsonValue value;
  bool repaired = false;  // trailing commas, typographic quotes or Python literals were mended
};

// The value of the wanted shape in `reply`: the whole text, a fenced block, or
// a balanced span in prose. Of several the last one (models correct
// themselves); arrays of objects are preferred to lists of numbers, which are
// often references. An object whose only member is the wanted array counts as
// the array. What was cut off is never completed. INVALID_REPLY if nothing
// fits.
[[nodiscard]] StatusOr<ExtractedJson> ExtractJson(std::string_view reply, const JsonShape& shape);

// The same for a shape that only the caller can tell.
[[nodiscard]] StatusOr<base::JsonValue> ExtractJson(
    std::string_view reply, absl::FunctionRef<bool(const base::JsonValue&)> fits);

}  // namespace selftune::llm
