// From the type words of a record to what it is.
#pragma once

#include <string_view>

#include "hosts/codex/record.h"

namespace selftune::hosts::codex {

// `type` of the line. kUnknown for event_msg and response_item, which their
// payload explains.
[[nodiscard]] Kind KindOfTop(std::string_view type);
// `payload.type` of a line of type `top`; kOtherItem for item_completed.
[[nodiscard]] Kind KindOfPayload(std::string_view top, std::string_view type);
// `payload.item.type`.
[[nodiscard]] Kind KindOfItem(std::string_view type);

}  // namespace selftune::hosts::codex
