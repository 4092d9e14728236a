// Whether runs that begin by themselves rest, as one that is begun here would find.
#pragma once

#include <optional>

#include "base/error.h"
#include "capi/context.h"
#include "status/runs_rest.h"
#include "store/db.h"

namespace selftune::capi {

[[nodiscard]] StatusOr<std::optional<status::RunsRest>> ModelRestHere(Context& context,
                                                                      store::Db& db);

}  // namespace selftune::capi
