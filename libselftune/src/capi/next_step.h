// The next command of an error, where it leaves the library: its own, else one
// that suits the operation, else that of its code; for the store it was about.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_value.h"
#include "capi/engine.h"
#include "capi/op_spec.h"

namespace selftune::capi {

// `status` with the step of its code where it names none of its own. An error
// leaves the library through this, so that none is without a command.
[[nodiscard]] Status WithStep(const Status& status);

// A command line that asks for `op` with the same parameters and `extra` true;
// without the parameters when they are too long for one.
[[nodiscard]] std::string RequestCommand(const OpSpec& op, const base::JsonValue& params,
                                         std::string_view extra);

// The failure of `op`, with the step that suits it where it names none.
[[nodiscard]] Status WithStepOf(const Status& status, const OpSpec& op,
                                const base::JsonValue& params, const Engine& engine);

// The same command for the store of `paths`, when a caller chose that.
[[nodiscard]] std::vector<std::string> InPlace(std::vector<std::string> argv, const Paths& paths);
// `status`, whose next command is for that store.
[[nodiscard]] Status InPlace(const Status& status, const Paths& paths);

// Words of a command line; quotes as a shell reads them.
[[nodiscard]] std::vector<std::string> SplitCommand(std::string_view command);

}  // namespace selftune::capi
