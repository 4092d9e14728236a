#include "capi/model_rest.h"

#include <optional>

#include "base/env.h"
#include "base/json_value.h"
#include "base/status_macros.h"
#include "capi/model_params.h"
#include "config/config.h"
#include "llm/choose.h"
#include "orchestrate/model_rest.h"

namespace selftune::capi {

StatusOr<std::optional<status::RunsRest>> ModelRestHere(Context& context, store::Db& db) {
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  ST_ASSIGN_OR_RETURN(std::optional<status::RunsRest> rest,
                      status::FindRunsRest(db, *config, context.now()));
  if (!rest.has_value()) return rest;
  // Who cannot be asked from here may be asked by the scheduler.
  const StatusOr<llm::ChooseOptions> choice = ReadChoice(context, base::JsonValue());
  if (!choice.ok()) return rest;
  ST_ASSIGN_OR_RETURN(const base::Environment* const env, context.hosts_env());
  const orchestrate::Asked asked = orchestrate::WhoIsAsked(*env, *choice);
  return status::FindRunsRest(db, *config, asked, context.now());
}

}  // namespace selftune::capi
