#include "capi/model_params.h"

#include <optional>
#include <string>

#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::capi {

StatusOr<ModelParams> ReadModelParams(Context& context, const base::JsonValue& params) {
  ModelParams out;
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  out.choose.handler = context.llm_handler();
  out.choose.agent = params["agent"].AsString();
  out.choose.configured = config->agent_cli;
  out.choose.temp_parent = base::JoinPath(context.paths().state_dir, "tmp");
  out.choose.remember = !context.dry_run();
  if (params["tier"].is_string()) {
    const std::optional<llm::Tier> tier = llm::ParseTier(params["tier"].AsString());
    if (!tier.has_value()) {
      return WithSuggestion(Fail(kInvalidRequest, "unknown tier \"{}\"", params["tier"].AsString()),
                            "use fast, standard or strong", "");
    }
    out.use.tier = *tier;
  }
  out.use.model = params["model"].AsString();
  out.use.effort = params["effort"].AsString();
  if (params["max_calls"].is_int()) {
    out.use.limits.skill.calls = out.use.limits.run.calls = params["max_calls"].AsInt();
  }
  if (params["max_tokens"].is_int()) {
    out.use.limits.skill.tokens = out.use.limits.run.tokens = params["max_tokens"].AsInt();
  }
  if (params["max_cost_usd"].is_number()) {
    out.use.limits.skill.cost_micro_usd = out.use.limits.run.cost_micro_usd =
        static_cast<int64_t>(params["max_cost_usd"].AsDouble() * 1e6);
  }
  if (params["max_minutes"].is_number()) {
    out.use.stop_at = UtcMillis{context.now().value +
                                static_cast<int64_t>(params["max_minutes"].AsDouble() * 60'000)};
  }
  out.use.seed = static_cast<uint64_t>(params["seed"].AsInt(42));
  out.plan = params["plan"].AsBool();
  return out;
}

void WriteSpent(base::JsonWriter& out, const llm::CallerTotals& spent) {
  out.BeginObject()
      .Field("calls", spent.calls)
      .Field("cached", spent.cached)
      .Field("tokens", spent.input_tokens + spent.output_tokens);
  const bool known = spent.cost_known && spent.calls > 0;
  out.Field("usd", known ? std::optional<double>(static_cast<double>(spent.cost_micro_usd) / 1e6)
                         : std::nullopt);
  out.Field("usd_source", known ? "reported" : "unknown").EndObject();
}

}  // namespace selftune::capi
