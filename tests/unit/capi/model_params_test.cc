#include "capi/model_params.h"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "store/db.h"
#include "store/llm_rows.h"
#include "support/temp_dir.h"

namespace selftune::capi {
namespace {

StatusOr<store::Spending> Limits(const std::string& budget) {
  return DailyLimits(*config::Parse(R"({"budget":)" + budget + "}", "/c/config.json"));
}

}  // namespace

TEST_SUITE("capi/model_params") {
  TEST_CASE("a day's limits are those of the configuration") {
    const store::Spending usual = llm::BudgetLimits().day;
    CHECK(Limits("{}")->cost_micro_usd == usual.cost_micro_usd);
    CHECK(Limits(R"({"daily_usd":0.25})")->cost_micro_usd == 250'000);
    CHECK(Limits(R"({"daily_usd":0.25})")->calls == usual.calls);
    CHECK(Limits(R"({"daily_calls":7})")->calls == 7);
  }

  TEST_CASE("what cannot be read as an amount is no licence to spend the default") {
    for (const char* bad :
         {R"({"daily_usd":"1.00"})", R"({"daily_usd":-1})", R"({"daily_usd":1e9})",
          R"({"daily_calls":1.5})", R"({"daily_calls":"many"})", R"({"daily_calls":-3})"}) {
      CAPTURE(bad);
      CHECK(CodeOf(Limits(bad).status()).name == "INVALID_CONFIG");
      CHECK(Message(Limits(bad).status()).find("/c/config.json: budget.daily_") !=
            std::string_view::npos);
    }
  }

  TEST_CASE("zero means that nothing may be spent") {
    const testing::TempDir dir;
    store::OpenOptions options;
    options.mode = store::OpenMode::kCreate;
    const auto db = store::Db::Open(dir / "selftune.db", options);
    REQUIRE(db.ok());
    for (const char* none :
         {R"({"daily_usd":0})", R"({"daily_usd":0.0})", R"({"daily_calls":0})"}) {
      CAPTURE(none);
      const store::BudgetScope day{"day", "2026-01-01", *Limits(none)};
      const Status charged = store::ChargeBudget(**db, {&day, 1}, {1, 10, 0}, {1});
      CHECK(CodeOf(charged).name == "BUDGET_EXHAUSTED");
      CHECK(Message(charged).find("allows nothing") != std::string_view::npos);
    }
    CHECK(store::ReadBudget(**db, "day", "2026-01-01")->calls == 0);
  }
}

}  // namespace selftune::capi
