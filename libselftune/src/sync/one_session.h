// A sync of one session only.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "store/db.h"
#include "sync/plan.h"

namespace selftune::sync {

// Is the file named after the session, or does it lie in the session's folder?
// Agents are named after their session: <session>:agent:<id>.
[[nodiscard]] bool IsNamedAfter(std::string_view path, std::string_view session);

// Leaves in the plan what may say something of the session: files named after it,
// the one it was read from, and stores of rows, which are read as a whole. `db`
// may be null.
[[nodiscard]] Status KeepSession(store::Db* db, std::string_view session, HostPlan& plan);

// SESSION_NOT_FOUND if nothing stored of these hosts is of the session: to be
// asked for one that nobody knows is a mistake.
[[nodiscard]] Status MustKnowSession(store::Db& db, std::span<const std::string_view> platforms,
                                     std::string_view session);

}  // namespace selftune::sync
