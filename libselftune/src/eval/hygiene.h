// Which queries may enter an eval set or a model prompt: the author rules of
// signals/hygiene.h, then the ones against injection and secrets.
#pragma once

#include <string_view>

#include "signals/hygiene.h"

namespace selftune::eval {

using signals::HygieneVerdict;
// verdict, category ("" when kept) and the text to use, which points into the
// query.
using HygieneResult = signals::Hygiene;

[[nodiscard]] HygieneResult CheckHygiene(std::string_view query);

// Does the query ask to work on the skill itself ("fix the pdf skill") rather
// than with it? Such a positive is suppressed: neither positive nor negative.
[[nodiscard]] bool IsMaintenance(std::string_view query, std::string_view skill);

}  // namespace selftune::eval
