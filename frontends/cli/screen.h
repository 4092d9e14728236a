// Where text goes: how wide it is, whether it has colours, what time it is.
#pragma once

#include <string>
#include <string_view>

#include "cli/json.h"

namespace selftune::cli {

enum class Style { kPlain, kBold, kDim, kGood, kWarn, kBad };

struct Screen {
  size_t width = 80;
  bool colour = false;
  bool folds = false;  // a person looks at it: no line is to be wider
  bool wide = false;   // all of it is asked for, however wide that is

  // `text` in a style; plain without colours.
  [[nodiscard]] std::string Paint(Style style, std::string_view text) const;
};

// An envelope, for rendering.
struct Reply {
  const Json& envelope;
  [[nodiscard]] const Json& data() const { return envelope["data"]; }
  [[nodiscard]] const std::string& now() const { return envelope["generated_at"].Text(); }
  [[nodiscard]] bool dry_run() const { return envelope["dry_run"].Bool(); }
  [[nodiscard]] bool changed() const { return envelope["changed"].Bool(); }
};

}  // namespace selftune::cli
