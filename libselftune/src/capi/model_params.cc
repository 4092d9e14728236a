#include "capi/model_params.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/status_macros.h"

namespace selftune::capi {

namespace {

using base::JsonValue;

constexpr double kMicro = 1e6;
constexpr double kMostUsd = 1e6;
constexpr double kMostMinutes = 60 * 24 * 7;

Status NoAmount(std::string_view name, double most) {
  return WithSuggestion(
      Fail(kInvalidRequest, "{}: expected a number above 0 and up to {}", name, most),
      "leave it out for the default", "");
}

// A limit above 0; 0 would be read as none.
StatusOr<double> Amount(const JsonValue& value, std::string_view name, double most) {
  const double amount = value.AsDouble();
  if (!(amount > 0 && amount <= most)) return NoAmount(name, most);
  return amount;
}

Status ReadCount(const JsonValue& params, const char* name, int64_t& skill, int64_t& run) {
  if (!params[name].is_int()) return absl::OkStatus();
  if (params[name].AsInt() < 1) return NoAmount(name, 1e9);
  skill = run = params[name].AsInt();
  return absl::OkStatus();
}

Status ReadLimits(const Context& context, const JsonValue& params, llm::ModelUse& use) {
  llm::BudgetLimits& limits = use.limits;
  ST_RETURN_IF_ERROR(ReadCount(params, "max_calls", limits.skill.calls, limits.run.calls));
  ST_RETURN_IF_ERROR(ReadCount(params, "max_tokens", limits.skill.tokens, limits.run.tokens));
  if (params["max_cost_usd"].is_number()) {
    ST_ASSIGN_OR_RETURN(const double usd, Amount(params["max_cost_usd"], "max_cost_usd", kMostUsd));
    limits.skill.cost_micro_usd = limits.run.cost_micro_usd =
        std::max<int64_t>(1, std::llround(usd * kMicro));
  }
  if (params["max_minutes"].is_number()) {
    ST_ASSIGN_OR_RETURN(const double minutes,
                        Amount(params["max_minutes"], "max_minutes", kMostMinutes));
    use.stop_at = UtcMillis{context.now().value + std::llround(minutes * 60'000)};
  }
  return absl::OkStatus();
}

Status ReadModel(const Context& context, const JsonValue& params, llm::ModelUse& use) {
  if (params["tier"].is_string()) {
    const std::optional<llm::Tier> tier = llm::ParseTier(params["tier"].AsString());
    if (!tier.has_value()) {
      return WithSuggestion(Fail(kInvalidRequest, "unknown tier \"{}\"", params["tier"].AsString()),
                            "use fast, standard or strong", "");
    }
    use.tier = *tier;
  }
  use.model = params["model"].AsString();
  if (use.model.empty()) use.model = context.env().GetOr("SELFTUNE_MODEL", "");
  use.effort = params["effort"].AsString();
  if (!use.model.empty() && !llm::IsModelName(use.model)) {
    return WithSuggestion(Fail(kInvalidRequest, "model: \"{}\" is no name of a model", use.model),
                          "give a name or an alias the agent knows, such as opus", "");
  }
  if (!use.effort.empty() && !llm::IsEffort(use.effort)) {
    return WithSuggestion(Fail(kInvalidRequest, "unknown effort \"{}\"", use.effort),
                          "use low, medium, high, xhigh or max", "");
  }
  return absl::OkStatus();
}

// An agent that is named is asked itself.
Status ReadMode(const Context& context, const JsonValue& params, const config::Config& config,
                llm::ChooseOptions& choose) {
  const std::string& asked = params["llm_mode"].AsString();
  if (asked.empty() && !choose.agent.empty()) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(const bool api, llm::WantsApi(asked, context.env(), config));
  if (!api || (choose.handler != nullptr && *choose.handler)) return absl::OkStatus();
  ST_ASSIGN_OR_RETURN(choose.api, llm::ReadApiSettings(config));
  return absl::OkStatus();
}

}  // namespace

StatusOr<store::Spending> DailyLimits(const config::Config& config) {
  const auto no_amount = [&](std::string_view key, std::string_view what) {
    return WithSuggestion(Fail(kInvalidConfig, "{}: {}: expected {}", config.path, key, what),
                          "correct it, or take it out for the default", "");
  };
  store::Spending day = llm::BudgetLimits().day;
  const JsonValue& calls = config.Get("budget.daily_calls");
  const JsonValue& usd = config.Get("budget.daily_usd");
  if (!calls.is_null()) {
    if (!calls.is_int() || calls.AsInt() < 0) {
      return no_amount("budget.daily_calls", "a whole number, 0 for no calls at all");
    }
    day.calls = calls.AsInt() == 0 ? store::kNothing : calls.AsInt();
  }
  if (!usd.is_null()) {
    const double amount = usd.AsDouble();
    if (!usd.is_number() || !(amount >= 0 && amount <= kMostUsd)) {
      return no_amount("budget.daily_usd", "a number, 0 for no calls at all");
    }
    day.cost_micro_usd =
        amount > 0 ? std::max<int64_t>(1, std::llround(amount * kMicro)) : store::kNothing;
  }
  return day;
}

StatusOr<llm::ChooseOptions> ReadChoice(Context& context, const JsonValue& params) {
  llm::ChooseOptions out;
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  out.handler = context.llm_handler();
  out.agent = params["agent"].AsString();
  out.configured = config->agent_cli;
  // A dry run leaves our own folder as it is.
  const std::string temp = context.env().GetOr("TMPDIR", "");
  out.temp_parent = context.dry_run() ? (temp.starts_with('/') ? temp : "/tmp")
                                      : base::JoinPath(context.paths().state_dir, "tmp");
  out.remember = !context.dry_run();
  out.no_network = context.no_network();
  ST_RETURN_IF_ERROR(ReadMode(context, params, *config, out));
  return out;
}

StatusOr<ModelParams> ReadModelParams(Context& context, const JsonValue& params) {
  ModelParams out;
  ST_ASSIGN_OR_RETURN(const config::Config* const config, context.config());
  ST_RETURN_IF_ERROR(ReadModel(context, params, out.use));
  out.plan = params["plan"].AsBool();
  const StatusOr<store::Spending> day = DailyLimits(*config);
  if (!day.ok() && !out.plan) return day.status();  // a plan spends nothing
  if (day.ok()) out.use.limits.day = *day;
  ST_RETURN_IF_ERROR(ReadLimits(context, params, out.use));
  ST_ASSIGN_OR_RETURN(out.choose, ReadChoice(context, params));
  // What goes to a server of others is told less, unless the person says so.
  out.use.redact_emails = config->Get("privacy.redact_emails").AsBool(out.choose.api.has_value());
  const bool money =
      params["max_cost_usd"].is_number() || !config->Get("budget.daily_usd").is_null();
  if (out.choose.api.has_value() && money) {
    context.Warn("COST_UNKNOWN",
                 "a model's server does not say what an answer costs: limits in US dollars hold "
                 "nobody back, those of calls and tokens do");
  }
  out.use.seed = static_cast<uint64_t>(params["seed"].AsInt(42));
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
